"""T. Payment methods."""

from __future__ import annotations

from typing import Any

import pytest

from orders.creating import offered_sources
from payments.errors import GatewayError
from payments.gateways.base import Capabilities, Gateway, Response
from payments.models import CreditCard, PaymentMethod
from payments.wallet import Wallet
from tests.conformance.cases.catalogue import case
from tests.conformance.decisions import A_TOKEN_IS_SUPPORTED, ONE_REGISTRY, SECRETS
from tests.conformance.gateways import REGISTRY
from tests.conformance.start import Shop
from tests.factories import card_recipe
from tests.scripted import ScriptedGateway

AREA = "T"


class Plain(Gateway):
    """Says nothing about the sources it takes."""

    capabilities = Capabilities()


@case("T", 313)
def test_t_313_who_may_use_it(shop: Shop) -> None:
    """Methods are told apart by whom they are offered to: customers, staff or both."""
    both = shop.bogus(name="Both")
    customers = shop.bogus(name="Customers", available_to_staff=False)
    staff = shop.bogus(name="Staff", available_to_users=False)
    shop.bogus(name="Nobody", available_to_users=False, available_to_staff=False)
    methods = PaymentMethod.objects
    assert set(methods.available_to_users()) == {both, customers}
    assert set(methods.available_to_staff()) == {both, staff}
    assert set(methods.available_to_users() & methods.available_to_staff()) == {both}


@case("T", 315)
def test_t_315_what_an_order_is_offered(shop: Shop) -> None:
    """Customers are offered what is active and meant for them, once each and by position."""
    last, first = shop.bogus(name="Last", position=2), shop.bogus(name="First", position=1)
    shop.bogus(name="Off", active=False)
    shop.bogus(name="Staff", available_to_users=False)
    shop.bogus(name="Gone").soft_delete()
    assert list(PaymentMethod.objects.available_to_users()) == [first, last]


@case("T", 316)
@pytest.mark.parametrize("site", [True, False])
def test_t_316_auto_capture(shop: Shop, settings: Any, site: bool) -> None:
    """A method's own wish wins; where it has none, the site's default holds."""
    settings.PAYMENTS = settings.PAYMENTS | {"AUTO_CAPTURE": site}
    assert shop.bogus(auto_capture=None).effective_auto_capture is site
    assert shop.bogus(auto_capture=True).effective_auto_capture is True
    assert shop.bogus(auto_capture=False).effective_auto_capture is False


@case("T", 317)
def test_t_317_the_five_verbs(shop: Shop) -> None:
    """The five verbs are handed on to the gateway with what they were given."""
    method, options = shop.method(), {"idempotency_key": "key"}
    method.authorize(100, shop.card, options)  # type: ignore[arg-type]
    method.purchase(200, shop.card, options)  # type: ignore[arg-type]
    method.capture(300, "A", options)  # type: ignore[arg-type]
    method.void("A", options)  # type: ignore[arg-type]
    answer: Response = method.credit(400, "A", options)  # type: ignore[arg-type]
    assert answer.success
    assert ScriptedGateway.calls == [
        ("authorize", 100, shop.card, options),
        ("purchase", 200, shop.card, options),
        ("capture", 300, "A", options),
        ("void", "A", options),
        ("credit", 400, "A", options),
    ]


@case("T", 318)
def test_t_318_test_mode(shop: Shop) -> None:
    """A gateway is in test mode unless the method says that it is not, and gets the method's settings."""
    assert shop.bogus(config={"outage": False}).build_gateway().test is True
    live = shop.bogus(test_mode=False, config={"outage": True}).build_gateway()
    assert (live.test, live.config) == (False, {"outage": True})


@case("T", 319, SECRETS)
def test_t_319_settings_from_elsewhere(shop: Shop) -> None:
    """Only names of secrets are kept in the row; a setting that the gateway does not know is refused."""
    assert shop.bogus().config_problems() == {}
    with pytest.raises(GatewayError):
        shop.bogus(config={"login": "secret"}).build_gateway()


@case("T", 321, ONE_REGISTRY)
def test_t_321_an_unknown_gateway(shop: Shop) -> None:
    """A method whose gateway is not registered can be read, and is a GatewayError once it is used."""
    method = PaymentMethod.objects.get(pk=shop.bogus(gateway="gone").pk)
    with pytest.raises(GatewayError):
        method.build_gateway()
    assert "gateway" in method.config_problems()


@case("T", 320)
def test_t_320_what_may_be_used_again(shop: Shop, django_user_model: Any) -> None:
    """In checkout a customer may use the wallet's cards again, a guest none; a complete order, what paid for it."""
    assert offered_sources(shop.order("payment")) == []
    user = django_user_model.objects.create_user("ada")
    kept = card_recipe.make(user=user)
    Wallet(user).add(kept)
    order = shop.order("payment")
    order.user = user
    order.save()
    assert offered_sources(order) == [kept]
    placed = shop.order()
    shop.payment(placed, "completed")
    assert offered_sources(placed) == [shop.card]


@case("T", 323, A_TOKEN_IS_SUPPORTED)
def test_t_323_what_a_method_takes(shop: Shop, settings: Any) -> None:
    """A gateway that says nothing takes what a provider gave a token; another says for itself what it takes."""
    settings.PAYMENT_GATEWAYS = REGISTRY | {"plain": f"{__name__}.Plain"}
    method = shop.bogus(gateway="plain")
    assert method.supports(shop.card)
    assert not method.supports(CreditCard(month=12, year=2030))
    assert not shop.method("unsupported").supports(shop.card)


NOT_APPLICABLE = {
    314: ("Methods are offered by store.", "There is one shop."),
    322: ("Parameters of a payment are checked against what is offered.", "The checkout form offers what may be used."),
}
