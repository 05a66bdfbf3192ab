"""Changing an order that somebody is still buying: its goods and what is added to them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from orders.models.states import STEPS, State
from payments.actors import SYSTEM, Actor
from payments.errors import PaymentBusy

if TYPE_CHECKING:
    from orders.models.line_item import LineItem
    from orders.models.order import Order


class Changing(models.Model):
    class Meta:
        abstract = True

    @contextmanager
    def changing(self, back_to: str = State.PAYMENT, *, by: Actor = SYSTEM) -> Iterator[Order]:
        """This order under its lock, to write its lines and adjustments; the totals follow when the block ends.

        It goes back to the step `back_to` if it was further, and gives up the payments that nobody was asked for:
        they are of the old total. Raises TransitionNotAllowed once complete or canceled, and PaymentBusy while a
        payment has no answer, waits, or holds money for the goods as they are.
        """
        order: Any = self
        with transaction.atomic():
            locked = order._lock()
            locked._refuse_change()
            locked._return_to(back_to, by=by)
            yield locked
            order._recalculate(payments=False)

    def back_to(self, step: str, *, by: Actor = SYSTEM) -> None:
        """Return to an earlier checkout step; nothing to do where the order has not come further than that.

        What is in checkout becomes invalid, so that nobody is charged for what may still change. Raises PaymentBusy
        while a payment is under way, TransitionNotAllowed for an order that is no longer in checkout.
        """
        order: Any = self
        with transaction.atomic():
            locked = order._lock()
            if locked.state not in STEPS:
                raise TransitionNotAllowed(f"Order {locked.number} is {locked.state}: it does not go back to {step}.")
            if locked.step_is_after(step):
                if locked.payment_sums()["processing"]:
                    raise PaymentBusy(f"A payment of order {locked.number} is under way: first it has to be settled.")
                locked.invalidate_checkout_payments(by=by)
                locked._return_to(step, by=by)
        order.absorb(locked)

    def set_quantity(self, line: LineItem, quantity: int, *, by: Actor = SYSTEM) -> None:
        """Take so many of a line's goods, none with 0; back to the cart. Raises ValueError, and as `changing`."""
        if type(quantity) is not int or quantity < 0:
            raise ValueError(f"A quantity is a whole number from 0 on, not {quantity!r}.")
        with self.changing(State.CART, by=by) as order:
            found = order.line_items.filter(pk=line.pk)
            if quantity:
                found.update(quantity=quantity)
            else:
                found.delete()

    def step_is_after(self, step: str) -> bool:
        """Whether checkout has gone beyond this step."""
        order: Any = self
        return STEPS.index(order.state) > STEPS.index(State(step))

    def _return_to(self, step: str, *, by: Actor) -> None:
        """Only for the locked order."""
        order: Any = self
        if order.step_is_after(step):
            before = order.state
            while order.state != step:
                order.step_back()
            order.placed_at = None
            order.write("state", "placed_at")
            order.record("state", before=before, after=step, by=by)
        elif order.placed_at is not None:  # Its payment was given up, and what is bought now was never placed.
            order.placed_at = None
            order.write("placed_at")

    def _refuse_change(self) -> None:
        """Only for the locked order, and what makes checkout payments of it invalid goes with it."""
        order: Any = self
        if order.state not in STEPS:
            raise TransitionNotAllowed(
                _("Order %(number)s is %(state)s: it cannot be changed any more.")
                % {"number": order.number, "state": order.get_state_display()}
            )
        sums = order.payment_sums()
        if sums["processing"] or sums["secured"] > 0:
            raise PaymentBusy(
                _("Order %(number)s is being paid: it can be changed when that payment has come to an end.")
                % {"number": order.number}
            )
        if sums["in_checkout"]:
            order.invalidate_checkout_payments(by=SYSTEM)
