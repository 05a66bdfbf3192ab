"""PayPlug keeps the contract: the kit, over a server that speaks its protocol and knows nothing of the gateway."""

from __future__ import annotations

import pytest

from tests.gateways.payplug_bench import PayPlugBench

pytestmark = pytest.mark.once


class TestPayPlug(PayPlugBench):
    """Over a socket."""
