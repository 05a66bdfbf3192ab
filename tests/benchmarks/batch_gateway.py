"""The simulator, not asked again when it was asked too fast: each such answer is to be seen."""

from __future__ import annotations

from payments.gateways.http import Patience
from payments.gateways.simulator import SimulatorGateway

PATIENCE = Patience(tries=1)


class ImpatientGateway(SimulatorGateway):
    patience = PATIENCE
    longest_call = PATIENCE.longest
