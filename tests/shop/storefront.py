"""A little shop for the tests of checkout, and a customer who walks through it by its forms."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from django.test import Client

from orders.models import Address, Order
from payments.models import PaymentMethod
from shop import cart, pricing
from shop.models import Basket, Category, Product, ShippingMethod

APPROVED, DECLINED = "4111 1111 1111 1111", "4000 0000 0000 0002"
ADDRESS = {
    "shipping-name": "Ada Byron",
    "shipping-address1": "12 Marylebone Rd",
    "shipping-zip": "NW1 5JX",
    "shipping-city": "London",
    "shipping-country": "GB",
}
CARD = {"number": APPROVED, "name": "Ada Byron", "expiry": "12 / 34", "code": "123"}


def stocked(*, price: str = "24.00", stock: int | None = 5) -> Product:
    """One product, one way to send it to anywhere, and the taxes of nowhere."""
    category, _is_new = Category.objects.get_or_create(name="Cloth", slug="cloth")
    product: Product = Product.objects.create(name="Tee", slug="tee", sku="TEE", category=category, stock=stock)
    product.prices.create(currency="USD", amount=Decimal(price))
    post = ShippingMethod.objects.create(name="Post", code="post")
    post.rates.create(currency="USD", amount=Decimal("6.00"))
    return product


def bogus(**facts: Any) -> PaymentMethod:
    return PaymentMethod.objects.create(
        **({"name": "Card", "code": "card", "gateway": "bogus", "auto_capture": True} | facts)
    )


class Customer:
    """Somebody with a browser of their own. Each method is one step, and returns the answer."""

    def __init__(self, user: Any = None) -> None:
        self.client = Client()
        if user is not None:
            self.client.force_login(user)
        self.order_pk: int | None = None

    @property
    def order(self) -> Order:
        found: Order = Order.objects.get(pk=self.order_pk)
        return found

    def take(self, product: Product, quantity: int = 1, *, user: Any = None, currency: str = "USD") -> Order:
        """Put something into a cart, and carry it."""
        order: Order = Order.objects.create(currency=currency, user=user, email=user.email if user else "")
        Basket.objects.create(order=order, language="en")
        cart.add(order, product, quantity)
        self.carry(order)
        return order

    def carry(self, order: Order) -> None:
        self.order_pk = order.pk
        session = self.client.session
        session[cart.KEPT_AS] = order.pk
        session.save()
        self.client.cookies["sessionid"] = session.session_key or ""

    def get(self, step: str) -> Any:
        return self.client.get(f"/checkout/{step}/")

    def post(self, step: str, **data: Any) -> Any:
        return self.client.post(f"/checkout/{step}/", data)

    def address(self, **data: str) -> Any:
        return self.client.post("/checkout/address/", {"email": "ada@example.com", "same": "on", **ADDRESS, **data})

    def delivery(self, method: str = "post") -> Any:
        return self.post("delivery", method=method)

    def pay_by(self, method: str = "card", **card: str) -> Any:
        fields = {f"{method}-{name}": value for name, value in (CARD | card).items()}
        return self.client.post("/checkout/payment/", {"method": method, **fields})

    def agreed(self) -> str:
        """What the last page has in its form."""
        page = self.get("confirm").content.decode()
        found = re.search(r'name="agreed" value="([^"]+)"', page)
        assert found, page
        return found[1]

    def place(self, agreed: str | None = None) -> Any:
        return self.post("confirm", agreed=self.agreed() if agreed is None else agreed)

    def ready(self, product: Product, *, user: Any = None) -> Customer:
        """At the payment step, without the walk."""
        order = self.take(product, user=user)
        address = Address.objects.create(**{name.partition("-")[2]: value for name, value in ADDRESS.items()})
        Order.objects.filter(pk=order.pk).update(email="ada@example.com", ship_address=address, bill_address=address)
        order = self.order
        pricing.choose_shipping(order, ShippingMethod.objects.get(code="post"))
        order.advance()
        order.back_to("payment")
        return self

    def until(self, step: str, **card: str) -> Customer:
        """Walk on to this step."""
        walk = [("address", self.address), ("delivery", self.delivery), ("payment", lambda: self.pay_by(**card))]
        for name, take in walk:
            if name == step:
                break
            answer = take()
            assert answer.status_code == 302, answer.content.decode()
        return self
