"""Prices, shipping, taxes and promotion of an order that is being bought: always the shop's, never a form's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from orders.models import Adjustment, LineItem, Order
from orders.models.states import State
from payments.actors import Actor, Origin
from payments.display import money_text
from payments.money import Money, to_minor
from shop.models import Basket, ShippingMethod
from shop.quoting import Extra, Kind, Offer, money, offer_for, price_of, rates_of_shipping

CUSTOMER = Actor(Origin.CHECKOUT)


@dataclass(frozen=True)
class Change:
    """Something that is not as it was. `str()` tells the customer.

    `kind`: price, gone (a line), promotion, shipping; or total, where nothing of these explains that it differs.
    """

    kind: str
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Quote:
    """A way to ship this order, and what it costs."""

    method: ShippingMethod
    price: Money


def basket_of(order: Order) -> Basket:
    """What was chosen for the order so far, as it was read with the order; an empty one, unsaved, where nothing was."""
    if "basket" in order._state.fields_cache:
        return order.basket
    found: Basket | None = Basket.objects.select_related("shipping_method", "promotion").filter(order=order.pk).first()
    return found or Basket(order=order)


def forget_rows(order: Order) -> None:
    """What was read with the order, its basket, lines and adjustments, is no longer so."""
    order._state.fields_cache.pop("basket", None)
    order.__dict__.get("_prefetched_objects_cache", {}).clear()


def reprice(order: Order) -> list[Change]:
    """Bring lines, shipping, taxes and promotion in line with the shop's rows, and say what is not as it was.

    Where nothing differs nothing is written and nobody is locked. Where something does, the order goes back from
    confirm to payment, or to the cart if nothing is left in it, and its checkout payments are given up. Raises
    PaymentBusy and TransitionNotAllowed as `order.changing`.
    """
    basket = basket_of(order)
    lines, adjustments = list(order.line_items.all()), list(order.adjustments.all())
    offer = offer_for(order, basket, lines)
    if not _differs(offer, lines, adjustments):
        return []
    with order.changing(State.PAYMENT if offer.prices else State.CART, by=CUSTOMER) as locked:
        basket = basket_of(locked)
        lines, adjustments = list(locked.line_items.all()), list(locked.adjustments.all())
        offer = offer_for(locked, basket, lines)
        changes = _what_changed(locked, offer, basket, lines, adjustments)
        _write(locked, offer, basket, lines, adjustments)
        before = locked.total
    forget_rows(order)
    if not changes and order.total != before:
        words = {"before": money_text(before), "after": money_text(order.total)}
        changes.append(Change("total", _("The total is now %(after)s; it was %(before)s.") % words))
    return changes


def shipping_choices(order: Order) -> list[Quote]:
    """Each method that goes to the order's address in its currency, in the shop's order."""
    rates = list(rates_of_shipping(order).filter(method__active=True).select_related("method"))
    by_method: dict[ShippingMethod, list[Any]] = {}
    for rate in rates:
        by_method.setdefault(rate.method, []).append(rate)
    goods = sum(to_minor(line.total) for line in order.line_items.all())
    quotes = [(method, price_of(found, goods)) for method, found in by_method.items()]
    ordered = sorted(quotes, key=lambda quote: (quote[0].position, quote[0].pk))
    return [Quote(method, money(price, order)) for method, price in ordered if price is not None]


def choose_shipping(order: Order, method: ShippingMethod) -> list[Change]:
    """Remember how it is to be shipped, and reprice.

    Raises ValueError where the method does not go there, PaymentBusy and TransitionNotAllowed as `order.changing`.
    """
    if method.pk not in [each.method.pk for each in shipping_choices(order)]:
        raise ValueError(_("%(method)s does not go to this address.") % {"method": method.name})
    with order.changing(by=CUSTOMER) as locked:
        Basket.objects.update_or_create(order=locked, defaults={"shipping_method": method})
        changes = reprice(locked)
    forget_rows(order)
    return [each for each in changes if each.kind not in ("shipping", "total")]


def needs_shipping(order: Order) -> bool:
    """Whether a shipping method is still to be chosen: none was, or the one that was does not go there any more."""
    chosen = basket_of(order).shipping_method_id
    return chosen not in [each.method.pk for each in shipping_choices(order)]


# Behind them


def _differs(offer: Offer, lines: Sequence[LineItem], adjustments: Sequence[Adjustment]) -> bool:
    prices = any(to_minor(line.unit_price) != offer.prices.get(line.pk) for line in lines)
    return prices or offer.promotion_ended or offer.shipping_gone or _rows(adjustments) != offer.extras


def _rows(adjustments: Sequence[Adjustment]) -> list[Extra]:
    return [Extra(each.kind, each.label, to_minor(each.amount)) for each in adjustments]


def _what_changed(
    order: Order, offer: Offer, basket: Basket, lines: Sequence[LineItem], adjustments: Sequence[Adjustment]
) -> list[Change]:
    changes = [Change("gone", _("%(name)s is no longer on offer.") % {"name": line.name}) for line in offer.gone]
    for line in lines:
        after = offer.prices.get(line.pk)
        if after is not None and after != to_minor(line.unit_price):
            words = {"name": line.name, "before": money_text(line.unit_price), "after": money_text(money(after, order))}
            changes.append(Change("price", _("%(name)s now costs %(after)s; it was %(before)s.") % words))
    if offer.promotion_ended:
        words = {"code": str(basket.promotion)}
        changes.append(Change("promotion", _("The promotion %(code)s is over.") % words))
    if offer.shipping_gone:
        words = {"method": str(basket.shipping_method)}
        changes.append(Change("shipping", _("%(method)s is not available for this order any more.") % words))
    return changes + _shipping_changed(order, offer, adjustments)


def _shipping_changed(order: Order, offer: Offer, adjustments: Sequence[Adjustment]) -> list[Change]:
    """The same method at another price."""
    before = {each.label: each for each in adjustments if each.kind == Kind.SHIPPING}
    found = []
    for extra in offer.extras:
        was = before.get(extra.label) if extra.kind == Kind.SHIPPING else None
        if was and to_minor(was.amount) != extra.amount_minor:
            words = {"name": was.label, "before": money_text(was.amount)}
            words["after"] = money_text(money(extra.amount_minor, order))
            found.append(Change("shipping", _("%(name)s now costs %(after)s; it was %(before)s.") % words))
    return found


def _write(
    order: Order, offer: Offer, basket: Basket, lines: Sequence[LineItem], adjustments: Sequence[Adjustment]
) -> None:
    order.line_items.filter(pk__in=[line.pk for line in offer.gone]).delete()
    for line in lines:
        after = offer.prices.get(line.pk)
        if after is not None and after != to_minor(line.unit_price):
            order.line_items.filter(pk=line.pk).update(unit_price=money(after, order).amount)
    if offer.promotion_ended or offer.shipping_gone:
        basket.promotion = None if offer.promotion_ended else basket.promotion
        basket.shipping_method = None if offer.shipping_gone else basket.shipping_method
        basket.save(update_fields=["promotion", "shipping_method"])
    if _rows(adjustments) != offer.extras:
        order.adjustments.all().delete()
        Adjustment.objects.bulk_create(
            Adjustment(
                order=order,
                kind=extra.kind,
                label=extra.label,
                currency=order.currency,
                amount=money(extra.amount_minor, order),
            )
            for extra in offer.extras
        )
