"""A dozen orders in all states, each brought there by the verbs that customers and staff use."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress

from orders.models import Address, Order
from payments.actors import Actor, Origin
from payments.errors import GatewayUnavailable, PaymentDeclined
from payments.models import CreditCard, Payment, PaymentMethod
from payments.money import Money, from_minor, to_minor

GOOD_CARD = "4111111111111111"
SECOND_CARD = "5555555555554444"
REFUSED_CARD = "4000000000000002"  # A valid number that no bank stands behind.
CUSTOMER = Actor(Origin.CHECKOUT)

ADA = {"name": "Ada Byron", "address1": "12 Marylebone Rd", "city": "London", "zip": "NW1 5JX", "country": "GB"}
LENA = {"name": "Lena Vogt", "address1": "Lindenstraße 8", "city": "Köln", "zip": "50674", "country": "DE"}
KENJI = {"name": "佐藤 健二", "address1": "神南1-19-11", "city": "東京都渋谷区", "zip": "150-0041", "country": "JP"}
NOOR = {
    "name": "Noor Al-Sabah",
    "address1": "Salem Al Mubarak St 4",
    "city": "Salmiya",
    "zip": "22001",
    "country": "KW",
}
SAM = {"name": "Sam Rivera", "address1": "88 Pearl St", "address2": "Apt 5", "city": "Boulder", "state": "CO"} | {
    "zip": "80302",
    "country": "US",
}


class Shop:
    """What a customer's checkout does, in one line each."""

    def __init__(self, methods: Mapping[str, PaymentMethod], *, by: Actor) -> None:
        self.methods = methods
        self.by = by

    def cart(self, who: Mapping[str, str], currency: str, *lines: tuple[str, str, int], **extra: str) -> Order:
        """An order in cart; `extra`: shipping, tax, included_tax, promotion."""
        address = Address.objects.create(**who)
        email = f"{who['country'].lower()}.customer@example.com"
        order: Order = Order.objects.create(
            email=email, currency=currency, bill_address=address, ship_address=address, last_ip_address="203.0.113.9"
        )
        for name, price, quantity in lines:
            order.add_line(name, unit_price=price, quantity=quantity, sku=name.upper().replace(" ", "-"))
        labels = {
            "shipping": "Standard shipping",
            "tax": "Sales tax",
            "included_tax": "VAT",
            "promotion": "Promotion SPRING",
        }
        for kind, amount in extra.items():
            order.add_adjustment(kind, amount, labels[kind])
        return order

    def pay(self, order: Order, code: str = "card", number: str = GOOD_CARD) -> Payment:
        """Check out with this method; raises what checkout raises."""
        name = order.bill_address.name if order.bill_address else ""
        card = None if code == "check" else new_card(number, name)
        payment = order.add_payment(self.methods[code], source=card)
        order.complete(by=CUSTOMER)
        payment.refresh_from_db()
        return payment


def new_card(number: str, name: str) -> CreditCard:
    card = CreditCard(month=12, year=2030, name=name)
    card.number, card.verification_value = number, "123"
    card.save()
    return card


def place_orders(methods: Mapping[str, PaymentMethod], *, by: Actor) -> None:
    """Place them all, the one left behind in its cart first. `by` is who acts for the staff."""
    shop = Shop(methods, by=by)
    for place in ORDERS:
        place(shop)


def left_behind(shop: Shop) -> None:
    shop.cart(SAM, "USD", ("Enamel mug", "14.00", 1)).next()


def authorized(shop: Shop) -> None:
    lines = ("Cotton tee", "24.00", 2), ("Sticker pack", "3.50", 1)
    shop.pay(shop.cart(SAM, "USD", *lines, shipping="5.00", tax="4.55"))


def captured(shop: Shop) -> None:
    order = shop.cart(LENA, "EUR", ("Hoodie", "59.00", 1), included_tax="9.42", promotion="-5.90", shipping="4.90")
    shop.pay(order).capture(by=shop.by)


def taken_at_once(shop: Shop) -> None:
    shop.pay(shop.cart(KENJI, "JPY", ("Cotton tee", "3600", 1), ("Cap", "2800", 1)), "card-autocapture")


def partly_captured(shop: Shop) -> None:
    payment = shop.pay(shop.cart(NOOR, "KWD", ("Hoodie", "18.500", 1), ("Cap", "6.250", 2)))
    payment.capture(from_minor(18_500, "KWD"), by=shop.by)


def captured_in_parts(shop: Shop) -> None:
    payment = shop.pay(shop.cart(SAM, "CAD", ("Hoodie", "79.00", 2), shipping="12.00"))
    payment.capture(from_minor(85_00, "CAD"), final=False, by=shop.by)


def declined(shop: Shop) -> None:
    with suppress(PaymentDeclined):
        shop.pay(shop.cart(LENA, "EUR", ("Cap", "25.00", 1), shipping="4.90"), number=REFUSED_CARD)


def paid_with_another_card(shop: Shop) -> None:
    order = shop.cart(ADA, "GBP", ("Tote bag", "15.00", 3), included_tax="7.50")
    with suppress(PaymentDeclined):
        shop.pay(order, "card-autocapture", REFUSED_CARD)
    shop.pay(order, "card-autocapture", SECOND_CARD)


def voided(shop: Shop) -> None:
    shop.pay(shop.cart(ADA, "GBP", ("Poster", "18.00", 1), shipping="3.95")).void_transaction(by=shop.by)


def partly_refunded(shop: Shop) -> None:
    payment = shop.pay(shop.cart(SAM, "USD", ("Tote bag", "19.00", 2), shipping="5.00"), "card-autocapture")
    payment.refund(_half(payment.captured_amount), reason="Damaged in transit", by=shop.by)


def canceled(shop: Shop) -> None:
    order = shop.cart(LENA, "CHF", ("Hoodie", "65.00", 1))
    shop.pay(order).capture(by=shop.by)
    order.cancel("The customer has changed her mind.", by=shop.by)


def check_awaited(shop: Shop) -> None:
    shop.pay(shop.cart(SAM, "USD", ("Gift card", "50.00", 1)), "check")


def check_received(shop: Shop) -> None:
    shop.pay(shop.cart(SAM, "USD", ("Poster", "22.00", 1)), "check").capture(by=shop.by)


def answer_lost(shop: Shop) -> None:
    payment = shop.pay(shop.cart(ADA, "GBP", ("Hoodie", "49.00", 1), shipping="3.95"))
    with outage(payment.payment_method), suppress(GatewayUnavailable):
        payment.capture(by=shop.by)


ORDERS: tuple[Callable[[Shop], None], ...] = (
    left_behind,
    authorized,
    captured,
    taken_at_once,
    partly_captured,
    captured_in_parts,
    declined,
    paid_with_another_card,
    voided,
    partly_refunded,
    canceled,
    check_awaited,
    check_received,
    answer_lost,
)


@contextmanager
def outage(method: PaymentMethod) -> Iterator[None]:
    """While it lasts, every answer of this bogus method is lost on its way back."""
    before = method.config
    configure(method, {**before, "outage": True})
    try:
        yield
    finally:
        configure(method, before)


def configure(method: PaymentMethod, config: dict[str, object]) -> None:
    method.config = config
    method.save(update_fields=["config"])


def _half(money: Money) -> Money:
    return from_minor(to_minor(money) // 2, money.currency.code)
