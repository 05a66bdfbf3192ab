"""Braintree keeps the contract: the kit, over a server that speaks its protocol and knows nothing of the gateway."""

from __future__ import annotations

import pytest

from tests.gateways.braintree_bench import BraintreeBench

pytestmark = pytest.mark.once


class TestBraintree(BraintreeBench):
    """Over a socket, with the vendor's SDK as it is."""
