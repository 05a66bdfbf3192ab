"""Amounts: minor units, parts, sums, and what is let go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from payments.gateways.base import Outcome
from payments.gateways.conformance.bench import Bench
from payments.gateways.conformance.rules import demand, expect, rule

CURRENCIES = tuple("JPY KRW CLP VND ISK USD EUR GBP HUF TWD MGA BHD KWD TND CLF".split())
AMOUNT = 123_457  # 123457 yen, 1234.57 dollars, 123.457 dinars.


class ArithmeticRules(Bench):
    def demand_books(self, authorization: str, **sums: int | bool) -> None:
        """What the provider has written down is this; nothing to compare with where there is no provider."""
        if not self.no_wire:
            books = self.books(authorization)
            found = {name: getattr(books, name) for name in sums}
            demand(found == sums, f"The provider's books say {found}; {sums} is right.")

    @rule("minor-units-are-exact")
    def test_minor_units_are_exact(self) -> None:
        taken = self.gateway_class.capabilities.currencies
        for currency in sorted(taken) if taken is not None else CURRENCIES:
            asked = self.an_amount(currency, AMOUNT)
            held = self.hold(asked, self.options(currency=currency))
            done = expect(Outcome.APPROVED, self.gateway.capture(asked, held, self.options(currency=currency)))
            said = done.amount_minor
            demand(said in (None, asked), f"Asked for {asked} minor units of {currency}, it says {said}.")
            if not self.no_wire:
                books = self.books(held or done.authorization)
                demand(books.currency == currency, f"{currency} was asked, {books.currency} was booked.")
                demand(books.captured == asked, f"{asked} minor units of {currency} were booked as {books.captured}.")

    @rule("a-part-is-captured", needs="partial_capture")
    def test_a_part_is_captured(self) -> None:
        held = self.hold()
        done = expect(Outcome.APPROVED, self.gateway.capture(400, held, self.options()))
        demand(done.amount_minor in (None, 400), f"Asked for 400, it says {done.amount_minor}.")
        self.demand_books(held or done.authorization, captured=400)
        if held and not self.no_wire:
            again = self.gateway.capture(600, held, self.options())
            demand(again.outcome is Outcome.DECLINED, "A final capture leaves the rest to be captured.")
            self.demand_books(held, captured=400)

    @rule("captures-add-up", needs="multiple_captures")
    def test_captures_add_up(self) -> None:
        held = self.hold()
        for amount, final in ((300, False), (250, False), (450, True)):
            expect(Outcome.APPROVED, self.gateway.capture(amount, held, self.options(final=final)))
        self.demand_books(held, captured=1_000)

    @rule("more-than-is-held-is-captured", needs="over_capture", wire=True)
    def test_more_than_is_held_is_captured(self) -> None:
        held = self.hold()
        done = expect(Outcome.APPROVED, self.gateway.capture(self.over_capture_minor, held, self.options()))
        demand(done.amount_minor in (None, self.over_capture_minor), f"It says that {done.amount_minor} was taken.")
        self.demand_books(held, captured=self.over_capture_minor)

    @rule("a-capture-may-stand-alone", needs="capture_without_authorization")
    def test_a_capture_may_stand_alone(self) -> None:
        done = expect(Outcome.APPROVED, self.gateway.capture(700, "", self.options()))
        demand(self.no_wire or done.authorization, "A capture that stands alone has no handle to refund it by.")
        self.demand_books(done.authorization, captured=700)

    @rule("refunds-add-up", needs="partial_refund")
    def test_refunds_add_up(self) -> None:
        taken = self.taken()
        for amount in (300, 250):
            back = expect(Outcome.APPROVED, self.give_back(amount, taken))
            demand(back.amount_minor in (None, amount), f"Asked for {amount}, it says {back.amount_minor}.")
        self.demand_books(taken, captured=1_000, refunded=550)
        if not self.no_wire:
            expect(Outcome.DECLINED, self.gateway.credit(451, taken, self.options()))
            self.demand_books(taken, captured=1_000, refunded=550)

    @rule("a-void-lets-go")
    def test_a_void_lets_go(self) -> None:
        held = self.hold()
        expect(Outcome.APPROVED, self.gateway.void(held, self.options()))
        if held and not self.no_wire:
            self.demand_books(held, captured=0, voided=True)
            expect(Outcome.DECLINED, self.gateway.capture(1_000, held, self.options()))

    @rule("the-void-window-closes", needs="void_after_capture", wire=True)
    def test_the_void_window_closes(self) -> None:
        taken = self.taken()
        expect(Outcome.APPROVED, self.gateway.void(taken, self.options()))
        self.demand_books(taken, captured=0, refunded=0)
        taken = self.taken()
        self.let_pass(self.settlement or timedelta(days=2))
        expect(Outcome.DECLINED, self.gateway.void(taken, self.options()))  # And never a refund in its place.
        self.demand_books(taken, captured=1_000, refunded=0)

    @rule("a-hold-expires-as-declared", wire=True, source=True)
    def test_a_hold_expires_as_declared(self) -> None:
        abilities, held = self.gateway_class.capabilities, self.hold()
        ends = self.gateway.fetch(held).expires_at if abilities.fetch else None
        lifetime = abilities.authorization_lifetime
        if lifetime is None:
            demand(ends is None, "It knows when a hold ends, and declares no authorization_lifetime.")
            return
        if abilities.fetch:
            demand(ends is not None and ends.tzinfo is not None, f"expires_at is {ends!r}.")
            off = abs((ends or datetime.min.replace(tzinfo=UTC)) - datetime.now(UTC) - lifetime)
            demand(off < timedelta(hours=1), f"It declares {lifetime}, and the hold ends {ends}.")
        self.let_pass(lifetime + timedelta(minutes=1))
        expect(Outcome.DECLINED, self.gateway.capture(1_000, held, self.options()))
        demand(not abilities.fetch or self.gateway.fetch(held).voided, "An expired hold still counts as held.")
