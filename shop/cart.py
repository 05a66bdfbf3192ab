"""A customer's cart: an order that nobody has placed yet, found by the session or by the account.

A guest's cart is named by the session; a user's is whatever open order of theirs has the active basket, on every
device. Once it is complete it is no cart any more.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet, Sum
from django.http import HttpRequest
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django_fsm import TransitionNotAllowed

from orders.models import Order
from orders.models.states import STEPS, State
from payments.errors import PaymentBusy
from shop.cart_contents import (
    MOST,
    Refused,
    Removed,
    add,
    apply_code,
    copy_lines,
    discard,
    drop_code,
    in_currency,
    leave_shelf,
    remove,
    set_quantity,
)
from shop.models import Basket
from shop.pricing import CUSTOMER, basket_of, forget_rows, reprice

__all__ = [
    "MOST",
    "Refused",
    "Removed",
    "add",
    "apply_code",
    "choose_currency",
    "count_of",
    "currency_of",
    "drop_code",
    "find",
    "in_currency",
    "is_being_paid",
    "let_go",
    "merge",
    "remember_count",
    "remove",
    "set_quantity",
    "take",
]

KEPT_AS = "cart"
CURRENCY_KEPT_AS = "currency"


# Finding it


def find(request: HttpRequest) -> Order | None:
    """The cart of whoever asks, or None. One statement; none for a guest who has put nothing in."""
    if not hasattr(request, "_cart"):
        request._cart = _find(request)  # type: ignore[attr-defined]
    found: Order | None = request._cart  # type: ignore[attr-defined]
    return found


def take(request: HttpRequest, currency: str = "") -> Order:
    """The cart of whoever asks, made if there is none; one that is being paid is set aside for a new one."""
    order = find(request)
    if order is not None and is_being_paid(order):
        let_go(request)
        order = None
    if order is None:
        order = _make(request, currency or currency_of(request))
        request.session[KEPT_AS] = order.pk
        request._cart = order  # type: ignore[attr-defined]
    return order


def let_go(request: HttpRequest) -> None:
    """From now on this order is not the cart: it is being paid, or was given up. The order itself stays."""
    order = find(request)
    if order is not None:
        Basket.objects.filter(order=order).update(active=False)
    request.session.pop(KEPT_AS, None)
    request._cart = None  # type: ignore[attr-defined]


def is_being_paid(order: Order) -> bool:
    """Whether a payment of it has no answer yet or holds money, so that nothing in it can be changed."""
    if order.state not in (State.PAYMENT, State.CONFIRM):
        return False
    sums = order.payment_sums()
    return bool(sums["processing"] or sums["secured"] > 0)


def count_of(request: HttpRequest) -> int:
    """How many things are in the cart of whoever asks."""
    if not hasattr(request, "_cart_count"):
        order = find(request)
        remember_count(request, order.line_items.aggregate(sum=Sum("quantity"))["sum"] or 0 if order else 0)
    return int(request._cart_count)  # type: ignore[attr-defined]


def remember_count(request: HttpRequest, number: int) -> None:
    """For a page that has counted already."""
    request._cart_count = number  # type: ignore[attr-defined]


def currency_of(request: HttpRequest) -> str:
    """In which currency prices are shown: the cart's, the one that was chosen, or the shop's first."""
    order = find(request)
    if order is not None:
        return str(order.currency)
    known = settings.SHOP["CURRENCIES"]
    chosen = request.session.get(CURRENCY_KEPT_AS) if settings.SESSION_COOKIE_NAME in request.COOKIES else None
    return str(chosen if chosen in known else known[0])


def choose_currency(request: HttpRequest, currency: str) -> None:
    """From now on prices are shown in this currency, and the cart is in it. Raises Refused, PaymentBusy."""
    if currency not in settings.SHOP["CURRENCIES"]:
        raise Refused(_("We do not sell in that currency."))
    order = find(request)
    if order is not None and str(order.currency) != currency:
        order = in_currency(order, currency)
        request.session[KEPT_AS] = order.pk
        request._cart = order  # type: ignore[attr-defined]
    request.session[CURRENCY_KEPT_AS] = currency


def merge(request: HttpRequest, user: Any) -> Order | None:
    """After signing in: the guest's cart becomes the user's, or its goods go into the one that the user has.

    One that is being paid is left as it is: the guest's goes on without the account, beside the user's a new one is
    begun. Never raises, so that nobody is kept from signing in.
    """
    guest = _open().filter(pk=request.session[KEPT_AS], user=None).first() if KEPT_AS in request.session else None
    if guest is not None and is_being_paid(guest):
        guest = None
    mine = _open().filter(user=user, basket__active=True).order_by("-id").first()
    if guest is not None and (mine is None or not _pour(guest, mine)):
        Order.objects.filter(pk=guest.pk, user=None).update(user=user, email=guest.email or user.email)
        mine = _open().filter(pk=guest.pk).first()
    request.session.pop(KEPT_AS, None)
    request._cart = mine  # type: ignore[attr-defined]
    return mine


def _pour(guest: Order, mine: Order) -> bool:
    """One cart into the other; False where that cannot be changed now."""
    try:
        with mine.changing(State.CART, by=CUSTOMER) as locked, guest.changing(State.CART, by=CUSTOMER) as given:
            leave_shelf(given)
            copy_lines(given, locked)
            code = basket_of(given).promotion
            if code is not None:
                Basket.objects.filter(order=locked, promotion=None).update(promotion=code)
        forget_rows(mine)
        reprice(mine)
        discard(guest)
    except (PaymentBusy, TransitionNotAllowed, Order.DoesNotExist):
        return False
    return True


# Behind them


def _open() -> QuerySet[Order]:
    """Orders from the storefront that are still being bought."""
    found: QuerySet[Order] = Order.objects.filter(state__in=STEPS, basket__isnull=False)
    return found.select_related("basket__shipping_method", "basket__promotion", "ship_address", "bill_address")


def _find(request: HttpRequest) -> Order | None:
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return _open().filter(user=user, basket__active=True).order_by("-id").first()
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or KEPT_AS not in request.session:
        return None
    return _open().filter(pk=request.session[KEPT_AS], user=None).first()


def _make(request: HttpRequest, currency: str) -> Order:
    user = request.user if request.user.is_authenticated else None
    with transaction.atomic():
        order: Order = Order.objects.create(
            user=user,
            email=user.email if user else "",
            currency=currency,
            last_ip_address=request.META.get("REMOTE_ADDR") or None,
        )
        Basket.objects.create(order=order, language=get_language() or settings.LANGUAGE_CODE)
    return order
