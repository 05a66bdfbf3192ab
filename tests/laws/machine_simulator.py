"""A stateful machine over the simulator's faults: verbs, its pages, its console, its notices, time; then its books."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import timedelta
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urlencode, urlsplit

import time_machine
from django.utils import timezone
from django_fsm import TransitionNotAllowed
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from orders.errors import CannotComplete
from orders.models import Order
from payments import inbox
from payments.errors import GatewayError, InvalidAmount, InvalidSignature
from payments.gateways.simulator import SimulatorGateway
from payments.models import CreditCard, HostedSource, Operation, Payment, WebhookEvent
from payments.recovery import recover_due
from payments.simulator.engine import Engine
from payments.simulator.faults import REQUEST_FAULTS
from payments.simulator.in_process import Transport
from payments.simulator.options import Options
from payments.simulator.webhooks import signature
from tests.drills.fire_books import differences, stuck_notices
from tests.factories import make_method, make_order
from tests.laws import invariants
from tests.laws.machine import INDEX, OVER, SELDOM, part
from tests.laws.provider import Crash
from tests.laws.sandbox import undone

ORIGIN = "http://shop.example"
SECRETS = {"MACHINE_KEY": "sk_test_machine", "MACHINE_HOOK": "whsec_machine"}
CONFIG = {"secret_key": "MACHINE_KEY", "webhook_secret": "MACHINE_HOOK"}
REFUSALS = (GatewayError, TransitionNotAllowed, InvalidAmount, CannotComplete, Crash)
CARD = {"number": "4242 4242 4242 4242", "expiry": "12/60", "cvc": "123", "name": "Ada"}
CHALLENGED = {**CARD, "number": "4000 0000 0000 3220"}
ROUNDS = 8

# What befalls our next requests, and what befalls the notices of a step.
FAULT = st.sampled_from([""] * 12 + [*REQUEST_FAULTS, "crash_before", "crash_after"])
TOLD = ["", "", "", "webhook_duplicate", "webhook_reordered", "webhook_early", "webhook_bad_signature"]
NEWS = st.sampled_from(TOLD)  # Of what others did: we have nothing but the notice.
NOTICE = st.sampled_from([*TOLD, "webhook_missing"])
SOURCES = st.sampled_from(
    ["tok_visa"] * 4 + ["page"] * 4 + ["tok_declined", "tok_processing", "tok_capture_declined", "tok_refund_declined"]
)
DEEDS = ("capture", "refund", "void", "expire", "succeed_late", "decline_late")
PICK = st.sampled_from([*[0] * 9, *[1] * 3, *range(2, 6)])


class MachineGateway(SimulatorGateway):
    """The simulator in this process; the plug can be pulled before a request leaves, or before its answer is read."""

    engine: ClassVar[Engine]
    plug: ClassVar[str] = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.http.wire, self.http.pause = self, lambda _seconds: None

    def request(self, method: str, target: str, content: bytes, headers: Mapping[str, str]) -> Any:
        plug, MachineGateway.plug = self.plug, ""
        if plug == "crash_before":
            raise Crash
        answer = Transport(self.engine).request(method, target, content, headers)
        if plug == "crash_after":
            raise Crash
        return answer


class SimulatedShop(RuleBasedStateMachine):
    """One shop with the simulator as its provider. PICK draws a payment: the newest living first."""

    counts: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.around = ExitStack()
        self.around.enter_context(undone())
        self.clock = self.around.enter_context(time_machine.travel(timezone.now(), tick=False))
        options = Options(secret_key=SECRETS["MACHINE_KEY"], webhook_secret=SECRETS["MACHINE_HOOK"])
        self.engine = MachineGateway.engine = Engine(options=options, sender=self.deliver)
        self.around.callback(self.engine.close)
        self.deaf, self.failed = False, False

    def teardown(self) -> None:
        try:
            if not self.failed:
                self.settle_everything()
            self.counts.update(shops=1, operations=Operation.objects.count(), events=WebhookEvent.objects.count())
        finally:
            self.around.close()

    # The site

    def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """What the web server makes of a notice, as `payments.views` answers it."""
        if self.deaf:
            raise ConnectionRefusedError
        assert url.startswith(ORIGIN)
        self.counts["notices"] += 1
        moment = int(timezone.now().timestamp())
        wrong = headers["Simulator-Signature"] != signature(SECRETS["MACHINE_HOOK"], body, moment)
        try:
            inbox.receive("card", headers, body)
        except InvalidSignature:
            assert wrong, "a notice that was signed is refused"
            return 400
        assert not wrong, "a notice that a stranger signed is believed"
        return 200

    @rule(deaf=SELDOM)
    def site_goes_down_or_up(self, deaf: bool) -> None:
        self.deaf = deaf

    @rule()
    def notices_are_delivered(self) -> None:
        self.engine.webhooks.deliver_due()

    @rule(seconds=st.sampled_from([1, 3, 20, 90, 3_600]), news=NEWS)
    def time_passes(self, seconds: int, news: str) -> None:
        self.befall("", news)
        self.clock.shift(timedelta(seconds=seconds))
        self.engine.run_due()

    @rule(index=INDEX)
    def an_event_is_replayed(self, index: int) -> None:
        events = list(WebhookEvent.objects.select_related("payment_method").order_by("id"))
        if events:
            inbox.replay(events[index % len(events)])

    # Orders

    @initialize(automatic=st.booleans(), source=SOURCES, fault=FAULT, notice=NOTICE)
    def open_shop(self, automatic: bool, source: str, fault: str, notice: str) -> None:
        self.method = make_method(code="card", gateway="machine", auto_capture=automatic, config=CONFIG)
        self.buy("100.00", source, fault, notice)

    @precondition(lambda self: Order.objects.count() < 3)
    @rule(total=st.sampled_from(["100.00", "0.03"]), source=SOURCES, fault=FAULT, notice=NOTICE)
    def buy(self, total: str, source: str, fault: str, notice: str) -> None:
        self.pay(make_order(total), source, fault, notice)

    @precondition(lambda self: Payment.objects.count() < 6)
    @rule(index=INDEX, source=SOURCES, fault=FAULT, notice=NOTICE)
    def pay_anew(self, index: int, source: str, fault: str, notice: str) -> None:
        orders = list(Order.objects.order_by("id"))
        order = orders[index % len(orders)]
        if not order.payments.exclude(state__in=OVER).exists():
            with suppress(TransitionNotAllowed, GatewayError):
                self.pay(order, source, fault, notice)

    def pay(self, order: Order, source: str, fault: str, notice: str) -> None:
        card = {"brand": "visa", "last_four": "4242", "month": 12, "year": 2060}
        hosted = source == "page"
        order.add_payment(
            self.method,
            source=HostedSource.objects.create() if hosted else CreditCard.objects.create(token=source, **card),
        )
        self.ask(order, "complete", fault, notice)

    @rule(index=INDEX, fault=FAULT, notice=NOTICE, sure=SELDOM)
    def complete_or_call_off(self, index: int, fault: str, notice: str, sure: bool) -> None:
        orders = list(Order.objects.order_by("id"))
        order = orders[index % len(orders)]
        if not (sure and any(map(self.has_unheard_capture, order.payments.all()))):
            self.ask(order, "cancel" if sure else "complete", fault, notice)

    # Staff

    @rule(index=PICK, share=st.sampled_from([None, 5, 3, 2, 1]), final=st.booleans(), fault=FAULT, notice=NOTICE)
    def capture(self, index: int, share: int | None, final: bool, fault: str, notice: str) -> None:
        payment = self.pick(index)
        self.ask(payment, "capture", fault, notice, part(payment.amount.amount, share), final=final)

    @rule(index=PICK, share=st.sampled_from([None, 3, 2, 1]), fault=FAULT, notice=NOTICE)
    def refund(self, index: int, share: int | None, fault: str, notice: str) -> None:
        payment = self.pick(index)
        self.ask(payment, "refund", fault, notice, part(payment.amount.amount, share))

    @precondition(lambda self: Payment.objects.exclude(state__in=OVER).exists())
    @rule(index=PICK, verb=st.sampled_from(["void_transaction", "cancel"]), fault=FAULT, notice=NOTICE, sure=SELDOM)
    def undo(self, index: int, verb: str, fault: str, notice: str, sure: bool) -> None:
        payment = self.pick(index)
        if sure and not self.has_unheard_capture(payment):
            self.ask(payment, verb, fault, notice)

    def has_unheard_capture(self, payment: Payment) -> bool:
        """This provider takes a capture back when asked to let go of a hold that was captured from outside meanwhile.

        We have asked about the hold, and count the capture when we hear of it: there the doctor finds the difference.
        """
        unheard = """SELECT 1 FROM events e JOIN payments p ON p.id = e.payment
                     WHERE p.order_id = ? AND e.type = 'capture.succeeded' AND e.status <> 'delivered'"""
        return self.engine.store.one(unheard, invariants.order_id(payment)) is not None

    @rule(index=PICK, fault=FAULT)
    def recover(self, index: int, fault: str) -> None:
        self.ask(self.pick(index), "recover", fault, "")

    @rule(fault=FAULT, notice=NOTICE)
    def the_clock_strikes(self, fault: str, notice: str) -> None:
        self.befall(fault, notice)
        with suppress(Crash):
            list(recover_due(at_once=True))
            list(inbox.retry_due())

    def pick(self, index: int) -> Payment:
        found = sorted(Payment.objects.all(), key=lambda payment: (payment.state in OVER, -payment.pk))
        return found[index % len(found)]

    def ask(self, thing: Any, verb: str, fault: str, notice: str, *args: Any, **kwargs: Any) -> None:
        self.befall(fault, notice)
        with suppress(*REFUSALS):
            getattr(thing, verb)(*args, **kwargs)

    def befall(self, fault: str, notice: str) -> None:
        """What goes wrong from now on, until something else is to go wrong."""
        MachineGateway.plug = fault if fault.startswith("crash") else ""
        rules = [{"fault": each} for each in (fault, notice) if each and not each.startswith("crash")]
        rules = [{**each, "delay_ms": 20_000} if each["fault"] == "late_answer" else each for each in rules]
        self.engine.faults.set({"rules": rules})
        self.counts.update(faults=bool(fault), **{notice: 1} if notice else {})

    # The customer at the provider's page

    @precondition(lambda self: self.sessions())
    @rule(
        index=INDEX, does=st.sampled_from(["card", "card", "challenge", "challenge", "refuse", "cancel"]), notice=NOTICE
    )
    def customer_is_at_the_page(self, index: int, does: str, notice: str) -> None:
        self.befall("", notice)
        sessions = self.sessions()
        page = f"/pay/{sessions[index % len(sessions)]}"
        if does == "cancel":
            self.submit(f"{page}/cancel")
            return
        back = self.submit(page, **(CARD if does == "card" else CHALLENGED))
        if "/challenge/" in back:
            self.submit(urlsplit(back).path, passed="no" if does == "refuse" else "yes")

    def sessions(self) -> list[str]:
        rows = self.engine.store.all("SELECT id FROM sessions WHERE status = 'open' ORDER BY rowid")
        return [row["id"] for row in rows]

    def submit(self, path: str, **form: str) -> str:
        headers = {"origin": self.engine.options.base_url}
        _status, told, _page = Transport(self.engine).request("POST", path, urlencode(form).encode(), headers)
        return told.get("location", "")

    # The provider's own console

    @precondition(lambda self: self.engine.store.one("SELECT 1 FROM payments"))
    @rule(index=INDEX, deed=st.sampled_from(DEEDS), share=st.sampled_from([None, 3]), news=NEWS)
    def happens_outside(self, index: int, deed: str, share: int | None, news: str) -> None:
        rows = self.engine.store.all("SELECT * FROM payments ORDER BY seq")
        row = rows[index % len(rows)]
        if deed == "void" and not self.may_be_voided_outside(row):
            return
        self.befall("", news)
        amount = {"amount": max(row["amount"] // share, 1)} if share and deed in ("capture", "refund") else {}
        self.engine.call("POST", "/_events", {"payment": row["id"], "deed": deed, **amount})

    def may_be_voided_outside(self, row: Any) -> bool:
        """A capture of a hold, voided by somebody else, is told as a void like any other; and so is one of ours."""
        totals = self.engine.books.totals(row["id"])
        ours = Operation.objects.filter(kind="void", state__in=["open", "unknown", "waiting"])
        is_sale = self.engine.books.attempt(row["id"])["kind"] == "purchase"
        return not ours.filter(payment__number=row["order_id"].partition("-")[2]).exists() and (
            is_sale or not totals.captured
        )

    # The laws

    @invariant()
    def the_laws_hold(self) -> None:
        self.counts["steps"] += 1
        self.failed = True
        for payment in Payment.objects.select_related("payment_method", "order").prefetch_related("operations"):
            invariants.of_a_payment(payment)
        for order in Order.objects.prefetch_related("payments"):
            sums = sum(
                (each.captured_amount.amount - each.refunded_amount.amount for each in order.payments.all()), Decimal()
            )
            assert order.payment_total.amount == sums
        self.failed = False

    def settle_everything(self) -> None:
        """All is told, all is recovered, nobody comes back any more: now the books are equal, to the minor unit."""
        self.befall("", "")
        self.deaf = False
        for _round in range(ROUNDS):
            self.clock.shift(timedelta(minutes=61))
            self.engine.run_due()
            self.engine.webhooks.deliver_due()
            list(inbox.retry_due())
            list(recover_due(at_once=True))
        list(inbox.replay_all())
        found, undecided = differences(self.engine.call("GET", "/_books").json())
        waiting = Operation.objects.filter(state="waiting", payment__state="processing", reason="")
        # A sale that was voided while it waited and came through: only the provider's page says which was last.
        shown = [payment.number for payment in Payment.objects.all() if invariants.is_shown_to_staff(payment)]
        found = [each for each in found if not any(number in each for number in shown)]
        self.counts["left to staff"] += undecided + len(shown)
        assert [*found, *stuck_notices(), *map(str, waiting)] == [], self.story()

    def story(self) -> str:
        """What a failed comparison shows: everybody's journal."""
        lines = []
        for payment in Payment.objects.select_related("order"):
            lines.append(f"{payment.order.number}-{payment.number} {payment.state} {payment.review_reason}")
            for each in payment.operations.order_by("sequence"):
                lines.append(
                    f"  {each} key={each.idempotency_key} ref={each.reference} asked={each.asked} {each.reason}"
                )
        for row in self.engine.store.all("SELECT a.*, p.order_id FROM actions a JOIN payments p ON p.id = a.payment"):
            lines.append(" ".join(str(row[name]) for name in "order_id kind status amount origin id".split()))
        return "\n" + "\n".join(lines)
