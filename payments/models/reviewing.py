"""What staff are to look at, because a provider takes back what it said: disputes, and refunds that come back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from payments.models.operation import Operation

if TYPE_CHECKING:
    from payments.models.payment import Payment


def review_dispute(payment: Payment, operation: Operation) -> None:
    """Have staff see a dispute while it is open and when it is lost. What they were to look at before stays."""
    opened = _("The card's owner disputes %(amount)s.") % {"amount": operation.amount}
    lost = _("The dispute about %(amount)s is lost.") % {"amount": operation.amount}
    if payment.review_reason not in ("", opened):
        return
    said = {Operation.State.WAITING: opened, Operation.State.SUCCEEDED: lost}
    payment.review_reason = said.get(Operation.State(operation.state), "")


def review_bounce(payment: Payment, operation: Operation, *, was: str) -> None:
    """A refund that was done came back: its money is ours again, and its customer believes otherwise."""
    done, refused = Operation.State.SUCCEEDED, Operation.State.DECLINED
    if operation.kind == Operation.Kind.REFUND and (was, operation.state) == (done, refused):
        came_back = _("The refund of %(amount)s came back.") % {"amount": operation.amount}
        payment.review_reason = payment.review_reason or came_back
