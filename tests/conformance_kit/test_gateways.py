"""Every gateway that is here keeps the contract."""

from __future__ import annotations

import pytest

from tests.conformance_kit.benches import BogusBench, CheckBench, SimulatorBench, SocketBench


class TestSimulator(SimulatorBench):
    """Over the engine in this process."""


@pytest.mark.slow
class TestSimulatorOverASocket(SocketBench):
    """Over HTTP, where time-outs and broken connections are real."""


class TestBogus(BogusBench):
    """Without a provider."""


class TestCheck(CheckBench):
    """Without a provider and without a source."""
