"""A Braintree of our own: its XML protocol over a socket, written from its public documentation, for tests.

It imports neither the gateway nor the vendor's SDK, so that it cannot share their mistakes. What it does not know of
Braintree is said in docs/reference/gateways/braintree.md.
"""

from __future__ import annotations

from tests.providers.braintree_server.server import MERCHANT, PRIVATE_KEY, PUBLIC_KEY, BraintreeServer

__all__ = ["MERCHANT", "PRIVATE_KEY", "PUBLIC_KEY", "BraintreeServer"]
