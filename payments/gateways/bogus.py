"""A gateway without a provider: the card number decides the answer (Solidus's test numbers)."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from payments.errors import GatewayUnavailable
from payments.gateways.base import (
    Capabilities,
    ConfigField,
    Gateway,
    GatewayOptions,
    Outcome,
    Response,
)

APPROVED_NUMBERS = frozenset(
    """
    1 4111111111111111 4012888888881881 4222222222222
    5500000000000004 5555555555554444 5105105105105100
    378282246310005 371449635398431 378734493671000 340000000000009
    6011000000000004 6011111111111117 6011000990139424
    """.split()
)
APPROVING_TOKEN = "BGS-approves"  # noqa: S105 (not a secret)
DECLINING_TOKEN = "BGS-declines"  # noqa: S105 (not a secret)
AUTHORIZATION = "12345"


class BogusGateway(Gateway):
    """Answers at once, and the same for the same idempotency key, so a lost answer can be asked for again."""

    capabilities = Capabilities(
        idempotency_keys=True,
        partial_capture=True,
        multiple_captures=True,
        partial_refund=True,
        visibility_window=timedelta(0),
    )
    config_fields = (
        ConfigField(
            name="outage",
            label="Simulate an outage",
            type=bool,
            help="Every answer is lost on its way back, as with a provider whose line is down.",
        ),
    )
    takes_card_numbers = True
    longest_call = timedelta(seconds=5)

    def authorize(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._charge(source, options, avs_code="D")

    def purchase(self, amount_minor: int, source: Any, options: GatewayOptions) -> Response:
        return self._charge(source, options, avs_code="M")

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        if authorization != AUTHORIZATION:
            return self._answer(options, Outcome.DECLINED)
        return self._answer(options, Outcome.APPROVED)

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        return self._answer(options, Outcome.APPROVED, authorization=AUTHORIZATION)

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        return self._answer(options, Outcome.APPROVED, authorization=AUTHORIZATION)

    def supports(self, source: Any) -> bool:
        return bool(getattr(source, "number", "") or getattr(source, "token", ""))

    def tokenize(self, source: Any) -> str:
        """A token that answers as the number does, so that the number itself need not be kept."""
        number = getattr(source, "number", "")
        if not number:
            return super().tokenize(source)
        return APPROVING_TOKEN if number in APPROVED_NUMBERS else DECLINING_TOKEN

    def _charge(self, source: Any, options: GatewayOptions, *, avs_code: str) -> Response:
        if not self.tokenize(source).startswith("BGS-") or self.tokenize(source) == DECLINING_TOKEN:
            return self._answer(options, Outcome.DECLINED)
        return self._answer(options, Outcome.APPROVED, authorization=AUTHORIZATION, avs_code=avs_code, cvv_code="M")

    def _answer(self, options: GatewayOptions, outcome: Outcome, **facts: Any) -> Response:
        if self.config.get("outage"):
            raise GatewayUnavailable("Bogus is having an outage: the answer was lost.")
        if outcome is Outcome.DECLINED:
            return Response(outcome=outcome, message="Bogus Gateway: Forced failure", error_code="card_declined")
        # Drawn from the key: asked again with the same key, a provider names the same deed.
        reference = f"bogus-{options.get('idempotency_key') or uuid.uuid4().hex}"
        return Response(outcome=outcome, message="Bogus Gateway: Forced success", reference=reference, **facts)
