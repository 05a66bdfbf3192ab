"""Our books beside the provider's own: what moved money, by reference and to the minor unit.

Both are copied to a temporary SQLite file and laid side by side there: in memory are one page of either and two
megabytes of cache, however long the window is.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from django.db.models import Q, QuerySet

from payments.doctor.findings import PAGE, Check, Finding, Seen, Severity, pages, written
from payments.gateways.base import Record
from payments.models import Operation, PaymentMethod
from payments.money import Money, from_minor, to_minor

# A deed of the last minute before the window may be answered, or be seen, within it: that much more is read.
MARGIN = timedelta(days=1)
# Kind of record → (kind of ours, sign). Holds move no money; a dispute is theirs from its begin, and ours when lost.
MOVES = {
    "purchase": ("capture", 1),
    "capture": ("capture", 1),
    "capture_voided": ("void", 1),
    "refund": ("refund", 1),
    "refund_failed": ("refund", -1),
}
OURS = {"purchase": "capture", "capture": "capture", "void": "void", "refund": "refund"}
SCHEMA = """
CREATE TABLE theirs (kind, reference, amount, currency, code, order_id, inside, PRIMARY KEY (kind, reference));
CREATE TABLE ours (kind, reference, amount, currency, order_number, payment, sequence, inside, sale);
CREATE INDEX ours_by_reference ON ours (kind, reference);
"""
ENTER = """
INSERT INTO theirs VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, reference) DO UPDATE SET amount = amount + excluded.amount, inside = MAX(inside, excluded.inside)
"""
DIFFERENT = """
SELECT o.order_number, o.payment, o.sequence, o.kind, o.reference, SUM(o.amount), o.currency, t.amount, t.currency
FROM ours o JOIN theirs t USING (kind, reference) WHERE o.inside OR t.inside GROUP BY o.kind, o.reference
HAVING o.kind <> 'void' AND (SUM(o.amount) <> t.amount OR o.currency <> t.currency)
"""
# A sale that was taken back before it was settled may be in no books at all.
MISSING_THERE = """
SELECT o.order_number, o.payment, o.sequence, o.kind, o.reference, o.amount, o.currency FROM ours o
WHERE o.inside AND NOT EXISTS (SELECT 1 FROM theirs t WHERE t.kind = o.kind AND t.reference = o.reference)
    AND CASE o.kind
        WHEN 'void' THEN EXISTS (SELECT 1 FROM theirs t WHERE t.kind = 'capture' AND t.reference = o.sale)
        WHEN 'capture' THEN NOT EXISTS (SELECT 1 FROM ours v WHERE v.kind = 'void' AND v.sale = o.reference)
        ELSE 1
    END
"""
MISSING_HERE = """
SELECT t.kind, t.reference, t.amount, t.currency, t.code, t.order_id FROM theirs t
WHERE t.inside AND t.amount <> 0
    AND NOT EXISTS (SELECT 1 FROM ours o WHERE o.kind = t.kind AND o.reference = t.reference)
"""

COMPARISON = Check(
    name="provider_books",
    severity=Severity.MONEY,
    law="What moved money at the provider is in our books under the same reference and amount, and the reverse.",
    remedy="Missing here: have the shop told what the provider lists, docs/how-to/runbooks/restore-from-a-backup.md. "
    "Missing there, or another amount: ask nothing more of it before somebody has looked it up at the provider.",
    look=lambda: iter(()),
)


@dataclass
class Comparison:
    """One payment method's records from `since` (included) until `until` (excluded)."""

    method: PaymentMethod
    since: datetime
    until: datetime
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("ours", "theirs", "passed", "nameless"), 0))

    def run(self) -> Iterator[Finding]:
        """Raises GatewayError where the provider does not answer."""
        with closing(sqlite3.Connection("")) as books:  # A file without a name, gone when it is closed.
            books.executescript(SCHEMA)
            self._copy_theirs(books)
            self._copy_ours(books)
            for seen in chain(self._different(books), self._missing_there(books), self._missing_here(books)):
                yield COMPARISON.found(seen)

    def summary(self) -> str:
        counts = self.counts
        said = f"{self.method.code}: {counts['ours']} of ours beside {counts['theirs']} of theirs"
        said += f", {counts['passed']} records of holds and disputes passed over" if counts["passed"] else ""
        return said + (f", {counts['nameless']} of ours have no reference" if counts["nameless"] else "") + "."

    # Copying

    def _copy_theirs(self, books: sqlite3.Connection) -> None:
        records = self.method.build_gateway().list_records(self.since - MARGIN, self.until + MARGIN)
        for page in pages(iter(records), PAGE):
            moving = [record for record in page if record.kind in MOVES]
            books.executemany(ENTER, map(self._their_row, moving))
            self.counts["passed"] += len(page) - len(moving)
            self.counts["theirs"] += sum(self._is_inside(record.occurred_at) for record in moving)

    def _their_row(self, record: Record) -> tuple[Any, ...]:
        kind, sign = MOVES[record.kind]
        inside = self._is_inside(record.occurred_at)
        named = (record.currency.upper(), record.authorization, record.order_id)
        return kind, record.reference, sign * record.amount_minor, *named, inside

    def _copy_ours(self, books: sqlite3.Connection) -> None:
        around = (self.since - MARGIN, self.until + MARGIN)
        found = _done(Q(payment__payment_method=self.method, answered_at__gte=around[0], answered_at__lt=around[1]))
        for page in pages(found.iterator(chunk_size=PAGE), PAGE):
            named = [row for row in map(self._our_row, page) if row[1]]
            books.executemany("INSERT INTO ours VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", named)
            self.counts["nameless"] += len(page) - len(named)
            self.counts["ours"] += sum(row[7] for row in named)

    def _our_row(self, operation: Operation) -> tuple[Any, ...]:
        """Inside the window only if it cannot have been done before their list begins."""
        payment, attempt = operation.payment, operation.attempt
        begun = operation.created_at if operation.asked else operation.occurred_at or payment.created_at
        moment = operation.occurred_at or operation.answered_at or operation.created_at
        sale = attempt.reference if operation.kind == "void" and attempt and attempt.kind == "purchase" else ""
        moves = (operation.kind != "void" or bool(sale)) and "dispute" not in operation.params
        inside = moves and self._is_inside(moment) and begun >= self.since - MARGIN
        amount = (to_minor(operation.amount), str(operation.currency))
        place = (payment.order.number, payment.number, operation.sequence)
        return OURS[operation.kind], operation.reference, *amount, *place, inside, sale

    def _is_inside(self, moment: datetime) -> bool:
        return self.since <= moment < self.until

    # Comparing

    def _different(self, books: sqlite3.Connection) -> Iterator[Seen]:
        for order, payment, sequence, kind, reference, *amounts in books.execute(DIFFERENT):
            says = f"{kind}: ours {_text(*amounts[:2])}, theirs {_text(*amounts[2:])}"
            yield Seen(order=order, payment=payment, operation=sequence, reference=reference, says=says)

    def _missing_there(self, books: sqlite3.Connection) -> Iterator[Seen]:
        for order, payment, sequence, kind, reference, *amount in books.execute(MISSING_THERE):
            says = f"missing there: we have a {kind} of {_text(*amount)} that the provider does not list"
            yield Seen(order=order, payment=payment, operation=sequence, reference=reference, says=says)

    def _missing_here(self, books: sqlite3.Connection) -> Iterator[Seen]:
        """Whatever was not answered within the window is looked for by its payment before it is called missing."""
        for page in pages(books.execute(MISSING_HERE), PAGE):
            known = list(self._known_of(page))
            for kind, reference, amount, currency, code, order_id in page:
                mine = [each for each in known if _is_of(each, kind, code, order_id)]
                named = [each for each in mine if each.reference == reference]
                nameless = [each for each in mine if not each.reference and to_minor(each.amount) == amount]
                order, _dash, payment = order_id.rpartition("-")
                place = {"order": order, "payment": payment, "reference": reference}
                if named and kind != "void" and sum(to_minor(each.amount) for each in named) != amount:
                    ours = _text(sum(to_minor(each.amount) for each in named), str(named[0].currency))
                    yield Seen(
                        **place,
                        operation=named[0].sequence,
                        says=f"{kind}: ours {ours}, theirs {_text(amount, currency)}",
                    )
                elif nameless and not named:
                    known.remove(nameless[0])
                elif not named:
                    says = f"missing here: the provider lists a {kind} of {_text(amount, currency)}"
                    yield Seen(**place, says=says)

    def _known_of(self, page: Iterable[tuple[Any, ...]]) -> QuerySet[Operation]:
        numbers = {order_id.rpartition("-")[2] for *_rest, order_id in page}
        codes = {code for *_rest, code, _order_id in page if code}
        mine = Q(payment__number__in=numbers) | Q(payment__response_code__in=codes)
        # Several payment methods may share an account: what is in its list may be another one's.
        return _done(Q(payment__payment_method__gateway=self.method.gateway) & mine)


def _done(whose: Q) -> QuerySet[Operation]:
    """What we hold for done and what moved money, a void of a sale included."""
    found = Operation.objects.filter(whose, state="succeeded", kind__in=OURS)
    return found.select_related("payment__order", "attempt").order_by()


def _is_of(operation: Operation, kind: str, code: str, order_id: str) -> bool:
    payment = operation.payment
    named = order_id == f"{payment.order.number}-{payment.number}" or (code and code == payment.response_code)
    return bool(named) and OURS[operation.kind] == kind


def _text(amount_minor: int, currency: str) -> str:
    money: Money = from_minor(amount_minor, currency)
    return written(money.amount, currency)
