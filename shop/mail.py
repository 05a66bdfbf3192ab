"""The letters that the shop sends, each a receiver of settings.REACTIONS: called after the fact, until it succeeds."""

from __future__ import annotations

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import override

from orders.models import Order
from payments.display import money_text
from payments.models import Payment, Reaction
from payments.models.states import State as Paid


def order_confirmed(reaction: Reaction) -> None:
    """Confirm an order to its customer; not at all if it has no e-mail address.

    `reaction.key` is the order's number, with a colon and the count of letters where staff asked for another.
    """
    number = reaction.key.partition(":")[0]
    order: Order = Order.objects.select_related("bill_address", "ship_address").get(number=number)
    if not order.email:
        return
    # In the shop's language, not in that of whoever's request happens to deliver it.
    with override(settings.LANGUAGE_CODE):
        context = {
            "order": order,
            "lines": order.line_items.all(),
            "adjustments": order.adjustments.exclude(kind="included_tax"),
            "payments": payments_in_words(order),
            "balance": balance_in_words(order),
        }
        EmailMessage(
            subject=_("Your order %(number)s") % {"number": order.number},
            body=render_to_string("shop/mail/order_confirmed.txt", context),
            to=[order.email],
            headers={"Auto-Submitted": "auto-generated"},
        ).send()


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
    method = f"{payment.payment_method} ({payment.source})" if payment.source else str(payment.payment_method)
    return words % {"method": method, "amount": money_text(amount)}


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
