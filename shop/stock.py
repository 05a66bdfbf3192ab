"""What is on the shelf: taken off it for an order that is about to be paid, then sold, or put back. Never oversold.

Whoever changes stock locks the order, then the products by their id, so that no two wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from orders.models import Order
from orders.models.states import STEPS, State
from payments.actors import SYSTEM
from payments.models import Reaction
from shop.models import Basket, Product, StockHold

Held = StockHold.State


@dataclass(frozen=True)
class Shortage:
    """More was wanted than there is. `str()` tells the customer."""

    sku: str
    name: str
    wanted: int
    available: int

    def __str__(self) -> str:
        if not self.available:
            return _("%(name)s is sold out.") % {"name": self.name}
        return ngettext(
            "Only %(count)d of %(name)s is left.", "Only %(count)d of %(name)s are left.", self.available
        ) % {"count": self.available, "name": self.name}


def hold(order: Order) -> list[Shortage]:
    """Take an order's goods off the shelf until it is paid: all of them, or none and the list of what is missing.

    Called again it follows the order's lines and begins the time anew. Nothing to do once the order is complete.
    """
    with transaction.atomic():
        locked, holds = _locked(order)
        if locked.state not in STEPS:
            return []
        wanted = _wanted(locked)
        mine = {each.product.sku: each for each in holds}
        products = _shelf(wanted, mine)
        held = {sku: each.quantity for sku, each in mine.items() if each.state == Held.HELD}
        short = [
            Shortage(sku, product.name, wanted[sku], product.stock + held.get(sku, 0))
            for sku, product in products.items()
            if product.stock is not None and wanted[sku] > product.stock + held.get(sku, 0)
        ]
        if short:
            return short
        expires_at = timezone.now() + timedelta(minutes=settings.SHOP["STOCK_HOLD_MINUTES"])
        for sku, product in products.items():
            _move(product, held.get(sku, 0) - wanted[sku])
            kept = 0 if product.stock is None else wanted[sku]  # What nobody counts was not taken off.
            _keep(locked, product, mine.get(sku), kept, expires_at)
    return []


def release(order: Order) -> None:
    """Put back what is held for this order; what was sold stays sold. Nothing to do where somebody has placed it."""
    with transaction.atomic():
        locked, holds = _locked(order)
        if holds and locked.state != State.COMPLETE and not locked.payment_sums()["processing"]:
            _put_back(holds, Held.HELD, Held.RELEASED)


def commit(order: Order) -> None:
    """What was held for a complete order is sold; what is not held any more is taken anew, or sold short if it is gone.

    Only for orders from the storefront: goods of others never stood on this shelf.
    """
    with transaction.atomic():
        locked, holds = _locked(order)
        if locked.state != State.COMPLETE or not Basket.objects.filter(order=locked).exists():
            return
        wanted = _wanted(locked)
        mine = {each.product.sku: each for each in holds}
        for sku, product in _shelf(wanted, mine).items():
            _sell(locked, product, mine.get(sku), wanted[sku])


def expire() -> int:
    """Put back what orders have held too long. How many orders let go; one that is being paid keeps its goods."""
    due = StockHold.objects.filter(state=Held.HELD, expires_at__lte=timezone.now())
    let_go = 0
    for pk in due.order_by("order").values_list("order", flat=True).distinct():
        let_go += _expire(pk)
    return let_go


# Receivers of settings.REACTIONS


def goods_sold(reaction: Reaction) -> None:
    """order.completed and order.resumed: what was held is sold, or taken again."""
    commit(_of(reaction))


def goods_returned(reaction: Reaction) -> None:
    """order.canceled: what was sold is back on the shelf; the goods had not left yet, or it could not be canceled."""
    with transaction.atomic():
        locked, holds = _locked(_of(reaction))
        if locked.state == State.CANCELED:
            _put_back(holds, Held.HELD, Held.RETURNED)
            _put_back(holds, Held.SOLD, Held.RETURNED)
            locked.stock_holds.filter(state=Held.SHORT).update(state=Held.RETURNED)


# Behind them


def _of(reaction: Reaction) -> Order:
    found: Order = Order.objects.get(number=reaction.key.partition(":")[0])
    return found


def _expire(pk: int) -> int:
    order: Order | None = Order.objects.filter(pk=pk).first()
    if order is None:
        return 0
    with transaction.atomic():
        locked, holds = _locked(order)
        if locked.state == State.COMPLETE:  # Its reaction has not come yet.
            return 0
        sums = locked.payment_sums()
        if sums["processing"] or sums["secured"] > 0:
            return 0
        return int(_put_back([each for each in holds if each.expires_at <= timezone.now()], Held.HELD, Held.RELEASED))


def _locked(order: Order) -> tuple[Order, list[StockHold]]:
    """The order, held against everybody else who would change its goods, and what is held for it."""
    locked: Order = Order.objects.select_for_update(no_key=True).get(pk=order.pk)
    return locked, list(locked.stock_holds.select_related("product"))


def _wanted(order: Order) -> Counter[str]:
    wanted: Counter[str] = Counter()
    for line in order.line_items.all():
        wanted[line.sku] += line.quantity
    return wanted


def _shelf(*skus: Iterable[str]) -> dict[str, Product]:
    """The products under their locks, by SKU, locked in the order of their ids."""
    named = {sku for each in skus for sku in each}
    found = Product.objects.select_for_update(no_key=True).filter(sku__in=named).order_by("id")
    return {product.sku: product for product in found} if named else {}


def _move(product: Product, by: int) -> None:
    """Put so many on the locked shelf, or take them off it. The database refuses less than none."""
    if product.stock is not None and by:
        product.stock += by
        product.save(update_fields=["stock"])


def _keep(
    order: Order, product: Product, each: StockHold | None, quantity: int, expires_at: datetime, state: str = Held.HELD
) -> None:
    """Write down what is kept of a product for an order; nothing of it with a quantity of 0."""
    if not quantity:
        if each and each.state == Held.HELD:
            each.state = Held.RELEASED
            each.save(update_fields=["state"])
        return
    values = {"quantity": quantity, "state": state, "expires_at": expires_at}
    if each:
        StockHold.objects.filter(pk=each.pk).update(**values)
    else:
        StockHold.objects.create(order=order, product=product, **values)


def _sell(order: Order, product: Product, each: StockHold | None, quantity: int) -> None:
    """Once: what is sold already, or was never wanted, stays as it is."""
    if each and each.state in (Held.SOLD, Held.SHORT):
        return
    held = each.quantity if each and each.state == Held.HELD else 0
    enough = product.stock is None or product.stock + held >= quantity
    _move(product, held - quantity if enough else held)
    if quantity and not enough:
        note = _("%(count)d × %(name)s: paid for, but not in stock.") % {"count": quantity, "name": product.name}
        order.record("stock", note=note, by=SYSTEM)
    _keep(order, product, each, quantity, timezone.now(), Held.SOLD if enough else Held.SHORT)


def _put_back(holds: list[StockHold], before: str, after: str) -> bool:
    """Whether there was anything to put back."""
    mine = [each for each in holds if each.state == before]
    shelf = _shelf([each.product.sku for each in mine])
    for each in mine:
        _move(shelf[each.product.sku], each.quantity)
        each.state = after
        each.save(update_fields=["state"])
    return bool(mine)
