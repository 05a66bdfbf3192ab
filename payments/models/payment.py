"""One attempt to collect money for an order through one payment method: its fields and what it knows of itself."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import IntegrityError, models, transaction
from django.utils.translation import gettext_lazy as _

from payments.actors import SYSTEM, Actor
from payments.errors import PaymentChanged
from payments.gateway_options import gateway_options
from payments.gateways.base import GatewayOptions
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.models.asking import Asking
from payments.models.credit_card import CreditCard
from payments.models.operation import UNSETTLED
from payments.models.processing import Processing
from payments.models.protected import SafeRefresh
from payments.models.rehearsing import Rehearsing
from payments.models.rows import PlainRow, insert_row
from payments.models.settling import Settling
from payments.models.sourced import Sourced
from payments.models.states import DEAD, State, States
from payments.money import Money

if TYPE_CHECKING:
    from django.db.models.fields.related_descriptors import RelatedManager

    from payments.models.operation import Operation
    from payments.models.refund import Refund
    from payments.payable import Payable

ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # Without I, O, 0 and 1, which are read wrongly aloud.
NOT_RISKY_AVS = frozenset("BDHJMQTVXY")


def draw_number() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(8))


class PaymentQuerySet(AmountQuerySet):
    def valid(self) -> PaymentQuerySet:
        """Those that count: neither failed nor void nor invalid."""
        return self.exclude(state__in=DEAD)

    def in_checkout(self) -> PaymentQuerySet:
        return self.filter(state=State.CHECKOUT)


class PaymentManager(models.Manager.from_queryset(PaymentQuerySet)):  # type: ignore[misc]
    def create(self, **kwargs: Any) -> Payment:
        """Create with a number of its own, drawn again if somebody has it."""
        payment: Payment = self.model(**kwargs)
        for _attempt in range(20):
            payment.number = draw_number()
            if insert_row(payment, unless_taken="number"):
                return payment
        raise IntegrityError("No free payment number was found in twenty draws.")


class Payment(Sourced, Processing, Rehearsing, Asking, Settling, States, SafeRefresh, PlainRow):
    """Sums are written as values computed from its operations; `amount` shrinks to what a final capture took."""

    State = State

    # Both are the first column of an index below, so they need none of their own: every one costs each write.
    order = models.ForeignKey("orders.Order", models.PROTECT, related_name="payments", db_index=False)
    payment_method = models.ForeignKey(
        "payments.PaymentMethod", models.PROTECT, related_name="payments", db_index=False
    )
    number = models.CharField(_("number"), max_length=8, unique=True, default=draw_number, editable=False)
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("amount"), default=Decimal(0))
    authorized_amount = AmountField(_("authorized"), default=Decimal(0))
    captured_amount = AmountField(_("captured"), default=Decimal(0))
    refunded_amount = AmountField(_("refunded"), default=Decimal(0))
    response_code = models.CharField(_("response code"), max_length=255, blank=True)
    avs_response = models.CharField(_("address check"), max_length=8, blank=True)
    cvv_response_code = models.CharField(_("security code check"), max_length=8, blank=True)
    cvv_response_message = models.CharField(_("security code message"), max_length=255, blank=True)
    review_reason = models.TextField(_("needs review because"), blank=True)
    capture_by = models.DateTimeField(_("capture by"), null=True, blank=True)  # While a hold lives that ends by itself.
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    # A join for reading the commonest source together with its payment; no column of its own.
    credit_card = models.ForeignObject(
        CreditCard,
        models.DO_NOTHING,
        from_fields=["source_id"],
        to_fields=["id"],
        null=True,
        editable=False,
        related_name="+",
    )

    # What a door told of the customer's browser, for a gateway that looks at its originator. In memory only.
    request_env: Mapping[str, Any] = MappingProxyType({})

    objects: ClassVar[Any] = PaymentManager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        ordering = ("id",)
        permissions = (
            ("capture_payment", _("Can capture payments")),
            ("void_payment", _("Can void payments")),
            ("refund_payment", _("Can refund payments")),
            ("recover_payment", _("Can recover payments")),
            ("review_payment", _("Can clear a payment's review")),
            ("see_payloads_payment", _("Can see what providers said in full")),
        )
        constraints = (
            models.CheckConstraint(
                condition=models.Q(state__in=[state.value for state in State]), name="payment_state_known"
            ),
            models.CheckConstraint(
                condition=models.Q(authorized_amount__gte=0, captured_amount__gte=0, refunded_amount__gte=0),
                name="payment_sums_not_negative",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(refunded_amount__lte=models.F("captured_amount"))
                    & models.Q(captured_amount__lte=models.F("authorized_amount"))
                )
                | ~models.Q(review_reason=""),
                name="payment_sums_explained",
            ),
            models.CheckConstraint(
                condition=models.Q(source_type="", source_id=None)
                | (~models.Q(source_type="") & models.Q(source_id__isnull=False)),
                name="payment_source_whole",
            ),
        )
        indexes = (
            # The sums of an order are read in this order, so that nothing is sorted.
            models.Index(fields=["order", "state", "source_type"], name="payment_of_order"),
            # Each list of the back office walks one of these, newest first, and stops when its page is full.
            models.Index(fields=["-created_at", "-id"], name="payment_newest"),
            models.Index(fields=["state", "-created_at", "-id"], name="payment_state_newest"),
            models.Index(fields=["payment_method", "-created_at", "-id"], name="payment_method_newest"),
            models.Index(fields=["currency", "-created_at", "-id"], name="payment_currency_newest"),
            models.Index(fields=["-amount", "-id"], name="payment_largest"),
            models.Index(
                fields=["-created_at", "-id"], condition=~models.Q(review_reason=""), name="payment_to_review"
            ),
            models.Index(fields=["response_code", "-id"], name="payment_response_code"),
            models.Index(fields=["source_id", "-id"], name="payment_source"),
            models.Index(fields=["capture_by", "id"], condition=models.Q(state="pending"), name="payment_to_capture"),
        )

    if TYPE_CHECKING:
        operations: RelatedManager[Operation]
        refunds: RelatedManager[Refund]

    def __str__(self) -> str:
        return self.number

    def gateway_options(self) -> GatewayOptions:
        """What we would tell the provider now: the order is read afresh, the one in memory is left as it is."""
        orders: Any = type(self)._meta.get_field("order").remote_field.model
        order: Payable = orders.objects.select_related("bill_address", "ship_address").get(pk=self.order_id)
        return gateway_options(self, order)

    # Questions

    @property
    def is_valid(self) -> bool:
        return self.state not in DEAD

    @property
    def uncaptured_amount(self) -> Money:
        """Amount − captured, never below zero."""
        left: Money = max(self.amount - self.captured_amount, Money(0, self.currency))
        return left

    @property
    def credit_allowed(self) -> Money:
        """Captured, less refunds that succeeded or are under way, never below zero."""
        under_way = self.operations.filter(kind="refund", state__in=("succeeded", *UNSETTLED))
        total = under_way.aggregate(total=models.Sum("amount"))["total"] or Decimal(0)
        left: Money = max(self.captured_amount - Money(total, self.currency), Money(0, self.currency))
        return left

    @property
    def is_avs_risky(self) -> bool:
        return bool(self.avs_response) and self.avs_response not in NOT_RISKY_AVS

    @property
    def is_cvv_risky(self) -> bool:
        return bool(self.cvv_response_code) and self.cvv_response_code != "M"

    @property
    def is_risky(self) -> bool:
        return self.is_avs_risky or self.is_cvv_risky or self.state == State.FAILED

    def clear_review(self, note: str, *, expect: str = "", by: Actor = SYSTEM) -> None:
        """Somebody has looked; `note` says what was found, and stays on the order's timeline.

        Raises ValueError without a note or while more was given back than taken, which only facts can explain;
        PaymentChanged if the payment is no longer as `expect` saw it.
        """
        if not note.strip():
            raise ValueError(_("Say in a note what was found."))
        with transaction.atomic():
            payment = self._lock()
            if expect and expect != payment.fingerprint():
                raise PaymentChanged(_("Payment %(number)s is no longer as it was shown.") % {"number": payment.number})
            if payment.refunded_amount > payment.captured_amount:
                raise ValueError(
                    _("More was given back than was taken: that stays under review until it is explained.")
                )
            cleared, payment.review_reason = payment.review_reason, ""
            payment.write("review_reason")
            told = _("Payment %(number)s reviewed: %(note)s (%(reason)s)") % {
                "number": payment.number,
                "note": note.strip(),
                "reason": cleared,
            }
            payment.order.payment_changed(by=by, note=str(told))
        self._absorb(payment)

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        if fields is None:
            self.__dict__.pop("_source", None)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
