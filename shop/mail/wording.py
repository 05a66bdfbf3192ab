"""How letters put money into words: what stands with each payment, and what is still owed."""

from __future__ import annotations

from django.utils.translation import gettext as _

from orders.models import Order
from payments.display import money_text
from payments.models import Payment
from payments.models.states import State as Paid
from payments.money import Money


def paid_with(payment: Payment) -> str:
    """“Card (visa •••• 1111)”."""
    return f"{payment.payment_method} ({payment.source})" if payment.source else str(payment.payment_method)


def payments_in_words(order: Order) -> list[str]:
    """What stands with each payment that counts, a sentence each."""
    payments = Payment.objects.valid().filter(order=order).select_related("payment_method", "credit_card")
    return [_in_words(payment) for payment in payments]


def _in_words(payment: Payment) -> str:
    amount = payment.amount
    match payment.state:
        case Paid.PENDING:
            amount = payment.uncaptured_amount
            words = _("%(method)s: %(amount)s is reserved and will be charged later.")
        case Paid.COMPLETED:
            amount = payment.captured_amount
            words = _("%(method)s: %(amount)s is paid.")
        case Paid.PROCESSING:
            words = _("%(method)s: %(amount)s is being confirmed.")
        case _other:
            words = _("%(method)s: we are waiting for %(amount)s.")
            where = "" if payment.source else payment.payment_method.description  # Where to send a check, for example.
            return " ".join([words % {"method": paid_with(payment), "amount": money_text(amount)}, where]).strip()
    return words % {"method": paid_with(payment), "amount": money_text(amount)}


def balance_in_words(order: Order) -> str:
    balance = order.outstanding_balance
    if not order.payment_required:
        return _("There is nothing to pay.")
    if balance.amount > 0:
        return _("Paid so far: %(paid)s of %(total)s.") % {
            "paid": money_text(order.payment_total),
            "total": money_text(order.total),
        }
    if balance.amount < 0:
        return _("We owe you %(amount)s.") % {"amount": money_text(-balance)}
    return _("Your order is paid in full.")


def given_back_in_words(order: Order) -> str:
    """How much of what was paid came back by now."""
    payments = list(order.payments.all())
    zero = Money(0, order.currency)
    return _("Of the %(paid)s that you paid, %(refunded)s were given back so far.") % {
        "paid": money_text(sum((payment.captured_amount for payment in payments), zero)),
        "refunded": money_text(sum((payment.refunded_amount for payment in payments), zero)),
    }


def undone_in_words(order: Order) -> list[str]:
    """What becomes, or became, of the money of a canceled order; one sentence that nothing was taken, if so."""
    payments = order.payments.select_related("payment_method", "credit_card").order_by("id")
    return [words for payment in payments for words in _undone(payment)] or [_("Nothing was charged.")]


def _undone(payment: Payment) -> list[str]:
    left, refunded = payment.captured_amount - payment.refunded_amount, payment.refunded_amount
    said: list[tuple[str, Money]] = []
    if payment.state in (Paid.PENDING, Paid.PROCESSING):
        said.append((_("%(method)s: the reserved %(amount)s are let go."), payment.uncaptured_amount))
    elif payment.state == Paid.VOID and payment.authorized_amount.amount and not payment.captured_amount.amount:
        said.append((_("%(method)s: the reserved %(amount)s were let go."), payment.authorized_amount))
    if left.amount > 0:
        said.append((_("%(method)s: we give %(amount)s back, and write to you once that is done."), left))
    if refunded.amount > 0:
        said.append((_("%(method)s: %(amount)s were given back."), refunded))
    return [words % {"method": paid_with(payment), "amount": money_text(amount)} for words, amount in said]
