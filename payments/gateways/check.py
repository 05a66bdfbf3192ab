"""Paper checks and other money that arrives by itself: staff say when, nobody is asked."""

from __future__ import annotations

from payments.gateways.base import Capabilities, Gateway, GatewayOptions, Outcome, Response


class CheckGateway(Gateway):
    """Every action succeeds, because the person who recorded it has seen the check."""

    capabilities = Capabilities(
        idempotency_keys=True,
        partial_capture=True,
        capture_without_authorization=True,
        partial_refund=True,
    )
    source_required = False

    def capture(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        return Response(outcome=Outcome.APPROVED, amount_minor=amount_minor)

    def void(self, authorization: str, options: GatewayOptions) -> Response:
        return Response(outcome=Outcome.APPROVED)

    def credit(self, amount_minor: int, authorization: str, options: GatewayOptions) -> Response:
        return Response(outcome=Outcome.APPROVED, amount_minor=amount_minor)
