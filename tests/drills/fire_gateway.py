"""The simulator with less patience, so that a drill of thousands of kills takes minutes and not days."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from payments.gateways.http import Patience
from payments.gateways.simulator import SimulatorGateway

PATIENCE = Patience(connect_ms=1_000, answer_ms=700, tries=1, longest_pause_s=1)


class QuickGateway(SimulatorGateway):
    capabilities = replace(SimulatorGateway.capabilities, visibility_window=timedelta(seconds=1))
    longest_call = PATIENCE.longest

    patience = PATIENCE
