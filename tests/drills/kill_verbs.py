"""The verbs under the knife: what is there before, what is asked, and what the provider may hold on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

from django.db.models import CharField, F, Value
from django.db.models.functions import Concat

from orders.errors import CannotComplete
from orders.models import Order
from payments.models import CreditCard, Payment, PaymentMethod, RefundReason
from tests.drills.kill_books import Books
from tests.drills.killing import Plug, by_power_cut
from tests.drills.provider import FAULTS
from tests.factories import card_recipe, make_method, make_order

NOTHING, HOLD, TAKEN = (0, 0), (100_00, 0), (0, 100_00)
codes = count(1)


class Bench:
    """Fresh rows for one run: an order of $100, a way to pay, and the provider's own file."""

    def __init__(self, folder: Path, gateway: str, **facts: Any) -> None:
        number = next(codes)
        self.books = Books(folder / f"books-{number}.jsonl")
        self.method: PaymentMethod = make_method(
            code=f"kill-{number}", gateway=gateway, config={"books": str(self.books.path)}, **facts
        )
        self.order: Order = make_order()
        self.card: CreditCard = card_recipe.make()
        # The reasons of earlier runs are out of the way, so that each run writes its own.
        RefundReason.objects.exclude(name__startswith="used ").update(
            name=Concat(Value("used "), F("pk"), output_field=CharField())
        )
        self.payment: Payment = self.pay()

    def pay(self, amount: str | None = None) -> Payment:
        payment: Payment = self.order.add_payment(self.method, source=self.card, amount=amount)
        return payment

    def script(self, **config: Any) -> None:
        """What the provider does from now on."""
        self.method.config = {"books": str(self.books.path), **config}
        self.method.save(update_fields=["config"])

    def calm(self) -> None:
        """The provider's trouble is over; what it answers of itself it goes on answering."""
        if self.method.config.get("outcome") in FAULTS:
            self.script(**{**self.method.config, "outcome": "approved"})

    def reload(self) -> None:
        self.payment = Payment.objects.select_related("order").get(pk=self.payment.pk)
        self.order = self.payment.order


@dataclass(frozen=True, eq=False)
class Verb:
    """`act` is what is interrupted, `again` what a person does afterwards if the goal is not reached.

    `steps` are the pairs (held, taken and not given back) that the provider may show for the order at any time:
    a deed done twice leaves them. `goals` are those that it must show at the end.
    """

    name: str
    act: Callable[[Bench], object]
    goals: tuple[tuple[int, int], ...]
    steps: tuple[tuple[int, int], ...] = (NOTHING,)
    prepare: Callable[[Bench], object] = lambda bench: None
    again: Callable[[Bench], object] | None = None
    method: dict[str, Any] = field(default_factory=dict)
    config: dict[str, Any] = field(default_factory=dict)
    order_state: str = ""
    repeatable: bool = True  # Asking twice means the same as asking once.
    interrupted: Callable[[Bench], object] | None = None  # Done before, under the outcome; `act` comes an hour later.

    def repeat(self, bench: Bench) -> None:
        (self.again or self.act)(bench)


# What is there before


def hold(bench: Bench) -> None:
    bench.payment.authorize()


def sale(bench: Bench) -> None:
    bench.payment.purchase()


def part_taken(bench: Bench) -> None:
    bench.payment.authorize()
    bench.payment.capture("40", final=False)


def part_refunded(bench: Bench) -> None:
    bench.payment.purchase()
    bench.payment.refund("30")


def waits(bench: Bench) -> None:
    bench.script(outcome="action_required")
    bench.payment.authorize()


def capture_waits(bench: Bench) -> None:
    bench.payment.authorize()
    bench.script(outcome="processing")
    bench.payment.capture()


def first_of_two(bench: Bench) -> None:
    bench.pay("40").authorize()
    bench.payment = bench.pay()


def placed(bench: Bench) -> None:
    """A complete order: 40 held, 60 taken."""
    first_of_two(bench)
    bench.payment.purchase()
    bench.order.complete()


# What a person does afterwards


def collect_again(verb: str) -> Callable[[Bench], object]:
    """The same payment if it was never asked, else a new one."""

    def again(bench: Bench) -> None:
        if bench.payment.state != "checkout":
            bench.payment = bench.pay()
        getattr(bench.payment, verb)()

    return again


def capture_again(*args: Any, **kwargs: Any) -> Callable[[Bench], object]:
    """Capture, or let go where the capture was declined."""

    def again(bench: Bench) -> None:
        if bench.payment.state == "failed":
            bench.payment.cancel()
        else:
            bench.payment.capture(*args, **kwargs)

    return again


def complete_again(bench: Bench) -> None:
    """The customer comes back: completes, and pays anew where that is asked for."""
    try:
        bench.order.complete()
    except CannotComplete:
        bench.payment = bench.pay()
        bench.order.complete()


def cut_off(verb: Verb, kind: str, bench: Bench) -> None:
    """Leave the verb's operation open, whatever the provider made of it."""
    plug = Plug(moment=f"inside {kind}")
    by_power_cut(lambda: verb.act(bench), plug)
    assert plug.pulled


def collecting(name: str, verb: str, goal: tuple[int, int], **method: Any) -> Verb:
    return Verb(
        name=name,
        act=lambda bench: getattr(bench.payment, verb)(),
        again=collect_again(verb),
        goals=(goal,),
        steps=(NOTHING, goal),
        method=method,
    )


def capturing(name: str, goal: tuple[int, int], *args: Any, **kwargs: Any) -> Verb:
    return Verb(
        name=name,
        prepare=hold,
        repeatable=kwargs.get("final", True),
        act=lambda bench: bench.payment.capture(*args, **kwargs),
        again=capture_again(*args, **kwargs),
        goals=(goal, NOTHING),
        steps=(HOLD, goal, NOTHING),
    )


def undoing(name: str, prepare: Callable[[Bench], object], act: str, *steps: tuple[int, int], **facts: Any) -> Verb:
    return Verb(
        name=name,
        prepare=prepare,
        act=lambda bench: getattr(bench.payment, act)(),
        steps=steps,
        goals=(steps[-1],),
        **facts,
    )


def completing(name: str, prepare: Callable[[Bench], object], *steps: tuple[int, int], **method: Any) -> Verb:
    return Verb(
        name=name,
        prepare=prepare,
        act=lambda bench: bench.order.complete(),
        again=complete_again,
        steps=steps,
        goals=(steps[-1],),
        method=method,
        order_state="complete",
    )


def recovering(verb: Verb, kind: str) -> Verb:
    """The verb was cut off right after its deed: what is under the knife is its recovery."""
    return replace(
        verb,
        name=f"recover {verb.name}",
        interrupted=lambda bench: cut_off(verb, kind, bench),
        act=lambda bench: bench.payment.recover(),
        again=verb.repeat,
    )


AUTHORIZE = collecting("authorize", "authorize", HOLD)
PURCHASE = collecting("purchase", "purchase", TAKEN)
CAPTURE = capturing("capture", TAKEN)
VOID = undoing("void", hold, "void_transaction", HOLD, NOTHING)
REFUND = undoing("refund", sale, "refund", TAKEN, NOTHING)

VERBS = (
    AUTHORIZE,
    PURCHASE,
    collecting("process: hold", "process", HOLD, auto_capture=False),
    collecting("process: take", "process", TAKEN, auto_capture=True),
    CAPTURE,
    capturing("capture a part, let the rest go", (0, 40_00), "40"),
    capturing("capture a part, keep the rest", (60_00, 40_00), "40", final=False),
    VOID,
    undoing("void an unsettled sale", sale, "void_transaction", TAKEN, NOTHING),
    undoing("cancel a hold", hold, "cancel", HOLD, NOTHING),
    undoing("cancel a sale", sale, "cancel", TAKEN, NOTHING),
    undoing("cancel a settled sale", sale, "cancel", TAKEN, NOTHING, config={"settled": True}),
    undoing("cancel what is partly taken", part_taken, "cancel", (60_00, 40_00), (0, 40_00), NOTHING),
    undoing("cancel what is partly refunded", part_refunded, "cancel", (0, 70_00), NOTHING),
    undoing("cancel what waits", waits, "cancel", HOLD, NOTHING),
    undoing("cancel beside a waiting capture", capture_waits, "cancel", HOLD, TAKEN, NOTHING),
    REFUND,
    Verb(
        name="refund a part",
        prepare=sale,
        repeatable=False,
        act=lambda bench: bench.payment.refund("30"),
        steps=(TAKEN, (0, 70_00)),
        goals=((0, 70_00),),
    ),
    completing("complete: hold", lambda bench: None, NOTHING, HOLD, auto_capture=False),
    completing("complete: take", lambda bench: None, NOTHING, TAKEN, auto_capture=True),
    completing("complete with two payments", first_of_two, (40_00, 0), (40_00, 60_00), auto_capture=True),
    Verb(
        name="cancel an order with two payments",
        prepare=placed,
        act=lambda bench: bench.order.cancel(),
        steps=((40_00, 60_00), (0, 60_00), (40_00, 0), NOTHING),
        goals=(NOTHING,),
        order_state="canceled",
    ),
    recovering(AUTHORIZE, "authorize"),
    recovering(PURCHASE, "purchase"),
    recovering(CAPTURE, "capture"),
    recovering(VOID, "void"),
    recovering(REFUND, "refund"),
)
