"""The chapters in which the provider fails in every way it can, and no cent is lost: a real process over HTTP."""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from orders.models import Address, Order
from payments.actors import Actor
from payments.display import money_text
from payments.errors import GatewayError
from payments.models import CreditCard, Operation, Payment, PaymentMethod
from payments.money import Money, from_minor, to_minor
from shop.demo import notices
from shop.demo.orders import ADA, CUSTOMER, configure
from shop.demo.page import LEFT, Page
from shop.demo.provider import SECRET_KEY, WEBHOOK_SECRET, Provider, simulator
from shop.demo.site import served

CURRENCY = "EUR"
# Each befalls the capture of one order: what the provider does to it, in a few words.
FAULTS = {
    "lost_request": "the request is lost",
    "lost_answer": "the answer is lost",
    "late_answer": "the answer comes too late",
    "truncated_body": "half the answer arrives",
    "error_before": "503, nothing done",
    "error_after": "500, and it was done",
    "rate_limited": "429, come back in 1 s",
    "wrong_amount": "another amount is told",
    "wrong_currency": "another currency is told",
    "unknown_status": "a status nobody knows",
}
HOW = {"late_answer": {"delay_ms": 2_000}}


@dataclass(slots=True)
class Trial:
    """One order, whose capture meets one fault."""

    fault: str
    payment: Payment
    states: list[str] = field(default_factory=list)

    def note(self) -> None:
        """What we know of the first capture now."""
        capture = self.payment.operations.filter(kind=Operation.Kind.CAPTURE).earliest("sequence")
        self.states.append(capture.state)


def tell(page: Page, *, clerk: Actor) -> bool:
    """Tell it. False if our books and the provider's differ at the end."""
    page.chapter(
        "See it survive",
        "The payment simulator is started as a process of its own and told to fail: each capture below meets another "
        "fault. Nothing is believed without evidence, so what has no answer is unknown.",
    )
    secret = f"sk_test_{secrets.token_hex(8)}"
    os.environ.update({SECRET_KEY: secret, WEBHOOK_SECRET: f"whsec_{secrets.token_hex(8)}"})
    with simulator(secret) as provider:
        config = {"base_url": provider.url, "secret_key": SECRET_KEY, "webhook_secret": WEBHOOK_SECRET}
        made = {"gateway": "simulator", "config": config}
        method: PaymentMethod = PaymentMethod.objects.create(name="Card by simulator", auto_capture=False, **made)
        trials = [try_capture(provider, method, fault, number, clerk) for number, fault in enumerate(FAULTS)]
        if not settle(page, provider, trials, clerk):
            return False
        sold: PaymentMethod = PaymentMethod.objects.create(name="Card at the provider's", auto_capture=True, **made)
        with served():
            return notices.tell(page, provider, sold)


def try_capture(provider: Provider, method: PaymentMethod, fault: str, number: int, clerk: Actor) -> Trial:
    address = Address.objects.create(**ADA)
    order: Order = Order.objects.create(
        email="ada@example.com", currency=CURRENCY, bill_address=address, ship_address=address
    )
    order.add_line("Cotton tee", unit_price=f"{20 + number}.10", quantity=1, sku="COTTON-TEE")
    card = CreditCard.objects.create(token="tok_visa", brand="visa", last_four="4242", month=12, year=2030)  # noqa: S106
    payment = order.add_payment(method, source=card)
    order.complete(by=CUSTOMER)
    payment.refresh_from_db()
    trial = Trial(fault, payment)
    provider.misbehave(fault, "capture", **HOW.get(fault, {}))
    with patience(method, seconds=1 if fault == "late_answer" else 10), suppress(GatewayError):
        payment.capture(by=clerk)  # What became of it is in the journal.
    provider.behave()
    trial.note()
    return trial


@contextmanager
def patience(method: PaymentMethod, *, seconds: int) -> Iterator[None]:
    """Wait only so long for answers, for a while: who plays at being late should not have to wait for it."""
    before = method.config
    configure(method, {**before, "answer_seconds": seconds})
    try:
        yield
    finally:
        configure(method, before)


def settle(page: Page, provider: Provider, trials: list[Trial], clerk: Actor) -> bool:
    window = trials[0].payment.payment_method.capabilities.visibility_window
    time.sleep(window.total_seconds())  # Before that, what is not found may only not be visible yet.
    for trial in trials:
        trial.payment.recover()
        trial.note()
    columns = [("what goes wrong", LEFT), ("fault", LEFT), ("at first", LEFT), ("recovered", LEFT)]
    page.table(columns, [(FAULTS[each.fault], each.fault, *each.states) for each in trials])
    page.say(
        "Recovery has looked each of them up. What was found is taken over; what is not found, once the provider has "
        "had the time to show it, surely never happened, and only that may be asked again:"
    )
    again = [each for each in trials if each.states[-1] == Operation.State.CANCELED]
    for trial in again:
        trial.payment.capture(by=clerk)
        page.say(f"  {trial.fault}: captured again, {money_text(trial.payment.captured_amount)}")
    ours = sum((trial.payment.captured_amount for trial in trials), Money(0, CURRENCY))
    theirs = from_minor(provider.totals()[CURRENCY]["capture"], CURRENCY)
    page.say(
        f"{len(trials)} orders, {money_text(sum((each.payment.amount for each in trials), Money(0, CURRENCY)))}. "
        f"Our books: {money_text(ours)} captured. The provider's: {money_text(theirs)}."
    )
    return to_minor(ours) == to_minor(theirs) == sum(to_minor(trial.payment.amount) for trial in trials)
