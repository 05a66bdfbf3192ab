"""The contract: what a provider's backend implements, and the hooks that keep the books for it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from payments.backends.books import WEBHOOK, find_or_make, minor, refunded_before, to_refund, under_way
from payments.backends.errors import RefundPaymentFailed, RegisterPaymentFailed
from payments.errors import GatewayError
from payments.gateways.base import Fact, Outcome
from payments.models import PaymentMethod
from payments.money import from_minor

if TYPE_CHECKING:
    from payments.payable import Buyable

logger = logging.getLogger(__name__)

PaymentInfo = dict[str, Any]  # payment_id, provider, url; of one click also is_paid.


class BasePaymentBackend:
    """Implement the five methods and call the three hooks with what the provider said.

    The hooks may be called as often and in whatever order a provider likes: each is a fact for `Payment.apply()`. Call
    them outside of a transaction. Amounts are in major units.
    """

    name: ClassVar[str] = "base"

    def __init__(self, method: PaymentMethod | None = None) -> None:
        self._method = method

    @property
    def method(self) -> PaymentMethod | None:
        """The payment method whose row holds this backend's settings."""
        return self._method

    @property
    def configuration(self) -> Mapping[str, Any]:
        return self.method.config if self.method else {}

    def get_notification_url(self) -> str:
        """Where the provider is to send its notifications: from the configured origin, never from a request."""
        args = [self.method.code] if self.method else []
        origin: str = settings.PAYMENTS.get("PUBLIC_ORIGIN", "")
        return origin + reverse("backends:notifications", args=args)

    # What a provider implements

    def create_payment(self, order: Buyable, billing_address: Any) -> PaymentInfo:
        """Begin a payment that the customer goes on with at `url`. Raises CreatePaymentFailed."""
        self._lacks("create_payment")

    def create_one_click_payment(self, order: Buyable, billing_address: Any, credit_card_token: str) -> PaymentInfo:
        """Charge a saved card; `is_paid` says whether that settled it. Raises CreatePaymentFailed."""
        self._lacks("create_one_click_payment")

    def handle_notification(self, request: HttpRequest) -> None:
        """Take in what the provider sends. Raises one of Parse-, Register- and RefundPaymentFailed."""
        self._lacks("handle_notification")

    def delete_credit_card(self, credit_card: Any) -> None:
        """Have the provider forget a saved card."""
        self._lacks("delete_credit_card")

    def abort_payment(self, payment_id: str) -> None:
        """Give up a payment that was created and not paid. Raises AbortPaymentFailed."""
        self._lacks("abort_payment")

    def _lacks(self, method: str) -> NoReturn:
        raise NotImplementedError(f"{type(self).__name__} has to provide {method}().")

    # The hooks

    def _do_on_payment_success(self, order: Buyable, payment: Mapping[str, Any]) -> None:
        """Money was taken for this order: `payment` has `id` and `amount`, and may have `currency`, `number` (our
        number of the payment) and `billing_address`.

        An order that is paid by now is completed, if it was not. Raises RegisterPaymentFailed for what is no amount.
        """
        provider_id = str(payment.get("id") or "")
        if not provider_id:
            raise RegisterPaymentFailed(_("The payment has no id."))
        currency = str(payment.get("currency") or order.currency).upper()
        amount_minor = minor(payment.get("amount"), currency, RegisterPaymentFailed)
        if order.bill_address is None and payment.get("billing_address"):
            order.bill_to(parts_of(payment["billing_address"]))
        ours = from_minor(amount_minor, currency).amount if currency == str(order.currency) else None
        try:
            row = find_or_make(order, payment, self.method, paid=ours)
        except LookupError as error:
            raise RegisterPaymentFailed(str(error)) from error
        row.apply(
            Fact(
                kind="purchase",
                outcome=Outcome.APPROVED,
                amount_minor=amount_minor,
                currency=currency,
                authorization=provider_id if row.response_code in ("", provider_id) else "",
                reference=provider_id,
            ),
            by=WEBHOOK,
        )
        _complete_if_paid(order)
        _issue_papers(order)

    def _do_on_payment_failure(self, order: Buyable) -> None:
        """The payment of this order that is under way has failed: the order is kept, and can be paid another way.

        Nothing to do where none is under way: then this was heard before, or something better was.
        """
        row: Any = under_way(order, self.method)
        if row is None:
            logger.info("Order %s: a failure was reported, and no payment is under way", order.number)
            return
        row.order = order
        tried = [each for each in row.read_operations() if each.is_attempt and each.is_unsettled]
        if tried:
            names = {
                name: getattr(tried[-1], name) for name in ("kind", "idempotency_key", "authorization", "reference")
            }
        row.apply(Fact(outcome=Outcome.DECLINED, **(names if tried else {"kind": "purchase"})), by=WEBHOOK)

    def _do_on_refund(self, amount: Any, proforma_invoice: Any, refund_reference: str) -> None:
        """`amount` was given back for the order of this invoice. Once all of it was, the order is canceled.

        The same reference again changes nothing. Raises RefundPaymentFailed for what is no amount, for more than is
        left of what was paid, and for a reference that names another amount.
        """
        order: Buyable = proforma_invoice.order
        amount_minor = minor(amount, str(order.currency), RefundPaymentFailed)
        wanted = from_minor(amount_minor, str(order.currency)).amount
        if not refund_reference:
            raise RefundPaymentFailed(_("The refund has no reference."))
        known = refunded_before(order, refund_reference)
        if known is not None and known.amount.amount != wanted:
            raise RefundPaymentFailed(_("Refund %(reference)s is of another amount.") % {"reference": refund_reference})
        row: Any = known.payment if known else to_refund(order, wanted)
        if row is None:
            raise RefundPaymentFailed(
                _("Less than %(amount)s is left of what was paid for order %(number)s.")
                % {"amount": wanted, "number": order.number}
            )
        row.order = order
        fact = Fact(
            kind="refund",
            outcome=Outcome.APPROVED,
            amount_minor=amount_minor,
            authorization=row.response_code,
            reference=refund_reference,
        )
        row.apply(fact, by=WEBHOOK)
        _cancel_if_refunded(order)
        _issue_papers(order)


def parts_of(billing_address: Any) -> Mapping[str, str]:
    """An address as a mapping: it may be one of ours, a mapping with our names of its parts, or with Joanie's."""
    if hasattr(billing_address, "gateway_hash"):
        return billing_address.gateway_hash()  # type: ignore[no-any-return]
    return billing_address or {}


def _fresh(order: Buyable) -> Any:
    return type(order)._base_manager.get(pk=order.pk)  # type: ignore[attr-defined]


def _complete_if_paid(order: Buyable) -> None:
    """Nothing more is asked of anybody: the order is complete with the money that is there, or stays what it is."""
    seen = _fresh(order)
    if seen.completed_at is None and seen.state != "canceled" and seen.payment_total >= seen.total:
        try:
            order.complete(by=WEBHOOK)
        except Exception:
            logger.exception("Order %s is paid and could not be completed", order.number)


def _cancel_if_refunded(order: Buyable) -> None:
    seen = _fresh(order)
    if seen.state == "complete" and seen.payment_total.amount == 0:
        try:
            order.cancel(_("All of it was given back."), by=WEBHOOK)
        except (GatewayError, TransitionNotAllowed) as error:
            logger.warning("Order %s was refunded and is not canceled: %s", order.number, error)


def _issue_papers(order: Buyable) -> None:
    """Here, so that they are there when the hook returns; should it fail, the reactions do it."""
    if _fresh(order).completed_at is None:
        return
    try:
        order.issue_invoice()
    except Exception:
        logger.exception("Order %s: its invoice is left to be issued later", order.number)
