"""What a test or a developer may do that no shop may: see the books, set faults, move the clock, make things happen."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from payments.simulator import later, listing
from payments.simulator.answers import Answer, Json, Refused, Request
from payments.simulator.calls import Call
from payments.simulator.clock import SECOND, iso, milliseconds
from payments.simulator.fields import Fields

if TYPE_CHECKING:
    from payments.simulator.engine import Engine


def handle(engine: Engine, request: Request) -> Answer:
    """The answer to a request below `/_`."""
    fields = Fields.parse(request.body)
    deed = DEEDS.get((request.method, request.path))
    if deed is None:
        raise Refused("url_unknown", f"There is nothing at {request.method} {request.path}.", status=404)
    return deed(engine, fields)


def books(engine: Engine, fields: Fields) -> Answer:
    engine.run_due()
    with engine.store.transaction():
        return listing.whole_books(engine.books, Call(ids=(), fields=fields, query={}, key=""))


def faults(engine: Engine, fields: Fields) -> Answer:
    return Answer.of(engine.faults.schedule())


def set_faults(engine: Engine, fields: Fields) -> Answer:
    """`seed`, `draw_by`, `rates`, `rules`: replaces what was set, and counts anew."""
    engine.faults.set(fields.values)
    return Answer.of(engine.faults.schedule())


def clear_faults(engine: Engine, fields: Fields) -> Answer:
    engine.faults.set({})
    return Answer.of(engine.faults.schedule())


def clock(engine: Engine, fields: Fields) -> Answer:
    return Answer.of({"now": iso(engine.clock.now()), "offset_ms": engine.clock.offset})


def set_clock(engine: Engine, fields: Fields) -> Answer:
    """`advance` by seconds, or set to `now`; then what has come due happens."""
    seconds, now = fields.number("advance", least=0, most=10**9), fields.text("now")
    fields.done()
    try:
        moment = milliseconds(now) if now else engine.clock.now() + (seconds or 0) * SECOND
    except ValueError:
        raise Refused("parameter_invalid", "now is to be an ISO 8601 time.", param="now") from None
    move_clock(engine, moment)
    return clock(engine, fields)


def move_clock(engine: Engine, moment: int) -> None:
    """Set the provider's time, in milliseconds; a restart keeps the distance to the machine's."""
    engine.clock.offset += moment - engine.clock.now()
    engine.store.set_setting("clock_offset", str(engine.clock.offset))
    engine.run_due()


def make_happen(engine: Engine, fields: Fields) -> Answer:
    """Do `deed` to `payment`, as the console's buttons do; `amount` for part of it."""
    deed, payment, amount = (
        fields.text("deed", required=True),
        fields.text("payment", required=True),
        fields.number("amount"),
    )
    fields.done()
    happen(engine, deed, payment, amount)
    return Answer.of({"payment": engine.books.show_payment(payment)})


def happen(engine: Engine, deed: str, payment: str, amount: int | None) -> None:
    if deed not in later.DEEDS:
        raise Refused("deed_unknown", f"deed is to be one of: {', '.join(later.DEEDS)}.", param="deed")
    with engine.store.transaction():
        later.run_due(engine.books)
        engine.books.payment(payment)
        later.DEEDS[deed](engine.books, payment, amount)


def deliver(engine: Engine, fields: Fields) -> Answer:
    """Have `event` delivered once more; without it, deliver everything that is due, now."""
    event = fields.text("event")
    fields.done()
    if event:
        engine.webhooks.redeliver(event)
    body: Json = {"deliveries": engine.webhooks.deliver_due()}
    return Answer.of(body)


DEEDS: dict[tuple[str, str], Callable[[Engine, Fields], Answer]] = {
    ("GET", "/_books"): books,
    ("GET", "/_faults"): faults,
    ("POST", "/_faults"): set_faults,
    ("DELETE", "/_faults"): clear_faults,
    ("GET", "/_clock"): clock,
    ("POST", "/_clock"): set_clock,
    ("POST", "/_events"): make_happen,
    ("POST", "/_deliver"): deliver,
}
