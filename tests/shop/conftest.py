"""Payment methods, orders and sessions that the tests of the shop share."""

import pytest
from django.contrib.auth.models import Permission, User

from payments.models import PaymentMethod
from tests.factories import address_recipe, card_recipe, make_order


@pytest.fixture
def card_method(db):
    return PaymentMethod.objects.create(name="Card", gateway="bogus", auto_capture=False)


@pytest.fixture
def clerk(db):
    """Staff who may look at orders."""
    user = User.objects.create_user("mira", password="x", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_order"))
    return user


@pytest.fixture
def clerk_client(client, clerk):
    client.force_login(clerk)
    return client


@pytest.fixture
def order(card_method):
    """Two tees with shipping, a tax and a promotion, to be sent and billed to Ada: 59.00 in all."""
    address = address_recipe.make()
    order = make_order("0", bill_address=address, ship_address=address)
    order.add_line("Tee", unit_price="24.00", quantity=2, sku="TEE-M")
    order.add_adjustment("shipping", "10.00", "Express")
    order.add_adjustment("tax", "5.00", "Sales tax")
    order.add_adjustment("promotion", "-4.00", "SPRING")
    return order


@pytest.fixture
def new_card(db):
    def make():
        return card_recipe.make(token="BGS-approves", last_four="1111")

    return make
