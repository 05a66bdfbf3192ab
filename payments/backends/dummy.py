"""A provider for a laptop, without an account and a network: whoever posts to its address decides what became of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext as _

from payments.backends.base import BasePaymentBackend, PaymentInfo
from payments.backends.errors import (
    CreatePaymentFailed,
    ParseNotificationFailed,
    RefundPaymentFailed,
    RegisterPaymentFailed,
)
from payments.backends.gateway import CHECKOUT, GatewayBackend
from payments.gateways.base import Fact, Outcome
from payments.models import HostedSource, Operation, Payment, PaymentMethod
from payments.models.states import State
from payments.money import from_minor, to_minor

if TYPE_CHECKING:
    from payments.payable import Buyable

STATES = ("success", "failed")


class DummyPaymentBackend(GatewayBackend):
    """`GatewayBackend` over `bogus`. Its page is its notification address, and anybody may post there:

    {"type": "payment", "id": …, "state": "success" or "failed"}, {"type": "refund", "id": …, "amount": minor units,
    "reference": …, if it is one to repeat}.

    Raises ValueError where settings.PAYMENTS["ALLOW_DUMMY"] is off, as it is in production.
    """

    def __init__(self, method: PaymentMethod | None = None) -> None:
        if not settings.PAYMENTS.get("ALLOW_DUMMY", False):
            raise ValueError(
                'The dummy lets anybody mark an order as paid: it is for development, with PAYMENTS["ALLOW_DUMMY"] '
                "in the settings. Look at the payment methods for another to use."
            )
        super().__init__(method or _own_method())

    @property
    def name(self) -> str:  # type: ignore[override]
        return "dummy"

    def get_notification_url(self) -> str:
        return BasePaymentBackend.get_notification_url(self)

    def get_payment_id(self, payment: Payment) -> str:
        """A new one for each attempt, so that an earlier one is never taken for it."""
        return f"pay_{payment.number}"

    def find(self, payment_id: str) -> Payment | None:
        """By our number of it, which is in the id: a void may have left another name on the payment."""
        return super().find(payment_id.removeprefix("pay_"))

    def create_payment(self, order: Buyable, billing_address: Any) -> PaymentInfo:
        """Place the order and wait for a notification. Asked again, it is the same payment."""
        open_page = self._open_page(order)
        if open_page is not None:
            return self._info(open_page)
        attempts = Operation.objects.filter(payment__order=order.pk, kind__in=("authorize", "purchase"))
        if attempts.filter(state__in=("open", "unknown", "waiting"), payment__state=State.PROCESSING).exists():
            raise CreatePaymentFailed(_("Another payment of order %(number)s is under way.") % {"number": order.number})
        payment = self._add(order, billing_address, HostedSource.objects.create(label=self.method.name[:64]))
        name = self.get_payment_id(payment)
        payment.apply(
            Fact(
                kind="purchase",
                outcome=Outcome.ACTION_REQUIRED,
                amount_minor=to_minor(payment.amount),
                authorization=name,
                reference=name,
                next_action={"type": "redirect", "url": self.get_notification_url()},
                params={"notification_url": self.get_notification_url(), "order_id": order.number},
            ),
            by=CHECKOUT,
        )
        self._place(order, payment)
        return self._info(payment)

    def handle_notification(self, request: HttpRequest) -> None:
        said = _read(request)
        kind, provider_id = said.get("type"), str(said.get("id") or "")
        if kind not in ("payment", "refund"):
            raise ParseNotificationFailed(_("“type” is to be payment or refund."))
        if not provider_id:
            raise ParseNotificationFailed(_("“id” is missing."))
        payment = self.find(provider_id)
        if payment is None:
            raise ParseNotificationFailed(_("Payment %(id)s does not exist.") % {"id": provider_id})
        if kind == "refund":
            self._refunded(payment, said)
        else:
            self._paid(payment, provider_id, said.get("state"))

    def _paid(self, payment: Payment, provider_id: str, state: Any) -> None:
        if state not in STATES:
            raise RegisterPaymentFailed(_("“state” is to be one of: %(states)s.") % {"states": ", ".join(STATES)})
        order: Any = payment.order
        if state == "success":
            billed = order.bill_address.gateway_hash() if order.bill_address else {}
            amount = payment.amount.amount
            self._do_on_payment_success(order, {"id": provider_id, "amount": amount, "billing_address": billed})
        elif payment.state in (State.CHECKOUT, State.PROCESSING):  # Else it is heard too late, or once more.
            self._do_on_payment_failure(order)

    def _refunded(self, payment: Payment, said: Mapping[str, Any]) -> None:
        amount_minor = _whole(said.get("amount"))
        if amount_minor is None:
            raise RefundPaymentFailed(_("“amount” is missing: whole minor units."))
        amount = from_minor(amount_minor, str(payment.currency)).amount
        if not payment.captured_amount:
            raise RefundPaymentFailed(_("Payment %(id)s was never recorded.") % {"id": said["id"]})
        if amount > payment.captured_amount.amount:
            raise RefundPaymentFailed(
                _("More than the %(amount)s that was paid.") % {"amount": payment.captured_amount}
            )
        order: Any = payment.order
        reference = str(said.get("reference") or f"ref_{secrets.token_hex(8)}")
        self._do_on_refund(amount, order.issue_invoice(), reference)


def _own_method() -> PaymentMethod:
    """The shop's first that is paid with `bogus`; one is made where there is none, so that nothing has to be set up."""
    found: PaymentMethod | None = PaymentMethod.objects.available().filter(gateway="bogus").first()
    if found is not None:
        return found
    facts = {"name": "Dummy", "gateway": "bogus", "auto_capture": True, "available_to_users": False}
    made: PaymentMethod = PaymentMethod.objects.get_or_create(code="dummy", defaults=facts)[0]
    return made


def _read(request: HttpRequest) -> Mapping[str, Any]:
    """JSON, or a form in either way of sending it."""
    if request.content_type in ("application/x-www-form-urlencoded", "multipart/form-data"):
        return request.POST.dict()
    try:
        said = json.loads(request.body)
    except ValueError as error:
        raise ParseNotificationFailed(_("This is neither JSON nor a form.")) from error
    if not isinstance(said, dict):
        raise ParseNotificationFailed(_("This is no JSON object."))
    return said


def _whole(amount: Any) -> int | None:
    """A form has nothing but text."""
    if isinstance(amount, str) and amount.lstrip("-").isascii() and amount.lstrip("-").isdecimal() and len(amount) < 16:
        return int(amount)
    return amount if isinstance(amount, int) and not isinstance(amount, bool) else None
