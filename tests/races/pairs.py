"""Which races are run: for each start every pair of the acts that make sense from it."""

from __future__ import annotations

from itertools import combinations_with_replacement

from django.db import connection

Race = tuple[str, tuple[str, str]]


def named(race: Race) -> str:
    return f"{race[0]}: {' + '.join(race[1])}"


def every_day(races: list[Race]) -> list[Race]:
    """Every fifth on PostgreSQL, every tenth on SQLite; all of them in the drill."""
    return races[:: 5 if connection.vendor == "postgresql" else 10]


ACTS: dict[str, list[str]] = {
    "checkout": "authorize purchase process capture void cancel refund order.complete".split(),
    "automatic": "process purchase void order.complete".split(),
    "pending": "authorize process capture capture_part capture_most void cancel refund".split(),
    "part captured": "capture capture_part void cancel refund_part".split(),
    "completed": "purchase capture void cancel refund refund_part refund_most".split(),
    "part refunded": "void cancel refund refund_part refund_most".split(),
    "completed@strict": "void cancel refund refund_most".split(),
    "waiting": "purchase capture void cancel refund".split(),
    "failed": "authorize void cancel refund".split(),
    "two": "authorize other:authorize other:purchase order.complete void".split(),
    "placed": "order.cancel order.complete capture cancel".split(),
    "unpaid": ["order.add_payment"],
    "lost": "recover purchase cancel refund".split(),
    "lost refund": "recover refund_part cancel".split(),
    "dead": "recover purchase void".split(),
}
PAIRS = [(start, pair) for start, acts in ACTS.items() for pair in combinations_with_replacement(acts, 2)]

# Facts: the same from eight, and different ones from eight; `living`: a recovery beside an asker that is alive.
CROWDS: dict[str, tuple[str, list[str]]] = {
    "the same sale": ("checkout", ["fact:sale"] * 8),
    "the same refund": ("completed", ["fact:refund 10"] * 8),
    "a hold and its captures": ("checkout", ["fact:hold", "fact:capture 40", "fact:capture 60", "fact:refund 10"] * 2),
    "a sale and its refusal": ("checkout", ["fact:sale", "fact:refusal"] * 4),
}
LIVING = ("checkout", ["purchase", "recover", "recover and pay anew"])

# Where both would ask the provider: with the guards taken out both get through.
ASKERS: dict[str, list[str]] = {
    "checkout": "authorize purchase process order.complete".split(),
    "pending": "authorize capture capture_most void cancel".split(),
    "part captured": "capture void refund_part".split(),
    "completed": "purchase void cancel refund refund_most".split(),
    "part refunded": "refund refund_part cancel".split(),
    "two": "authorize other:purchase order.complete".split(),
    "placed": "capture cancel order.cancel".split(),
    "unpaid": ["order.add_payment"],
}
BOTH_ASK = [(start, pair) for start, acts in ASKERS.items() for pair in combinations_with_replacement(acts, 2)]
