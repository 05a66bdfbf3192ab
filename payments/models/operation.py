"""One money action asked of a gateway, or learned from it: the journal."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from payments.actors import Actor, Origin
from payments.display import money_text
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.models.rows import Change, PlainRow, insert_row, update_rows
from payments.models.states import State as PaymentState

UNANSWERED = ("open", "unknown")
UNSETTLED = ("open", "unknown", "waiting")


ANSWERED = (
    "state",
    "guessed",
    "authorization",
    "reference",
    "message",
    "error_code",
    "reason",
    "next_action",
    "params",
    "state_after",
    "answered_at",
    "occurred_at",
)


class OperationQuerySet(AmountQuerySet):
    def unanswered(self) -> OperationQuerySet:
        """What blocks its payment: asked without an answer, or unknown."""
        return self.filter(state__in=UNANSWERED)


class Operation(PlainRow):
    """Written before the provider is asked; closed by what the provider says, whoever brings it."""

    class Kind(models.TextChoices):
        AUTHORIZE = "authorize", _("authorize")
        PURCHASE = "purchase", _("purchase")
        CAPTURE = "capture", _("capture")
        VOID = "void", _("void")
        REFUND = "refund", _("refund")

    class State(models.TextChoices):
        OPEN = "open", _("open")  # Asked, and no answer is recorded.
        UNKNOWN = "unknown", _("unknown")  # The answer was lost, or cannot be trusted.
        WAITING = "waiting", _("waiting")  # The customer must act, or the provider will say later.
        SUCCEEDED = "succeeded", _("succeeded")
        DECLINED = "declined", _("declined")
        CANCELED = "canceled", _("canceled")  # It surely never happened.

    # Found by the index of `operation_sequence`.
    payment = models.ForeignKey("payments.Payment", models.PROTECT, related_name="operations", db_index=False)
    sequence = models.PositiveIntegerField(_("sequence"))
    kind = models.CharField(_("kind"), max_length=9, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.OPEN)
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("amount"))
    attempt = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("attempt it concerns")
    )
    final = models.BooleanField(_("lets the rest go"), default=True)
    # Settled by a fact that named neither its key nor its reference, only its kind and amount.
    guessed = models.BooleanField(_("settled by its kind and amount"), default=False)
    idempotency_key = models.CharField(_("idempotency key"), max_length=64, blank=True)
    authorization = models.CharField(_("authorization"), max_length=255, blank=True)
    reference = models.CharField(_("reference"), max_length=255, blank=True)
    message = models.TextField(_("message"), blank=True)
    error_code = models.CharField(_("error code"), max_length=64, blank=True)
    reason = models.TextField(_("left for staff because"), blank=True)
    next_action = models.JSONField(_("next action"), null=True, blank=True, encoder=DjangoJSONEncoder)
    params = models.JSONField(_("what the provider said"), default=dict, blank=True, encoder=DjangoJSONEncoder)
    origin = models.CharField(
        _("origin"),
        max_length=16,
        choices=[(each.value, each.value) for each in Origin],
        default=Origin.SYSTEM,
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    state_before = models.CharField(_("state before"), max_length=16, blank=True, choices=PaymentState.choices)
    state_after = models.CharField(_("state after"), max_length=16, blank=True, choices=PaymentState.choices)
    created_at = models.DateTimeField(_("asked at"), default=timezone.now)
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"), null=True, blank=True)
    # Kept by `payments.recovery`: how often it was tried to settle it, and when somebody may try again.
    tries = models.PositiveSmallIntegerField(_("tries to recover it"), default=0)
    next_try_at = models.DateTimeField(_("tried again at"), null=True, blank=True)

    objects: ClassVar[Any] = OperationQuerySet.as_manager()

    class Meta:
        verbose_name = _("operation")
        verbose_name_plural = _("operations")
        ordering = ("payment_id", "sequence")
        constraints = (
            models.UniqueConstraint(
                fields=["payment"],
                condition=models.Q(state__in=UNANSWERED),
                name="operation_one_open_per_payment",
            ),
            models.UniqueConstraint(fields=["payment", "sequence"], name="operation_sequence"),
            models.UniqueConstraint(
                fields=["payment", "kind", "reference"],
                condition=~models.Q(reference=""),
                name="operation_fact_once",
            ),
            models.UniqueConstraint(
                fields=["idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="operation_idempotency_key",
            ),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="operation_amount_not_negative"),
            models.CheckConstraint(
                condition=models.Q(kind__in=["authorize", "purchase", "capture", "void", "refund"]),
                name="operation_kind_known",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["open", "unknown", "waiting", "succeeded", "declined", "canceled"]),
                name="operation_state_known",
            ),
        )
        indexes = (
            models.Index(fields=["created_at"], condition=models.Q(state__in=UNSETTLED), name="operation_unsettled"),
            models.Index(fields=["authorization"], condition=~models.Q(authorization=""), name="operation_handle"),
            models.Index(
                fields=["state", "kind", "answered_at", "payment"],
                condition=models.Q(answered_at__isnull=False),
                name="operation_answered",
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} #{self.sequence} {money_text(self.amount)} {self.state}"

    @property
    def actor(self) -> Actor:
        return Actor(self.origin, self.user)

    def write(self, *, along: Change | None = None) -> None:
        """Write a new operation whole, and of an old one what an answer may change, as values."""
        if self._state.adding:
            insert_row(self, along=along)
        else:
            update_rows((self, ANSWERED), *([along] if along else []))

    @property
    def asked(self) -> bool:
        """Whether we asked for it; otherwise a provider told us of it."""
        return bool(self.idempotency_key)

    @property
    def is_attempt(self) -> bool:
        return self.kind in (self.Kind.AUTHORIZE, self.Kind.PURCHASE)

    @property
    def is_unsettled(self) -> bool:
        return self.state in UNSETTLED
