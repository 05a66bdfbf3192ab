"""The contract fulfilled once, over any gateway with a hosted page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from payments import inbox, wallet
from payments.actors import Actor, Origin
from payments.backends.base import BasePaymentBackend, PaymentInfo, parts_of
from payments.backends.errors import AbortPaymentFailed, CreatePaymentFailed, ParseNotificationFailed
from payments.errors import GatewayError, GatewayUnavailable, InvalidSignature, PaymentDeclined, UnreadableNotice
from payments.gateways.base import DeclineCode
from payments.limiting import sender_of
from payments.models import CreditCard, HostedSource, Operation, Payment, PaymentMethod
from payments.models.states import DEAD, State

if TYPE_CHECKING:
    from payments.payable import Buyable

CHECKOUT = Actor(Origin.CHECKOUT)


class GatewayBackend(BasePaymentBackend):
    """Joanie's five methods over our verbs. Its payments are like any others: staff and the clock deal with them."""

    def __init__(self, method: PaymentMethod) -> None:
        super().__init__(method)

    @property
    def method(self) -> PaymentMethod:
        return cast("PaymentMethod", self._method)

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.method.gateway

    def get_notification_url(self) -> str:
        origin: str = settings.PAYMENTS.get("PUBLIC_ORIGIN", "")
        return origin + reverse("payments:webhook", args=[self.method.code])

    def create_payment(self, order: Buyable, billing_address: Any) -> PaymentInfo:
        """Place the order and send its customer to the provider's page; asked again, to the page that is open.

        Raises CreatePaymentFailed where it was refused, and GatewayUnavailable where nobody knows.
        """
        open_page = self._open_page(order)
        if open_page is not None:
            return self._info(open_page)
        self._refuse_without_page()
        offered = order.user_id is not None and self.method.capabilities.saved_sources  # The page asks its customer.
        page = HostedSource.objects.create(label=self.method.name[:64], to_keep=offered)
        payment = self._add(order, billing_address, page)
        try:
            self._place(order, payment)
        except PaymentDeclined as error:
            raise CreatePaymentFailed(error.message) from error
        self._refuse_if_dead(payment)
        return self._info(payment)

    def create_one_click_payment(self, order: Buyable, billing_address: Any, credit_card_token: str) -> PaymentInfo:
        """Place the order and charge a card of its customer's. Declined, or still to be confirmed, it is not paid.

        A card that the provider does not take leads to its page instead, where it has one.
        """
        card = self._card(order, credit_card_token)
        if not self.method.supports(card):
            return self.create_payment(order, billing_address)
        payment = self._add(order, billing_address, card)
        try:
            self._place(order, payment)
        except PaymentDeclined as error:
            payment.refresh_from_db()
            if error.error_code == DeclineCode.NOT_FOUND and self.method.capabilities.hosted_page:
                cast("Any", order).refresh_from_db()
                return self.create_payment(order, billing_address)  # Its provider has forgotten the card.
        return {**self._info(payment), "is_paid": payment.state in (State.PENDING, State.COMPLETED)}

    def handle_notification(self, request: HttpRequest) -> None:
        """Verify, store and use it, as the inbox does. Raises ParseNotificationFailed, and GatewayError as it comes."""
        try:
            inbox.receive(self.method.code, request.headers, request.body, sender=sender_of(request))
        except (InvalidSignature, UnreadableNotice, inbox.NoInbox) as error:
            raise ParseNotificationFailed from error

    def delete_credit_card(self, credit_card: CreditCard) -> None:
        """It leaves the wallet at once; its own provider is asked to forget it, until it does."""
        wallet.forget(credit_card, by=CHECKOUT)

    def abort_payment(self, payment_id: str) -> None:
        """Give up a payment of this method: the order can be paid another way. Money that comes late is recorded."""
        payment = self.find(payment_id)
        if payment is None:
            raise AbortPaymentFailed(_("Payment %(id)s does not exist.") % {"id": payment_id})
        unfinished = payment.state == State.PENDING and payment.order.payment_state == ""
        if payment.state not in (State.CHECKOUT, State.PROCESSING) and not unfinished:
            raise AbortPaymentFailed(
                _("Payment %(id)s is %(state)s: it cannot be aborted any more.")
                % {"id": payment_id, "state": payment.get_state_display()}
            )
        try:
            payment.void_transaction(by=CHECKOUT)
        except GatewayUnavailable:
            raise
        except GatewayError as error:
            raise AbortPaymentFailed(error.message) from error

    # Behind the five

    def find(self, payment_id: str) -> Payment | None:
        """The one payment of this method that the provider's id, or our number, names."""
        named = Q(response_code=payment_id) | Q(number=payment_id)
        found = Payment.objects.filter(named, payment_method=self.method.pk).select_related("order", "payment_method")
        two = list(found.order_by("id")[:2]) if payment_id else []
        return two[0] if len(two) == 1 else None

    def _refuse_without_page(self) -> None:
        if not self.method.capabilities.hosted_page:
            raise CreatePaymentFailed(_("%(method)s has no page of its own to pay on.") % {"method": self.method})

    def _add(self, order: Buyable, billing_address: Any, source: Any) -> Payment:
        if not order.payment_required:
            raise CreatePaymentFailed(_("Order %(number)s costs nothing.") % {"number": order.number})
        if order.completed_at is None or order.bill_address is None:
            order.bill_to(parts_of(billing_address))
        return order.add_payment(self.method, source=source, by=CHECKOUT)

    def _place(self, order: Buyable, payment: Payment) -> None:
        """Have the payment processed. A refusal passes as itself; so does silence, which is no refusal."""
        try:
            if order.completed_at is None:
                order.complete(by=CHECKOUT)
            else:
                payment.process(by=CHECKOUT)
        except (PaymentDeclined, GatewayUnavailable):
            raise
        except GatewayError as error:  # Another payment is under way, or its settings are wrong.
            payment.refresh_from_db()
            if payment.state == State.PROCESSING:  # It was asked for, and the error does not say what became of it.
                raise GatewayUnavailable(error.message) from error
            raise CreatePaymentFailed(error.message) from error
        payment.refresh_from_db()

    def _refuse_if_dead(self, payment: Payment) -> None:
        if payment.state in DEAD:
            latest = payment.operations.order_by("sequence").last()
            raise CreatePaymentFailed(latest.message if latest else "")

    def _open_page(self, order: Buyable) -> Payment | None:
        """The payment whose page its customer was sent to before, and may still pay on."""
        waiting = Operation.objects.filter(state="waiting", next_action__isnull=False).values("payment")
        found = Payment.objects.filter(order=order.pk, payment_method=self.method.pk, state=State.PROCESSING)
        return found.filter(pk__in=waiting, source_type="hosted_source").order_by("id").last()  # type: ignore[no-any-return]

    def _card(self, order: Buyable, token: str) -> CreditCard:
        cards = CreditCard.objects.filter(token=token, forgotten_at=None, user=order.user_id)
        card = cards.filter(Q(payment_method=self.method.pk) | Q(payment_method=None)).order_by("-id").first()
        if not token or card is None:
            raise CreatePaymentFailed(_("This customer has no such card."))
        return card

    def _info(self, payment: Payment) -> PaymentInfo:
        waiting = payment.operations.filter(state="waiting", next_action__isnull=False).last()
        action = (waiting.next_action if waiting else None) or {}
        info = {
            "payment_id": payment.response_code or payment.number,
            "provider": self.name,
            "url": action.get("url", ""),
        }
        if action and not info["url"]:
            info["next_action"] = action  # Such as a secret with which a form of the provider's is shown.
        return info
