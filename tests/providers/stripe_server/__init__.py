"""A Stripe of our own: what its API documents of cards, spoken over HTTP or in this process.

    python -m tests.providers.stripe_server --port 12111

It is written from Stripe's reference and knows neither our adapter nor Stripe's SDK, so that it shares no mistake with
either. tests/gateways/test_stripe_server_shapes.py lays what it takes and says beside the SDK's own lists.
"""
