"""Starting the provider: its options, and what it says about itself."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sqlite3
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from payments.simulator.answers import Refused
from payments.simulator.options import Options, new_key
from payments.simulator.server import LOOPBACK, Simulator
from payments.simulator.store import Store

UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def duration(text: str) -> int:
    """`100ms`, `5s`, `10m`, `2h`, `7d` in milliseconds."""
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text} is no duration: write 100ms, 5s, 10m, 2h or 7d")
    return int(found[1]) * UNITS[found[2]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="the address to listen at (127.0.0.1); another one needs --public")
    add("--public", action="store_true", help="yes, let others reach it; the pages then ask for the secret key")
    add("--port", type=int, default=9000, help="the port (9000); 0 takes a free one")
    add("--database", default="simulator.sqlite3", help="its books (simulator.sqlite3); :memory: for none")
    add("--base-url", default="", help="where customers reach its pages, if not at host and port")
    add("--secret-key", default="", help="else SIMULATOR_SECRET_KEY, else what the books have, else a new one")
    add("--webhook-secret", default="", help="else SIMULATOR_WEBHOOK_SECRET, else what the books have, else a new one")
    add("--webhook-url", default="", help="where events go whose payment names no notification_url")
    add("--live", action="store_true", help="say `livemode: true`; nothing else changes")
    add("--seed", type=int, default=0, help="what the faults are drawn from (0)")
    add("--faults", default="", metavar="FILE", help="a fault schedule, as for POST /_faults")
    add("--latency", type=duration, default="0ms", help="how long each API request takes at least (0ms)")
    add("--late", type=duration, default="30s", help="how late the fault late_answer answers (30s)")
    add("--visibility", type=duration, default="0ms", help="how long lookups and lists do not see what is new (0ms)")
    add("--rate", type=int, default=0, help="API requests a second before 429 (0: no limit)")
    add("--hold", type=duration, default="7d", help="how long an authorization holds (7d)")
    add("--settle", type=duration, default="24h", help="until when a capture can be voided (24h)")
    add("--processing", type=duration, default="5s", help="how long cards take that are decided later (5s)")
    add("--no-test-amounts", action="store_true", help="give 9000nn no meaning")
    add("--verbose", action="store_true", help="a line for each request")


def options_of(given: argparse.Namespace) -> Options:
    secret_key, webhook_secret = secrets_of(given)
    options = Options(
        secret_key=secret_key,
        webhook_secret=webhook_secret,
        live=given.live,
        webhook_url=given.webhook_url,
        webhook_delay_ms=50,
        authorization_lifetime_s=given.hold // 1000,
        settle_after_s=given.settle // 1000,
        processing_s=given.processing // 1000,
        visibility_ms=given.visibility,
        latency_ms=given.latency,
        late_by_ms=given.late,
        rate=given.rate,
        seed=given.seed,
        test_amounts=not given.no_test_amounts,
    )
    return replace(options, base_url=given.base_url.rstrip("/")) if given.base_url else options


def secrets_of(given: argparse.Namespace) -> tuple[str, str]:
    """The keys: as told, else as the books have them, so that they stay over a restart."""
    store = Store(given.database)
    named = {
        "secret_key": (
            given.secret_key or os.environ.get("SIMULATOR_SECRET_KEY", ""),
            "sk_live" if given.live else "sk_test",
        ),
        "webhook_secret": (given.webhook_secret or os.environ.get("SIMULATOR_WEBHOOK_SECRET", ""), "whsec"),
    }
    found = {}
    for name, (told, prefix) in named.items():
        found[name] = told or store.setting(name) or new_key(prefix)
        store.set_setting(name, found[name])
    store.close()
    return found["secret_key"], found["webhook_secret"]


def introduction(simulator: Simulator) -> str:
    """What whoever started it needs to know."""
    options, url = simulator.engine.options, simulator.url
    lines = {
        "start page": f"{url}/",
        "console": f"{url}/console/",
        "API": f"{url}/v1/",
        "secret key": options.secret_key,
        "webhook secret": options.webhook_secret,
        "webhooks go to": options.webhook_url or "each payment's notification_url",
    }
    return "\n".join(["Payment simulator", *(f"  {name:<15} {value}" for name, value in lines.items()), ""])


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m payments.simulator") -> int:
    parser = argparse.ArgumentParser(prog=prog, description="A payment provider for development and tests.")
    add_arguments(parser)
    return run(parser, parser.parse_args(arguments))


def run(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM."""
    if given.host not in LOOPBACK and not given.public:
        parser.error(f"--host {given.host} lets others reach it: add --public if that is meant")
    ends = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: ends.set())
    try:
        schedule = json.loads(Path(given.faults).read_text(encoding="utf-8")) if given.faults else None
        options, told = options_of(given), {"public": given.public, "verbose": given.verbose}
        simulator = Simulator(given.database, options, host=given.host, port=given.port, schedule=schedule, **told)
    except (ValueError, Refused) as error:
        parser.exit(1, f"{given.faults} is no fault schedule: {error}\n")
    except sqlite3.Error as error:
        parser.exit(1, f"Cannot keep books in {given.database}: {error}\n")
    except OSError as error:
        what = error.filename or f"{given.host}:{given.port}"
        parser.exit(1, f"Cannot start: {error.strerror} ({what})\n")
    with simulator:
        sys.stdout.write(introduction(simulator))
        sys.stdout.flush()
        ends.wait()
    return 0
