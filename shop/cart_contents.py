"""What goes into a cart and out of it: goods, a promotion code, another currency. Every change prices the order anew.

Each raises Refused with a sentence for the customer, PaymentBusy while the order is being paid, TransitionNotAllowed
once it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from orders.models import LineItem, Order
from orders.models.states import State
from shop.models import Basket, Product, Promotion, StockHold
from shop.models.promotion import normal
from shop.pricing import CUSTOMER, forget_rows, reprice
from shop.stock import Shortage, release

MOST = 99  # Of one thing, in one order.


class Refused(ValueError):
    """What was asked for the cart is not possible; the message is for the customer."""


@dataclass(frozen=True)
class Removed:
    """What `remove` took out, so that it can be put back."""

    sku: str
    name: str
    quantity: int


def add(order: Order, product: Product, quantity: int = 1) -> LineItem:
    """Put so many more of it in."""
    price = product.prices.filter(currency=str(order.currency)).first()
    if price is None or not product.active:
        raise Refused(_("%(name)s is no longer on offer.") % {"name": product.name})
    with order.changing(State.CART, by=CUSTOMER) as locked:
        line: LineItem | None = locked.line_items.filter(sku=product.sku).first()
        wanted = (line.quantity if line else 0) + quantity
        _refuse_too_many(locked, product, wanted)
        if line:
            locked.line_items.filter(pk=line.pk).update(quantity=wanted)
            line.quantity = wanted
        else:
            line = locked.add_line(product.name, unit_price=price.amount, quantity=quantity, sku=product.sku)
        _follow(locked)
    return line


def set_quantity(order: Order, line: LineItem, quantity: int) -> None:
    """So many of this line; 0 takes it out."""
    if quantity < 0:
        raise Refused(_("A quantity is a whole number."))
    product = Product.objects.filter(sku=line.sku).first()
    with order.changing(State.CART, by=CUSTOMER) as locked:
        if product and quantity > line.quantity:
            _refuse_too_many(locked, product, quantity)
        locked.set_quantity(line, quantity, by=CUSTOMER)
        _follow(locked)


def remove(order: Order, line: LineItem) -> Removed:
    """Take a line out. `add` with what is returned puts it back."""
    set_quantity(order, line, 0)
    return Removed(line.sku, line.name, line.quantity)


def apply_code(order: Order, code: str) -> Promotion:
    """Use a promotion code in place of the one before, if any."""
    promotion: Promotion | None = Promotion.objects.filter(code=normal(code)).first()
    if promotion is None or not promotion.is_valid():
        raise Refused(_("We do not know the code “%(code)s”, or its time is over.") % {"code": code.strip()[:40]})
    if promotion.percent is None and not promotion.terms.filter(currency=str(order.currency)).exists():
        words = {"code": promotion.code, "currency": order.currency}
        raise Refused(_("The code %(code)s is not for orders in %(currency)s.") % words)
    with order.changing(State.PAYMENT, by=CUSTOMER) as locked:
        Basket.objects.update_or_create(order=locked, defaults={"promotion": promotion})
        reprice(locked)
    forget_rows(order)
    return promotion


def drop_code(order: Order) -> None:
    """Use no promotion code."""
    with order.changing(State.PAYMENT, by=CUSTOMER) as locked:
        Basket.objects.filter(order=locked).update(promotion=None)
        reprice(locked)
    forget_rows(order)


def in_currency(order: Order, currency: str) -> Order:
    """The same cart in another currency: a new order, for an amount never changes its currency.

    What has no price in it stays behind. The former order is deleted if nobody ever tried to pay it.
    """
    with order.changing(State.CART, by=CUSTOMER) as locked:
        leave_shelf(locked)
        new: Order = Order.objects.create(
            user=locked.user,
            email=locked.email,
            currency=currency,
            bill_address=locked.bill_address,
            ship_address=locked.ship_address,
            last_ip_address=locked.last_ip_address,
        )
        copy_lines(locked, new)
        Basket.objects.filter(order=locked).update(order=new)
    reprice(new)
    discard(order)
    return new


# Behind them


def _follow(locked: Order) -> None:
    """After the goods have changed: what was held for the old ones goes back, and everything is priced anew."""
    leave_shelf(locked)
    reprice(locked)


def leave_shelf(locked: Order) -> None:
    if locked.stock_holds.filter(state=StockHold.State.HELD).exists():
        release(locked)


def _refuse_too_many(order: Order, product: Product, wanted: int) -> None:
    if wanted < 1:
        raise Refused(_("A quantity is a whole number."))
    if wanted > MOST:
        raise Refused(_("At most %(most)d of one thing in one order.") % {"most": MOST})
    if product.stock is None:
        return
    held = order.stock_holds.filter(product=product, state=StockHold.State.HELD).aggregate(sum=Sum("quantity"))["sum"]
    available = product.stock + (held or 0)
    if wanted > available:
        raise Refused(str(Shortage(product.sku, product.name, wanted, available)))


def copy_lines(given: Order, into: Order) -> None:
    """As much of it as there is and may be; what has no price in the other currency stays behind."""
    lines = {line.sku: line for line in into.line_items.all()}
    wanted = {line.sku: line.quantity for line in given.line_items.all()}
    offered = {each.sku: each for each in Product.objects.priced(str(into.currency)).filter(sku__in=wanted)}
    for product in [offered[sku] for sku in wanted if sku in offered]:
        has = lines[product.sku].quantity if product.sku in lines else 0
        room = MOST if product.stock is None else min(MOST, product.stock)
        number = min(has + wanted[product.sku], max(room, has))
        if has:
            into.line_items.filter(pk=lines[product.sku].pk).update(quantity=number)
        elif number:
            into.add_line(product.name, unit_price=product.price, quantity=number, sku=product.sku)


def discard(order: Order) -> None:
    """An order that became another: gone if it leaves nothing behind, else no cart any more."""
    with transaction.atomic():
        locked = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
        if locked.payments.exists():
            Basket.objects.filter(order=locked).update(active=False)
        else:
            locked.delete()
