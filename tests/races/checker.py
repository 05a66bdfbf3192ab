"""Whether a race ended as it may: every difference in a sentence. It knows no lock and no constraint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import permutations
from typing import Any

Seen = dict[str, Any]
ANSWERS = {"Response", "Refund", "NoneType", "Payment", "Operation"}
REFUSALS = {
    "PaymentBusy",
    "TransitionNotAllowed",
    "InvalidAmount",
    "PaymentDeclined",
    "UnsupportedAction",
    "CannotComplete",
}
ATTEMPTS = ("authorize", "purchase")
OF_PAYMENT = ("state", "amount", "authorized", "captured", "refunded", "operations")


def differences(seen: Seen, acts: list[str], one_by_one: Callable[[tuple[str, ...]], Seen]) -> list[str]:
    """All of them: what the laws say of any end, and whether some order of the same acts ends in this way."""
    found = [*kinds(seen), *asked_once(seen), *overlaps(seen), *sums(seen), *states(seen)]
    return found + ([] if found else list(serial(seen, acts, one_by_one)))


def laws_only(seen: Seen) -> list[str]:
    return [*kinds(seen), *asked_once(seen), *overlaps(seen), *sums(seen), *states(seen)]


def kinds(seen: Seen) -> Iterator[str]:
    for kind, said in seen["outcomes"]:
        if kind not in ANSWERS | REFUSALS:
            yield f"{kind} escaped: {said}"


def asked_once(seen: Seen) -> Iterator[str]:
    keys = Counter(line["key"] for line in seen["books"] if line["event"] == "asked")
    for key, times in keys.items():
        if times > 1:
            yield f"{key} was asked {times} times"
    ours = {key for payment in seen["payments"] for key in payment["keys"]}
    for key in keys.keys() ^ ours:
        yield f"{key} is known to one side only"
    for payment in seen["payments"]:
        if len(payment["keys"]) + len(payment["learned"]) < len(payment["operations"]):
            yield f"a key names two operations: {payment['operations']}"


def overlaps(seen: Seen) -> Iterator[str]:
    """Two askers in the provider at once: of one payment ever, of one order for two attempts."""
    inside: list[dict[str, Any]] = []
    for line in seen["lines"]:
        if line["event"] == "done":
            inside = [each for each in inside if each["key"] != line["key"]]
            continue
        for other in inside:
            both_attempt = line["verb"] in ATTEMPTS and other["verb"] in ATTEMPTS
            if line["order_id"] == other["order_id"] or both_attempt:
                yield f"{line['verb']} {line['key']} was asked beside {other['verb']} {other['key']}"
        inside.append(line)


def sums(seen: Seen) -> Iterator[str]:
    """Ours against the provider's books, what is unknown aside; what we only learned is in no book."""
    for payment in seen["payments"]:
        mine = [line for line in seen["books"] if counts(line, payment["keys"])]
        told = payment["learned"]
        if mine and not told:
            yield from _differs(payment, "authorized", sum(e["amount"] for e in mine if e["verb"] in ATTEMPTS))
            yield from _differs(payment, "captured", captured(mine))
        if mine:
            given = [e["amount"] for e in mine if e["verb"] == "refund"]
            yield from _differs(
                payment, "refunded", sum(given) + sum(amount for kind, amount in told if kind == "refund")
            )
        yield from _differs(payment, "refunds", payment["refunded"])
        if not payment["refunded"] <= payment["captured"] <= payment["authorized"] and not payment["review"]:
            yield f"sums in disorder: {payment}"
    paid = sum(payment["captured"] - payment["refunded"] for payment in seen["payments"])
    if seen["order"]["payment_total"] != paid:
        yield f"payment_total is {seen['order']['payment_total']}, the payments come to {paid}"


def counts(line: dict[str, Any], keys: dict[str, str]) -> bool:
    """What the provider did for this payment, and what we therefore should know."""
    done = line["event"] == "done" and line["mood"] in ("", "lost", "crash")
    return done and keys.get(line["key"], "open") not in ("open", "unknown")


def captured(lines: list[dict[str, Any]]) -> int:
    """By authorization; a void takes back what was taken only where nothing is held any more."""
    total = 0
    for code in {line["code"] for line in lines}:
        held = taken = 0
        for line in [each for each in lines if each["code"] == code]:
            match line["verb"]:
                case "authorize":
                    held += line["amount"]
                case "purchase":
                    taken += line["amount"]
                case "capture":
                    held, taken = max(held - line["amount"], 0), taken + line["amount"]
                case "void":
                    held, taken = 0, taken if held else 0
        total += taken
    return total


def _differs(payment: dict[str, Any], name: str, expected: int) -> Iterator[str]:
    if payment[name] != expected:
        yield f"{name} is {payment[name]}, expected {expected}: {payment['operations']}"


def states(seen: Seen) -> Iterator[str]:
    for payment in seen["payments"]:
        if payment["state"] != payment["derived"]:
            yield f"the payment is {payment['state']}, its operations make it {payment['derived']}"
        unanswered = [each for each in payment["operations"] if each[1] in ("open", "unknown")]
        if len(unanswered) > 1 or (unanswered and any(line["mood"] == "" for line in seen["lines"])):
            yield f"left without an answer: {unanswered}"
    order = seen["order"]
    if order["payment_state"] != order["derived"]:
        yield f"the order is {order['payment_state']!r}, its rows make it {order['derived']!r}"
    if seen["reactions"] != (order["state"] in ("complete", "canceled")):
        yield f"{seen['reactions']} reactions to an order in {order['state']}"


def serial(seen: Seen, acts: list[str], one_by_one: Callable[[tuple[str, ...]], Seen]) -> Iterator[str]:
    """Whoever was not told to come back later acted, as if the acts had been done one after another."""
    acted = [(act, kind) for act, (kind, _) in zip(acts, seen["outcomes"], strict=True) if kind != "PaymentBusy"]
    kinds_of_act = list(dict.fromkeys(acted))
    one_kind = len(kinds_of_act) < 2  # However many did it, there is one order of them.
    orders = [tuple(acted)] if one_kind else dict.fromkeys(permutations(acted if len(acts) == 2 else kinds_of_act))
    for order in orders:
        alone = one_by_one(tuple(act for act, _ in order))
        if [kind for kind, _ in alone["outcomes"]] == [kind for _, kind in order] and end(alone) == end(seen):
            return
    yield f"no order of {acted} ends like this: {end(seen)}"


def end(seen: Seen) -> Any:
    """What counts: a payment of nothing does not."""
    payments = sorted([payment[name] for name in OF_PAYMENT] for payment in seen["payments"] if payment["amount"])
    return payments, sorted([line["verb"], line["amount"]] for line in seen["lines"] if line["event"] == "asked")
