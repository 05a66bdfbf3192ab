"""One `capture_payments` in a process of its own, which says what it did, how long it took and how large it grew.

Run as `python -m tests.benchmarks.batch_run CURRENCY WORKERS LIMIT` on DATABASE_URL; a LIMIT of 0 is none. The answer
is a JSON object. What is imported, and the first connection, are there before the time begins.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")
os.environ["BATCH_KEY"] = "sk_test_batch"

import django
from django.conf import settings

from tests.benchmarks import batch_gateway

settings.REACTIONS = {}  # Letters are written elsewhere, and cost what their writing costs.
settings.LOGGING = {"version": 1, "disable_existing_loggers": True}
IMPATIENT = {"impatient": f"{batch_gateway.__name__}.ImpatientGateway"}
settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, **IMPATIENT}
django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402
from django.urls import get_resolver  # noqa: E402

from payments.management.commands.capture_payments import Command  # noqa: E402
from tests.benchmarks.memory import peak  # noqa: E402


class LastLine:
    """Where the command writes: only what it wrote last is kept, so that its lines do not count as its memory."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text.strip() or self.text

    def flush(self) -> None:
        """Nothing is held back."""


def main(currency: str, workers: str, limit: str) -> None:
    out, code = LastLine(), 0
    rate = ["--rate", limit] if int(limit) else []
    connection.ensure_connection()
    assert get_resolver().url_patterns  # Loads the views, which the first capture would.
    before, begun = peak(), time.perf_counter()
    try:
        call_command(Command(), "--currency", currency, "--workers", workers, "--json", *rate, stdout=out)
    except SystemExit as end:
        code = int(end.code or 0)
    seconds = time.perf_counter() - begun
    told: dict[str, Any] = json.loads(out.text)
    print(json.dumps({**told, "exit": code, "seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
