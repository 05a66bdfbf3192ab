"""The provider's own SQLite file: its tables, and one connection that everybody takes in turn."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cards (
    id TEXT PRIMARY KEY, customer TEXT NOT NULL, outcome TEXT NOT NULL, brand TEXT NOT NULL, last4 TEXT NOT NULL,
    exp_month INTEGER NOT NULL, exp_year INTEGER NOT NULL, name TEXT NOT NULL,
    created INTEGER NOT NULL, forgotten_at INTEGER
);
CREATE INDEX IF NOT EXISTS cards_customer ON cards (customer);
CREATE TABLE IF NOT EXISTS payments (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL, currency TEXT NOT NULL,
    amount INTEGER NOT NULL, card TEXT NOT NULL, customer TEXT NOT NULL, email TEXT NOT NULL, description TEXT NOT NULL,
    return_url TEXT NOT NULL, notification_url TEXT NOT NULL, session TEXT NOT NULL, metadata TEXT NOT NULL,
    created INTEGER NOT NULL, expires_at INTEGER
);
CREATE INDEX IF NOT EXISTS payments_order ON payments (order_id);
CREATE TABLE IF NOT EXISTS actions (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, payment TEXT NOT NULL REFERENCES payments (id),
    kind TEXT NOT NULL, amount INTEGER NOT NULL, status TEXT NOT NULL, final INTEGER NOT NULL DEFAULT 1,
    code TEXT NOT NULL DEFAULT '', decline_code TEXT NOT NULL DEFAULT '', message TEXT NOT NULL DEFAULT '',
    avs TEXT NOT NULL DEFAULT '', cvc TEXT NOT NULL DEFAULT '', reason TEXT NOT NULL DEFAULT '',
    idempotency_key TEXT NOT NULL DEFAULT '', origin TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS actions_payment ON actions (payment);
CREATE INDEX IF NOT EXISTS actions_key ON actions (idempotency_key);
CREATE TABLE IF NOT EXISTS entries (
    seq INTEGER PRIMARY KEY, payment TEXT NOT NULL REFERENCES payments (id), action TEXT NOT NULL,
    kind TEXT NOT NULL, amount INTEGER NOT NULL CHECK (amount > 0), fee INTEGER NOT NULL, net INTEGER NOT NULL,
    currency TEXT NOT NULL, order_id TEXT NOT NULL, occurred INTEGER NOT NULL, available INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_payment ON entries (payment);
CREATE INDEX IF NOT EXISTS entries_occurred ON entries (occurred);
CREATE TRIGGER IF NOT EXISTS entries_stay BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TRIGGER IF NOT EXISTS entries_remain BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'append only'); END;
CREATE TABLE IF NOT EXISTS sessions (
    id TEXT PRIMARY KEY, payment TEXT NOT NULL, status TEXT NOT NULL, cancel_url TEXT NOT NULL,
    line_items TEXT NOT NULL, save_card INTEGER NOT NULL, trying TEXT NOT NULL DEFAULT '', expires_at INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS timers (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, deed TEXT NOT NULL, target TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS timers_at ON timers (at);
CREATE TABLE IF NOT EXISTS keys (
    key TEXT PRIMARY KEY, target TEXT NOT NULL, fingerprint TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL,
    created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, type TEXT NOT NULL, payment TEXT NOT NULL, url TEXT NOT NULL,
    payload TEXT NOT NULL, fault TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL, due INTEGER,
    lane INTEGER NOT NULL, created INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS events_due ON events (lane, due) WHERE due IS NOT NULL;
CREATE INDEX IF NOT EXISTS events_payment ON events (payment);
CREATE INDEX IF NOT EXISTS events_early ON events (seq) WHERE status = 'early';
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY, event TEXT NOT NULL, attempt INTEGER NOT NULL, at INTEGER NOT NULL, url TEXT NOT NULL,
    status INTEGER, error TEXT NOT NULL, took INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS deliveries_event ON deliveries (event);
CREATE TABLE IF NOT EXISTS payouts (
    id TEXT PRIMARY KEY, currency TEXT NOT NULL, amount INTEGER NOT NULL, created INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS payout_entries (entry INTEGER PRIMARY KEY, payout TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rules (
    seq INTEGER PRIMARY KEY, rule TEXT NOT NULL, seen INTEGER NOT NULL DEFAULT 0, fired INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL);
"""

Row = sqlite3.Row


class Store:
    """Rows in and out. What runs inside `transaction()` is written wholly or not at all, whoever kills the process."""

    def __init__(self, path: str) -> None:
        self.lock = threading.RLock()
        self.db = sqlite3.Connection(path, timeout=20, isolation_level=None, check_same_thread=False)
        self.db.row_factory = sqlite3.Row
        for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "wal_autocheckpoint=4000"):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.executescript(SCHEMA)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        with self.lock:
            if self.db.in_transaction:  # Part of a larger one.
                yield
                return
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self.db.execute("ROLLBACK")
                raise
            self.db.execute("COMMIT")

    def run(self, sql: str, *values: Any) -> int:
        """How many rows it changed."""
        with self.lock:
            return self.db.execute(sql, values).rowcount

    def one(self, sql: str, *values: Any) -> Row | None:
        with self.lock:
            row: Row | None = self.db.execute(sql, values).fetchone()
            return row

    def all(self, sql: str, *values: Any) -> list[Row]:
        with self.lock:
            return self.db.execute(sql, values).fetchall()

    def number(self, sql: str, *values: Any) -> int:
        """The one number that a question answers with; 0 where there is none."""
        row = self.one(sql, *values)
        return int(row[0] or 0) if row else 0

    def add(self, table: str, **values: Any) -> int:
        """A new row; its sequence number."""
        marks = ", ".join("?" * len(values))
        sql = f"INSERT INTO {table} ({', '.join(values)}) VALUES ({marks})"  # noqa: S608, names are the caller's own
        with self.lock:
            return int(self.db.execute(sql, tuple(values.values())).lastrowid or 0)

    def setting(self, name: str) -> str:
        row = self.one("SELECT value FROM settings WHERE name = ?", name)
        return str(row["value"]) if row else ""

    def set_setting(self, name: str, value: str) -> None:
        self.run(
            "INSERT INTO settings VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", name, value
        )

    def close(self) -> None:
        with self.lock:
            self.db.close()
