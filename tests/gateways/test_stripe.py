"""Stripe's gateway keeps the contract, over the stand-in in this process and behind a socket."""

from __future__ import annotations

import pytest

from tests.gateways.stripe_benches import SocketBench, StripeBench


class TestStripe(StripeBench):
    """Over the stand-in in this process."""


@pytest.mark.slow
class TestStripeOverASocket(SocketBench):
    """Over HTTP, where time-outs and broken connections are real."""
