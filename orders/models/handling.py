"""What staff do for an order beside its money: shipping, approving, notes, the confirmation once more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from orders.models.states import State
from payments.actors import SYSTEM, Actor
from payments.models import Reaction

CONFIRMATION_AGAIN = "order.confirmation_requested"


class Handling(models.Model):
    class Meta:
        abstract = True

    def mark_shipped(self, at: datetime | None = None, *, tracking: str = "", by: Actor = SYSTEM) -> None:
        """Record that the goods have left, at `at` (now if None); a shipped order is not canceled.

        Said again, it corrects date and tracking. Raises TransitionNotAllowed unless complete, ValueError for a
        date that is still to come.
        """
        at = at or timezone.now()
        if at > timezone.now():
            raise ValueError(_("The date of shipping is still to come."))
        with self._held() as order:
            if order.state != State.COMPLETE:
                raise TransitionNotAllowed(
                    _("Order %(number)s is %(state)s: only a complete order is shipped.")
                    % {"number": order.number, "state": order.get_state_display()}
                )
            order.shipped_at, order.tracking = at, tracking.strip()
            order.write("shipped_at", "tracking")
            order.record("shipped", note=order.tracking, by=by)

    def approve(self, note: str = "", *, by: Actor = SYSTEM) -> None:
        """Somebody looked at the risk and lets the order pass. Raises ValueError if it is approved already."""
        with self._held() as order:
            if order.approved_at:
                raise ValueError(_("Order %(number)s is approved already.") % {"number": order.number})
            order.approved_at = timezone.now()
            order.write("approved_at")
            order.record("approved", note=note.strip(), by=by)

    def add_note(self, text: str, *, by: Actor = SYSTEM) -> None:
        """Keep a line for the colleagues on the timeline. Raises ValueError if there is nothing in it."""
        text = text.strip()
        if not text:
            raise ValueError(_("The note is empty."))
        self.record("note", note=text, by=by)  # type: ignore[attr-defined]

    def resend_confirmation(self, *, by: Actor = SYSTEM) -> None:
        """Have the confirmation sent again. Raises ValueError without an address, TransitionNotAllowed too early."""
        with self._held() as order:
            if not order.completed_at:
                raise TransitionNotAllowed(_("Order %(number)s has nothing to confirm yet.") % {"number": order.number})
            if not order.email:
                raise ValueError(_("Order %(number)s has no e-mail address.") % {"number": order.number})
            sent = order.events.filter(name="confirmation").count()
            order.record("confirmation", note=order.email, by=by)
            Reaction.objects.queue(CONFIRMATION_AGAIN, f"{order.number}:{sent + 2}")

    @contextmanager
    def _held(self) -> Iterator[Any]:
        """This order under its lock, in a transaction that ends with the block."""
        order: Any = self
        with transaction.atomic():
            locked = order._lock()
            yield locked
        order.absorb(locked)
