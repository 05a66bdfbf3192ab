"""The states of an order: checkout step by step, then complete or canceled. Transitions save nothing."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE, FSMField, transition


class State(models.TextChoices):
    CART = "cart", _("cart")
    ADDRESS = "address", _("address")
    DELIVERY = "delivery", _("delivery")
    PAYMENT = "payment", _("payment")
    CONFIRM = "confirm", _("confirm")
    COMPLETE = "complete", _("complete")
    CANCELED = "canceled", _("canceled")


class PaymentState(models.TextChoices):
    BALANCE_DUE = "balance_due", _("balance due")
    FAILED = "failed", _("failed")
    CREDIT_OWED = "credit_owed", _("credit owed")
    PAID = "paid", _("paid")
    VOID = "void", _("void")


STEPS = (State.CART, State.ADDRESS, State.DELIVERY, State.PAYMENT, State.CONFIRM)


class States(models.Model):
    state = FSMField(_("state"), default=State.CART, choices=State.choices, protected=True, max_length=16)

    class Meta:
        abstract = True

    @transition("state", list(STEPS[:-1]), RETURN_VALUE(*STEPS[1:]))
    def step(self, *, payment_required: bool) -> str:
        """The next checkout step; payment is passed over where nothing is to be paid."""
        after: str = STEPS[STEPS.index(State(self.state)) + 1]
        return State.CONFIRM if after == State.PAYMENT and not payment_required else after

    @transition("state", list(STEPS[1:]), RETURN_VALUE(*STEPS[:-1]))
    def step_back(self) -> str:
        """The checkout step before this one."""
        before: str = STEPS[STEPS.index(State(self.state)) - 1]
        return before

    @transition("state", State.CONFIRM, State.PAYMENT)
    def payment_failed(self) -> None: ...

    @transition("state", State.CONFIRM, State.COMPLETE)
    def finish(self) -> None: ...

    @transition("state", State.COMPLETE, State.CANCELED)
    def call_off(self) -> None: ...

    @transition("state", State.CANCELED, State.COMPLETE)
    def reinstate(self) -> None: ...
