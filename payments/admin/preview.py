"""What an errand would do, in words and figures, before anybody confirms it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from payments.admin.confirming import labelled_sums
from payments.display import money_text
from payments.errors import GatewayError
from payments.models import Operation, Payment
from payments.models.claim import Draft
from payments.models.rehearsing import Rehearsal
from payments.money import Money, from_minor, to_minor

Kind = Operation.Kind


@dataclass(frozen=True, slots=True)
class Change:
    label: str
    before: str
    after: str

    @property
    def is_one(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """The provider's own figures for the authorization, each beside ours; `trouble` if it could not be asked."""

    rows: list[Change] = field(default_factory=list)
    expires_at: Any = None
    trouble: str = ""

    @property
    def differs(self) -> bool:
        return any(row.is_one for row in self.rows)


def held_now(draft: Draft) -> Held:
    """Ask the provider what it holds, where the gateway can."""
    method = draft.payment.payment_method
    code = draft.payment.response_code
    if not code:
        return Held(trouble=_("Nothing has been agreed with the provider yet."))
    if not method.capabilities.fetch:
        return Held(trouble=_("This provider cannot be asked what it holds. The figures are ours."))
    try:
        snapshot = method.build_gateway().fetch(code)
    except GatewayError as error:
        return Held(trouble=_("The provider did not say what it holds: %(error)s") % {"error": error.message})
    currency = str(draft.payment.currency)
    ledger = draft.ledger
    about = [each for each in ledger.attempts if each.authorization == code]
    ours = (
        sum(to_minor(each.amount) for each in about if each.state == "succeeded"),
        sum(to_minor(Money(ledger.captured_of(each), currency)) for each in about),
        sum(to_minor(Money(ledger.refunded_of(each), currency)) for each in about),
    )
    theirs = (snapshot.authorized_minor, snapshot.captured_minor, snapshot.refunded_minor)
    labels = (_("Authorized"), _("Captured"), _("Refunded"))
    rows = [
        Change(label, money_text(from_minor(our, currency)), money_text(from_minor(their, currency)))
        for label, our, their in zip(labels, ours, theirs, strict=True)
    ]
    let_go = any(ledger.is_let_go(each) for each in about)
    rows.append(Change(_("Let go"), _("yes") if let_go else _("no"), _("yes") if snapshot.voided else _("no")))
    return Held(rows=rows, expires_at=snapshot.expires_at)


def effects(rehearsal: Rehearsal) -> list[tuple[str, list[Change]]]:
    """Payment and order, before and after, by heading."""
    before, after = rehearsal.before, rehearsal.after
    of_payment = [Change(_("State"), before.get_state_display(), after.get_state_display())]
    of_payment += [_money(label, getattr(before, name), getattr(after, name)) for name, label in labelled_sums()]
    of_payment.append(_money(_("Still to capture"), before.uncaptured_amount, after.uncaptured_amount))
    old, new = before.order, after.order
    unset = _("not yet")
    of_order = [
        Change(_("State"), old.get_state_display(), new.get_state_display()),
        Change(
            _("Payment state"),
            old.get_payment_state_display() or unset,
            new.get_payment_state_display() or unset,
        ),
        _money(_("Paid"), old.payment_total, new.payment_total),
        _money(_("Outstanding"), old.outstanding_balance, new.outstanding_balance),
    ]
    order = _("Order %(number)s") % {"number": before.order.number}
    return [(_("Payment %(number)s") % {"number": before.number}, of_payment), (order, of_order)]


def _money(label: str, before: Money, after: Money) -> Change:
    return Change(label, money_text(before), money_text(after))


def in_words(rehearsal: Rehearsal) -> list[str]:
    """What happens, why so, and what the customer sees of it, a sentence each."""
    if not rehearsal.asked:
        return [_("Nothing is held or taken, so the provider is not asked. The payment is void afterwards.")]
    said = []
    for operation in rehearsal.asked:
        said += _of_operation(operation, rehearsal)
    return said


def _of_operation(operation: Operation, rehearsal: Rehearsal) -> list[str]:
    payment = rehearsal.before
    amount = {"amount": money_text(operation.amount), "source": payment.source or payment.payment_method}
    match operation.kind:
        case Kind.AUTHORIZE:
            return [_("%(amount)s is reserved on the customer's %(source)s and taken only by a capture.") % amount]
        case Kind.PURCHASE:
            return [_("%(amount)s is taken from the customer's %(source)s at once.") % amount]
        case Kind.CAPTURE:
            return [_("%(amount)s is taken from the customer's %(source)s.") % amount, *_rest(operation, payment)]
        case Kind.VOID if payment.state == Payment.State.COMPLETED:
            return [
                _("It is a void: the sale of %(amount)s is not settled yet, so it is taken back whole.") % amount,
                _("The customer sees no charge, or one that disappears."),
            ]
        case Kind.VOID:
            return [
                _("It is a void: %(amount)s is reserved and not taken, so there is nothing to refund.") % amount,
                _("The reservation ends; depending on the bank the customer still sees it for some days."),
            ]
        case _refund:
            return [
                _("It is a refund, because the money has been taken: %(amount)s goes back to %(source)s.") % amount,
                _("The customer usually has it after five to ten days."),
            ]


def _rest(operation: Operation, payment: Payment) -> list[str]:
    rest = payment.uncaptured_amount - operation.amount
    if rest.amount <= 0:
        return []
    said = (
        _("The rest, %(rest)s, is let go and cannot be captured any more.")
        if operation.final
        else _("The rest, %(rest)s, stays reserved and can be captured later.")
    )
    return [said % {"rest": money_text(rest)}]


def undoing(rehearsal: Rehearsal) -> str:
    """Whether it can be undone, and how."""
    if not rehearsal.asked:
        return _("It cannot be undone, and nothing is lost: a new payment can be added.")
    kinds = {operation.kind for operation in rehearsal.asked}
    if Kind.REFUND in kinds:
        return _("It cannot be undone: to take the money again, the customer has to pay again.")
    if Kind.VOID in kinds:
        return _("It cannot be undone: a new payment has to be authorized.")
    if Kind.AUTHORIZE in kinds:
        return _("It can be undone by a void, at no cost to the customer.")
    if rehearsal.before.payment_method.capabilities.void_after_capture:
        return _("It can be undone by a void until it is settled, and by a refund afterwards.")
    return _("It can be undone by a refund only.")
