"""What goes wrong, and when: by a schedule written out, or by a seed that replays exactly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from payments.simulator.answers import Json, Refused
from payments.simulator.store import Store

REQUEST_FAULTS = {
    "lost_request": "The connection drops before anything is done.",
    "lost_answer": "It is done, then the connection drops.",
    "late_answer": "It is done, and answered past the client's time-out (delay_ms).",
    "error_before": "503, and nothing is done.",
    "error_after": "It is done, and answered with 500 (status).",
    "rate_limited": "429 with Retry-After (retry_after), and nothing is done.",
    "truncated_body": "It is done; half the answer arrives.",
    "wrong_amount": "It is done; the answer states one minor unit more.",
    "wrong_currency": "It is done; the answer states another currency.",
    "unknown_status": "It is done; the answer has a status that nobody has heard of.",
}
EVENT_FAULTS = {
    "webhook_duplicate": "Delivered twice.",
    "webhook_reordered": "Delivered after the next event of the payment.",
    "webhook_early": "Delivered before the answer to the request that caused it.",
    "webhook_missing": "Never delivered.",
    "webhook_bad_signature": "First signed with another secret; the next attempt is right.",
}
BEFORE = {"lost_request", "error_before", "rate_limited"}
COUNT = "INSERT INTO counters VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET value = value + 1"
MATCHERS = ("kind", "event", "order_id", "idempotency_key", "amount", "path")
NUMBERS = ("nth", "times", "delay_ms", "status", "retry_after", "amount")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    name: str
    delay_ms: int | None = None
    status: int | None = None
    retry_after: int = 1


class Faults:
    """The schedule in force. It is kept in the books, so a restart goes on where a kill stopped."""

    def __init__(self, store: Store, *, seed: int) -> None:
        self.store = store
        kept = json.loads(store.setting("faults") or "{}")
        self.seed: int = kept.get("seed", seed)
        self.draw_by: str = kept.get("draw_by", "ordinal")
        self.rates: dict[str, int] = kept.get("rates", {})
        self._read_rules()

    def _read_rules(self) -> None:
        rows = self.store.all("SELECT seq, rule, seen, fired FROM rules ORDER BY seq")
        self.rules = [(row["seq"], json.loads(row["rule"])) for row in rows]

    def schedule(self) -> Json:
        """What is set, how far each rule has come, and how often each fault was drawn."""
        rows = self.store.all("SELECT rule, seen, fired FROM rules ORDER BY seq")
        rules = [{**json.loads(row["rule"]), "seen": row["seen"], "fired": row["fired"]} for row in rows]
        names = "SELECT substr(name, 7) AS fault, value FROM counters WHERE name LIKE 'drawn|%'"
        drawn = {row["fault"]: row["value"] for row in self.store.all(names)}
        return {"seed": self.seed, "draw_by": self.draw_by, "rates": self.rates, "rules": rules, "drawn": drawn}

    def set(self, schedule: Json) -> None:
        """Replace the schedule: `seed`, `draw_by`, `rates` (fault → per mille), `rules` (see `checked_rule`)."""
        for name in schedule:
            if name not in ("seed", "draw_by", "rates", "rules", "drawn"):
                raise Refused("parameter_unknown", f"Unknown parameter: {name}.", param=name)
        rates, rules = (
            checked_rates(schedule.get("rates") or {}),
            [checked_rule(each) for each in schedule.get("rules") or []],
        )
        draw_by, seed = schedule.get("draw_by", "ordinal"), schedule.get("seed", self.seed)
        if draw_by not in ("ordinal", "key") or not isinstance(seed, int):
            raise Refused(
                "parameter_invalid", "draw_by is `ordinal` or `key`, and seed a whole number.", param="draw_by"
            )
        with self.store.transaction():
            self.store.run("DELETE FROM rules")
            self.store.run("DELETE FROM counters")
            for rule in rules:
                self.store.add("rules", rule=json.dumps(rule))
            self.seed, self.draw_by, self.rates = seed, draw_by, rates
            self.store.set_setting("faults", json.dumps({"seed": seed, "draw_by": draw_by, "rates": rates}))
            self._read_rules()

    def for_request(self, facts: Mapping[str, Any]) -> Fault | None:
        """What befalls this request. `facts`: kind, idempotency_key, order_id, amount, path."""
        return self._find(facts, REQUEST_FAULTS, str(facts["kind"]))

    def for_event(self, facts: Mapping[str, Any]) -> Fault | None:
        """What befalls this event's delivery. `facts`: event (its type), kind, idempotency_key, order_id, amount."""
        return self._find(facts, EVENT_FAULTS, str(facts["event"]))

    def _find(self, facts: Mapping[str, Any], known: Mapping[str, str], what: str) -> Fault | None:
        if not self.rules and not self.rates:
            return None
        with self.store.transaction():
            written = [rule for seq, rule in self.rules if rule["fault"] in known and self._fires(seq, rule, facts)]
            drawn = self._drawn(known, what, str(facts.get("idempotency_key") or ""))
        if written:
            numbers = {name: written[0][name] for name in ("delay_ms", "status", "retry_after") if name in written[0]}
            return Fault(name=written[0]["fault"], **numbers)
        return Fault(name=drawn) if drawn else None

    def _fires(self, seq: int, rule: Json, facts: Mapping[str, Any]) -> bool:
        """Whether this rule strikes now. It counts what it matches, whoever strikes."""
        if any(rule[name] not in (facts.get(name), "*") for name in MATCHERS if name in rule):
            return False
        self.store.run("UPDATE rules SET seen = seen + 1 WHERE seq = ?", seq)
        strikes = "UPDATE rules SET fired = fired + 1 WHERE seq = ? AND seen >= ? AND (? = 0 OR fired < ?)"
        times = rule.get("times", 1)
        return self.store.run(strikes, seq, rule.get("nth", 1), times, times) == 1

    def _drawn(self, known: Mapping[str, str], what: str, key: str) -> str:
        """The seed's word for the n-th request of this kind, or for the n-th that carries this key.

        Each draw depends on the seed, the kind and its own count alone, never on the clock or on other kinds. By
        ordinal the keys may differ from run to run; by key many clients may run at once.
        """
        rates = {name: rate for name, rate in sorted(self.rates.items()) if name in known}
        if not rates:
            return ""
        counted = f"{what}|{key}" if self.draw_by == "key" and key else what
        self.store.run(COUNT, counted)
        ordinal = self.store.number("SELECT value FROM counters WHERE name = ?", counted)
        digest = hashlib.sha256(f"{self.seed}|{counted}|{ordinal}".encode()).digest()
        point = int.from_bytes(digest[:8], "big") % 1000
        for name, rate in rates.items():
            if point < rate:
                self.store.run(COUNT, f"drawn|{name}")
                return name
            point -= rate
        return ""


def checked_rates(rates: Json) -> dict[str, int]:
    for name, rate in rates.items():
        known(name)
        if not isinstance(rate, int) or not 0 <= rate <= 1000:
            raise Refused("parameter_invalid", f"The rate of {name} is to be 0 to 1000 per mille.", param="rates")
    for group in (REQUEST_FAULTS, EVENT_FAULTS):
        if sum(rate for name, rate in rates.items() if name in group) > 1000:
            raise Refused("parameter_invalid", "The rates add up to more than 1000 per mille.", param="rates")
    return {name: rate for name, rate in rates.items() if rate}


def checked_rule(rule: Json) -> Json:
    """One line of a schedule. `fault` names it; `kind event order_id idempotency_key amount path` say what it matches.

    `nth`: from which match on it strikes (1). `times`: how often (1; 0 is always). `delay_ms`, `status` and
    `retry_after` are for the faults that have them.
    """
    if not isinstance(rule, dict):
        raise Refused("parameter_invalid", "A rule is an object.", param="rules")
    known(str(rule.get("fault", "")))
    for name, value in rule.items():
        if name != "fault" and name not in MATCHERS and name not in NUMBERS:
            raise Refused("parameter_unknown", f"A rule has no field {name}.", param="rules")
        if name in NUMBERS and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
            raise Refused("parameter_invalid", f"{name} is to be a whole number, 0 or more.", param="rules")
    return rule


def known(name: str) -> None:
    if name not in REQUEST_FAULTS and name not in EVENT_FAULTS:
        raise Refused("fault_unknown", f"There is no fault '{name}'.", param="fault")
