"""The chapters in which the provider tells us: a customer who never comes back, and notices that go wrong."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from orders.models import Order
from payments.display import money_text
from payments.models import CreditCard, HostedSource, Payment, PaymentMethod, WebhookEvent
from payments.money import Money, from_minor, to_minor
from payments.recovery import recover_due
from shop.demo.customer import meet_challenge
from shop.demo.orders import ADA, CUSTOMER, Shop
from shop.demo.page import LEFT, Page
from shop.demo.provider import NoProvider, Provider

CURRENCY = "CHF"
PATIENCE_S = 15
# Each befalls the notice of one sale: what the provider does to it, in a few words.
FAULTS = {
    "webhook_duplicate": "it comes twice",
    "webhook_reordered": "its refund's comes first",
    "webhook_early": "it comes before the answer",
    "webhook_missing": "it never comes",
    "webhook_bad_signature": "a stranger has signed it",
}


@dataclass(slots=True)
class Trial:
    """One order, the notice of whose payment meets one fault."""

    fault: str
    payment: Payment
    answered: list[int] = field(default_factory=list)

    @property
    def settled_by(self) -> str:
        sale = self.payment.operations.earliest("sequence")
        return "the notice" if sale.webhook_events.exists() else "recovery"


def tell(page: Page, provider: Provider, method: PaymentMethod) -> bool:
    """Tell it. False if our books and the provider's differ at the end."""
    shop = Shop({"page": method}, by=CUSTOMER)
    tell_of_the_browser(page, provider, shop)
    return tell_of_the_faults(page, provider, shop)


def order_on_the_page(shop: Shop, price: str) -> Payment:
    """A placed order whose payment waits for its customer on the provider's page."""
    order: Order = shop.cart(ADA, CURRENCY, ("Rain jacket", price, 1))
    payment = order.add_payment(shop.methods["page"], source=HostedSource.objects.create(label="Card"))
    order.complete(by=CUSTOMER)
    payment.refresh_from_db()
    return payment


def page_of(payment: Payment) -> str:
    waiting = payment.operations.get(state="waiting")
    return str((waiting.next_action or {})["url"])


def tell_of_the_browser(page: Page, provider: Provider, shop: Shop) -> None:
    page.chapter(
        "A challenge, and a browser that is closed",
        "The customer pays on the provider's own page. Until she has, the order waits for her and takes no other "
        "payment:",
    )
    payment = order_on_the_page(shop, "119.00")
    page.order(payment.order)
    meet_challenge(page_of(payment))
    page.say(
        "She types her card, her bank asks whether it is her, she approves, and closes the browser: nobody ever comes "
        "back to the shop. The provider's signed notice alone finishes the order:"
    )
    wait_for_notices(provider, payment)
    page.order(payment.order)


def tell_of_the_faults(page: Page, provider: Provider, shop: Shop) -> bool:
    page.chapter(
        "Notices that go wrong",
        "More customers pay and are never seen again, and the notice of each sale meets another fault. Whatever it "
        "is, each sale counts once:",
    )
    trials = [let_pay(provider, shop, fault, number) for number, fault in enumerate(FAULTS)]
    for trial in trials:
        trial.answered = wait_for_notices(provider, trial.payment)
    silent = [trial.payment.number for trial in trials if trial.fault == "webhook_missing"]
    list(recover_due(payments=silent, at_once=True))
    columns = [("the notice", LEFT), ("fault", LEFT), ("we answered", LEFT), ("settled by", LEFT)]
    page.table(columns, [row(trial) for trial in trials])
    page.say(
        "A notice is stored before it is used, and once: whatever comes again is answered and changes nothing. What "
        "is not signed by the provider is not believed. Of what nobody tells, recovery asks."
    )
    ours = sum((each.captured_amount - each.refunded_amount for each in sales()), Money(0, CURRENCY))
    totals = provider.totals()[CURRENCY]
    theirs = from_minor(totals["capture"] - totals["refund"], CURRENCY)
    page.say(f"Our books: {money_text(ours)} kept. The provider's: {money_text(theirs)}.")
    return to_minor(ours) == to_minor(theirs) == sum(expected(each) for each in sales())


def let_pay(provider: Provider, shop: Shop, fault: str, number: int) -> Trial:
    """One sale on the provider's page; the notice that comes before the answer needs one that we ask for."""
    provider.misbehave(fault, "purchase")
    price = f"{30 + number}.50"
    if fault == "webhook_early":
        order = shop.cart(ADA, CURRENCY, ("Rain jacket", price, 1))
        card = CreditCard.objects.create(token="tok_visa", brand="visa", last_four="4242", month=12, year=2030)  # noqa: S106
        payment = order.add_payment(shop.methods["page"], source=card)
        order.complete(by=CUSTOMER)
    else:
        payment = order_on_the_page(shop, price)
        meet_challenge(page_of(payment))
    if fault == "webhook_reordered":  # Somebody gives money back in the provider's own console.
        provider.refund(payment.operations.get().authorization, 1_000)
    provider.behave()
    return Trial(fault, payment)


def wait_for_notices(provider: Provider, payment: Payment) -> list[int]:
    """Until all that is to be told of this payment was told. What we answered, notice by notice."""
    code = payment.operations.earliest("sequence").authorization
    for _round in range(PATIENCE_S * 20):
        if provider.has_told(code):
            break
        time.sleep(0.05)
    else:
        raise NoProvider("Its notices did not arrive.")
    payment.refresh_from_db()
    return provider.answers(code)


def row(trial: Trial) -> tuple[str, str, str, str]:
    return FAULTS[trial.fault], trial.fault, ", ".join(map(str, trial.answered)) or "–", trial.settled_by


def sales() -> list[Payment]:
    return list(Payment.objects.filter(currency=CURRENCY, payment_method__gateway="simulator"))


def expected(payment: Payment) -> int:
    """What was sold, less what was given back: by the orders, not by what anybody says was paid."""
    refunded = WebhookEvent.objects.filter(payment=payment, type="refund.succeeded").exists()
    return to_minor(payment.order.total) - (1_000 if refunded else 0)
