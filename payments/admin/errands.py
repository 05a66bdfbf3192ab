"""The errands of staff: what may be asked for on a payment's page, by whom, and why not now."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.actors import Actor, Origin
from payments.display import money_text
from payments.models import Payment
from payments.models.claim import Draft
from payments.models.refund_limit import refundable_by
from payments.models.rehearsing import limit_of
from payments.money import Money, as_money


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """`verb` is the payment's own. With `moves_money` it can be rehearsed; `takes_amount`: part of it may be asked."""

    name: str
    label: Any
    permissions: tuple[str, ...]
    verb: str
    moves_money: bool = True
    takes_amount: bool = False

    def run(self, payment: Payment, *, user: Any, expect: str, **chosen: Any) -> Any:
        """Do it, as this member of staff. Raises as the verb."""
        return getattr(payment, self.verb)(expect=expect, by=Actor(Origin.STAFF, user), **chosen)


def _errand(name: str, label: Any, *permissions: str, verb: str = "", **more: Any) -> Errand:
    rights = tuple(f"payments.{permission}" for permission in permissions)
    return Errand(name=name, label=label, permissions=rights, verb=verb or name, **more)


ERRANDS = {
    errand.name: errand
    for errand in (
        _errand("process", gettext_lazy("Charge"), "add_payment"),
        _errand("capture", gettext_lazy("Capture"), "capture_payment", takes_amount=True),
        _errand("void", gettext_lazy("Void"), "void_payment", verb="void_transaction"),
        _errand("refund", gettext_lazy("Refund"), "refund_payment", takes_amount=True),
        _errand("cancel", gettext_lazy("Cancel payment"), "void_payment", "refund_payment"),
        _errand("recover", gettext_lazy("Recover now"), "recover_payment", moves_money=False),
        _errand("clear_review", gettext_lazy("Clear review"), "review_payment", moves_money=False),
    )
}


@dataclass(frozen=True, slots=True)
class Offer:
    """An errand with the reason why it is not open now, "" if it is."""

    errand: Errand
    why_not: str


def may(user: Any, errand: Errand) -> bool:
    """Whether this person may do it at all. Looking at payments is part of every errand."""
    return bool(user.has_perms(("payments.view_payment", *errand.permissions)))


def offers(user: Any, draft: Draft) -> list[Offer]:
    """What this person may do, each with why it cannot be done now; what they may never do is not spoken of."""
    return [Offer(errand, why_not(user, errand, draft)) for errand in ERRANDS.values() if may(user, errand)]


def why_not(user: Any, errand: Errand, draft: Draft, amount: Any = None, *, final: bool = True) -> str:
    """In a sentence; "" if it can be asked for now."""
    payment = draft.payment
    if errand.name == "recover":
        return "" if draft.ledger.unanswered else _("Nothing is open or unknown.")
    if errand.name == "clear_review":
        return "" if payment.review_reason else _("There is nothing to review.")
    reason = payment.may(errand.name, amount, final=final, draft=draft)
    return reason or (_beyond_limit(user, errand, draft, amount) if gives_back(errand, draft) else "")


def gives_back(errand: Errand, draft: Draft) -> bool:
    """Whether money that was taken may return to the customer."""
    if errand.name == "void":
        return bool(draft.payment.state == Payment.State.COMPLETED)
    return errand.name == "refund" or (errand.name == "cancel" and _left(draft) > 0)


def most(user: Any, errand: Errand, draft: Draft) -> Money | None:
    """The most that may be asked for: by what is there, and by this person's limit."""
    there = limit_of(errand.name, draft)
    if there is None or errand.name != "refund":
        return there
    allowed = refundable_by(user, draft.payment)
    return there if allowed is None else min(there, allowed)


def _left(draft: Draft) -> Decimal:
    return sum((draft.ledger.left_of(each) for each in draft.ledger.holders), Decimal(0))


def _beyond_limit(user: Any, errand: Errand, draft: Draft, amount: Any) -> str:
    allowed = refundable_by(user, draft.payment)
    if allowed is None:
        return ""
    if errand.name == "refund":
        wanted = as_money(amount, str(draft.payment.currency)).amount if amount is not None else Decimal(0)
    else:
        wanted = _left(draft)
    if 0 < allowed.amount >= wanted:
        return ""
    return _("Of this payment you may give back %(allowed)s more.") % {"allowed": money_text(allowed)}
