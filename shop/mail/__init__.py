"""The letters that the shop sends, each a receiver of settings.REACTIONS: called after the fact, until it succeeds.

Whom a letter would only puzzle gets none: what it is about is looked up when it is sent, not when it was queued.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured

from orders.models import Order
from payments.gateways.codes import DeclineCode
from payments.models import Operation, Payment, Reaction
from payments.models.announcing import operation_of, waits_for_customer
from payments.models.states import State as Paid
from shop.mail import account_letters, letters
from shop.mail.sending import account_language, post
from shop.models import Preferences

__all__ = [
    "action_needed",
    "email_changed",
    "hold_expiring",
    "order_canceled",
    "order_confirmed",
    "password_reset",
    "payment_failed",
    "refunded",
]


def order_confirmed(reaction: Reaction) -> None:
    """Confirm an order to its customer.

    `reaction.key` is the order's number, with a colon and the count of letters where staff asked for another.
    """
    order = _order_of(reaction)
    post(reaction, order, lambda: letters.confirmation(order))


def order_canceled(reaction: Reaction) -> None:
    """Tell the customer that the order is canceled, and what becomes of the money; not once it is taken up again."""
    order = _order_of(reaction)
    if order.state == Order.State.CANCELED:
        post(reaction, order, lambda: letters.cancellation(order))


def payment_failed(reaction: Reaction) -> None:
    """Tell a customer who was not looking that a payment did not come about; not once another one does its work."""
    operation = operation_of(reaction)
    payment, order = operation.payment, operation.payment.order
    at_work = Payment.objects.valid().exclude(state=Paid.CHECKOUT).filter(order=order).exists()
    gave_up = operation.error_code == DeclineCode.CANCELED_BY_CUSTOMER
    if payment.state == Paid.FAILED and order.state != Order.State.CANCELED and not at_work and not gave_up:
        post(reaction, order, lambda: letters.failure(operation))


def action_needed(reaction: Reaction) -> None:
    """Ask a customer who stays away to confirm a payment; not once it is settled or called off."""
    operation = operation_of(reaction)
    payment, order = operation.payment, operation.payment.order
    waits = waits_for_customer(operation) and payment.state == Paid.PROCESSING
    if waits and order.state != Order.State.CANCELED:
        post(reaction, order, lambda: letters.confirmation_by_customer(operation))


def refunded(reaction: Reaction) -> None:
    """Tell the customer that money was given back; not of a lost dispute, which their bank has told them of."""
    operation = operation_of(reaction)
    if operation.state == Operation.State.SUCCEEDED and "dispute" not in operation.params:
        post(reaction, operation.payment.order, lambda: letters.refund(operation))


def hold_expiring(reaction: Reaction) -> None:
    """Tell staff, at settings.STAFF_EMAIL, that a hold ends soon; not once it was captured or let go."""
    operation = operation_of(reaction)
    if operation.payment.state == Paid.PENDING and operation.payment.capture_by:
        post(reaction, None, lambda: letters.expiry(operation), to=settings.STAFF_EMAIL)


def password_reset(reaction: Reaction) -> None:
    """Send somebody who has forgotten the password a link to choose another. Raises without an address to link to."""
    user = _user_of(reaction)
    if user is None:
        return
    if not settings.PUBLIC_ORIGIN:
        raise ImproperlyConfigured("PUBLIC_ORIGIN is not set: a letter cannot say where a new password is chosen.")
    language = account_language(user.pk)
    post(reaction, None, lambda: account_letters.password_reset(user), to=user.email, language=language)


def email_changed(reaction: Reaction) -> None:
    """Tell the former address of an account that it has another now."""
    user = _user_of(reaction)
    former = Preferences.objects.filter(user=user).values_list("former_email", flat=True).first() if user else ""
    if user and former:
        language = account_language(user.pk)
        post(reaction, None, lambda: account_letters.email_changed(user), to=former, language=language)


def _user_of(reaction: Reaction) -> Any:
    """None for an account that is gone or closed by now."""
    return User.objects.filter(pk=int(reaction.key.partition(":")[0]), is_active=True).first()


def _order_of(reaction: Reaction) -> Order:
    number = reaction.key.partition(":")[0]
    found: Order = Order.objects.select_related("bill_address", "ship_address").get(number=number)
    return found
