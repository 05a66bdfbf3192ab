"""A provider's notification as received: the inbox. What it did to the money is in the operations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from datetime import timedelta
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from payments.gateways.base import Fact, Outcome
from payments.models.rows import PlainRow

# One that could not be used is tried again after these pauses, then left to staff.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
LEASE = timedelta(minutes=2)  # Whoever took it and was killed is not waited for any longer.


class WebhookEventQuerySet(models.QuerySet["WebhookEvent"]):
    def due(self) -> WebhookEventQuerySet:
        """Not used yet, and nobody is just at it."""
        return self.filter(next_try_at__lte=timezone.now())

    def stuck(self) -> WebhookEventQuerySet:
        """What staff should look at: not used, whether it is tried again or not."""
        return self.filter(state__in=STUCK)


class WebhookEvent(PlainRow):
    """Stored before it is used, once per method and `dedupe_key`. `facts` is what it says, in our words.

    `payload` is what its gateway lets us keep, by allow-list; the body itself is not kept.
    """

    class State(models.TextChoices):
        RECEIVED = "received", _("received")  # Being used, or its user was killed.
        APPLIED = "applied", _("applied")
        IGNORED = "ignored", _("ignored")  # It says nothing that we have a word for.
        UNMATCHED = "unmatched", _("unmatched")  # No payment of ours was found; looked for again.
        FAILED = "failed", _("failed")  # It could not be applied; tried again.
        DEAD = "dead", _("dead")  # Tried often enough: staff's.

    class VerifiedBy(models.TextChoices):
        SIGNATURE = "signature", _("its signature")
        FETCH = "fetch", _("asking the provider")

    payment_method = models.ForeignKey(
        "payments.PaymentMethod",
        models.PROTECT,
        related_name="webhook_events",
        db_index=False,  # The constraint's index begins with it.
        verbose_name=_("payment method"),
    )
    dedupe_key = models.CharField(_("event"), max_length=255)
    type = models.CharField(_("type"), max_length=100, blank=True)
    payload = models.JSONField(_("payload"), default=dict, encoder=DjangoJSONEncoder)
    facts = models.JSONField(_("facts"), default=list, encoder=DjangoJSONEncoder)
    verified_by = models.CharField(_("verified by"), max_length=9, choices=VerifiedBy.choices)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.RECEIVED)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField(_("tried again at"), null=True, blank=True)
    last_error = models.TextField(_("why"), blank=True)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True)
    payment = models.ForeignKey(
        "payments.Payment", models.PROTECT, null=True, blank=True, related_name="webhook_events"
    )
    operations = models.ManyToManyField("payments.Operation", related_name="webhook_events", blank=True)

    objects: ClassVar[Any] = WebhookEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        ordering = ("-received_at", "-id")
        constraints = (
            models.UniqueConstraint(fields=["payment_method", "dedupe_key"], name="webhook_event_once"),
            models.CheckConstraint(
                condition=models.Q(state__in=["received", "applied", "ignored", "unmatched", "failed", "dead"]),
                name="webhook_event_state_known",
            ),
        )
        indexes = (
            models.Index(fields=["-received_at", "-id"], name="webhook_event_newest"),
            models.Index(
                fields=["next_try_at"], condition=models.Q(next_try_at__isnull=False), name="webhook_event_due"
            ),
            models.Index(
                fields=["-received_at", "-id"],
                condition=models.Q(state__in=["unmatched", "failed", "dead"]),
                name="webhook_event_stuck",
            ),
        )

    def __str__(self) -> str:
        return f"{self.type} {self.dedupe_key}".strip()

    @property
    def is_parked(self) -> bool:
        """Whether it waits for another try."""
        return self.state in (self.State.UNMATCHED, self.State.FAILED)

    def read_facts(self) -> list[Fact]:
        return [read_fact(written) for written in self.facts]


NOTHING: tuple[Any, ...] = ("", None, {})
STUCK = (WebhookEvent.State.UNMATCHED, WebhookEvent.State.FAILED, WebhookEvent.State.DEAD)


def write_facts(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Facts as plain data, with only what they say."""
    written = []
    for fact in facts:
        said = {field.name: getattr(fact, field.name) for field in fields(fact)}
        if fact.occurred_at:
            said["occurred_at"] = fact.occurred_at.isoformat()
        written.append({name: value for name, value in said.items() if value is not False and value not in NOTHING})
    return written


def read_fact(written: dict[str, Any]) -> Fact:
    moment = written.get("occurred_at")
    return Fact(
        **{
            **written,
            "outcome": Outcome(written["outcome"]),
            "occurred_at": parse_datetime(moment) if moment else None,
        }
    )
