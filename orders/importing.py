"""Orders of a file, built and put through `complete()` one by one; safe to run again, also after a kill.

An order is built in one transaction, its payment included, in a state from which `complete()` goes on. So a
kill leaves nothing, or an order that the next run finds and takes up where it stood.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.db import IntegrityError, transaction
from django_fsm import TransitionNotAllowed

from orders.errors import CannotComplete
from orders.import_fields import BadLine
from orders.import_lines import OrderData
from orders.models import Address, Adjustment, LineItem, Order
from payments.actors import Actor, Origin
from payments.errors import GatewayError, GatewayUnavailable, InvalidAmount, PaymentBusy, PaymentDeclined
from payments.models import CreditCard, PaymentMethod
from payments.models.states import State as Paid

BATCH = Actor(Origin.BATCH)
TOO_LARGE = "this database cannot hold amounts of this size to the last decimal. Split the order."


class Outcome(StrEnum):
    IMPORTED = "imported"
    ALREADY_THERE = "already there"
    TAKEN_UP = "taken up again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The payment method behind a word of the file."""

    name: str
    gateway: str
    auto_capture: bool | None


WAYS = {
    "card": Way(name="Credit card", gateway="bogus", auto_capture=False),
    "card-autocapture": Way(name="Credit card, captured at once", gateway="bogus", auto_capture=True),
    "check": Way(name="Check", gateway="check", auto_capture=None),
}


def import_order(data: OrderData) -> tuple[Order, Outcome]:
    """Build the order and put it through, or see that an earlier run did, wholly or in part. Raises BadLine.

    A declined card is no error; nor is a missing answer, which the payment's state shows.
    """
    order = find(data)
    if order is None:
        try:
            order = build(data, payment_method(data.method))
        except IntegrityError:
            order = find(data)  # Somebody else imports the same file.
            if order is None:
                raise
        else:
            put_through(order)
            return order, Outcome.IMPORTED
    if not is_unfinished(order):
        return order, Outcome.ALREADY_THERE
    put_through(order)
    return order, Outcome.TAKEN_UP


def foresee(data: OrderData, *, earlier: OrderData | None) -> tuple[Order | None, Outcome]:
    """What `import_order` would make of it, after an `earlier` line of this number; writes nothing. Raises BadLine."""
    if earlier is not None:
        _refuse_unless_same(data, earlier.placed_at, earlier.currency)
        return None, Outcome.ALREADY_THERE
    order = find(data)
    if order is not None:
        return order, Outcome.TAKEN_UP if is_unfinished(order) else Outcome.ALREADY_THERE
    method = PaymentMethod.objects.filter(code=data.method).first()
    if method is not None:
        _refuse_unless_fit(method, WAYS[data.method])
    return None, Outcome.IMPORTED


def find(data: OrderData) -> Order | None:
    """The order of this line as an earlier run left it. Raises BadLine if its number belongs to another order."""
    order: Order | None = Order.objects.filter(number=data.number).first()
    if order is not None:
        _refuse_unless_same(data, order.created_at, order.currency)
    return order


def _refuse_unless_same(data: OrderData, placed_at: datetime, currency: str) -> None:
    """By what nobody edits later: the e-mail and the lines may have been corrected since."""
    if (placed_at, str(currency)) != (data.placed_at, data.currency):
        other = f"another order, in {currency}, of {placed_at.isoformat()}"
        raise BadLine("number", f"{data.number} is already {other}. Give this one a number of its own.")


def is_unfinished(order: Order) -> bool:
    """Whether an earlier run was stopped, or heard no answer, before this order was through.

    An order with several payments is none of ours any more: customer or staff have gone on with it, and
    completing it would charge what nobody has confirmed.
    """
    states = [payment.state for payment in order.payments.all()]
    if order.state == Order.State.CANCELED or len(states) > 1:
        return False
    if states == [Paid.PROCESSING]:
        return True
    if order.state == Order.State.COMPLETE:
        return False
    stopped_in_complete = order.state == Order.State.CONFIRM and order.placed_at is not None
    return stopped_in_complete or states in ([], [Paid.CHECKOUT])


def payment_method(code: str) -> PaymentMethod:
    """The shop's method of that code, made if missing. Raises BadLine if the shop uses the code otherwise."""
    way = WAYS[code]
    defaults = {"name": way.name, "gateway": way.gateway, "auto_capture": way.auto_capture}
    method: PaymentMethod = PaymentMethod.objects.get_or_create(code=code, defaults=defaults)[0]
    _refuse_unless_fit(method, way)
    return method


def _refuse_unless_fit(method: PaymentMethod, way: Way) -> None:
    """A method that captures where the file says hold would take the customers' money by surprise."""
    wrong = [line for lines in method.config_problems().values() for line in lines]
    if method.gateway != way.gateway:
        wrong.append(f"Its gateway must be {way.gateway}.")
    if way.auto_capture not in (None, method.effective_auto_capture):
        wrong.append(f"Its auto_capture must be {way.auto_capture}.")
    if wrong:
        advice = "Correct it, or give it another code."
        raise BadLine("payment.method", f"the shop's payment method {method.code}: {' '.join(wrong)} {advice}")


@transaction.atomic
def build(data: OrderData, method: PaymentMethod) -> Order:
    """Write the order with all that belongs to it, its payment in checkout: everything, or nothing on BadLine."""
    bill_address, ship_address = (
        Address.objects.create(**address) for address in (data.bill_address, data.ship_address)
    )
    order: Order = Order.objects.create(
        number=data.number,
        email=data.email,
        currency=data.currency,
        last_ip_address=data.ip,
        created_at=data.placed_at,
        bill_address=bill_address,
        ship_address=ship_address,
    )
    _write_lines(order, data)
    _write_adjustments(order, data)
    try:
        order.recalculate(by=BATCH)
    except InvalidAmount:
        raise BadLine("total", TOO_LARGE) from None
    if order.payment_required:
        order.add_payment(method, source=_card(data))
    return order


def put_through(order: Order) -> None:
    """Complete the order, or find out what became of an attempt that has no answer. Raises BadLine if it is stuck."""
    try:
        for payment in order.payments.filter(state=Paid.PROCESSING):
            payment.recover()
        order.complete(by=BATCH)
    except (PaymentDeclined, GatewayUnavailable, PaymentBusy):
        pass  # Answers all three; the payment's state says which.
    except TransitionNotAllowed:
        pass  # Another run is at this order, or staff have canceled it.
    except (GatewayError, CannotComplete) as error:
        order.refresh_from_db()
        if is_unfinished(order):
            advice = "The order is kept: run the import again when this is solved."
            raise BadLine("payment", f"{error} {advice}") from error


def _write_lines(order: Order, data: OrderData) -> None:
    # Not `add_line`, which computes all totals each time: the caller does it once, and compares them.
    LineItem.objects.bulk_create(
        LineItem(
            order=order,
            sku=line.sku,
            name=line.name,
            unit_price=line.unit_price,
            quantity=line.quantity,
            currency=data.currency,
        )
        for line in data.lines
    )


def _write_adjustments(order: Order, data: OrderData) -> None:
    kinds, totals = Adjustment.Kind, data.totals
    rows = (
        (kinds.SHIPPING, totals["shipment_total"], "Shipping"),
        (kinds.TAX, totals["additional_tax_total"], "Tax"),
        (kinds.INCLUDED_TAX, totals["included_tax_total"], "Tax included"),
        (kinds.PROMOTION, totals["promo_total"], f"Promotion {data.promo_code}".strip()),
    )
    Adjustment.objects.bulk_create(
        Adjustment(order=order, kind=kind, label=label, amount=amount, currency=data.currency)
        for kind, amount, label in rows
        if amount
    )


def _card(data: OrderData) -> CreditCard | None:
    if data.card is None:
        return None
    card = CreditCard(month=data.card.month, year=data.card.year, name=data.card.name)
    card.number, card.verification_value = data.card.number, data.card.verification_value
    card.save()
    return card
