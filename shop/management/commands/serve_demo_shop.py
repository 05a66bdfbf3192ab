"""Serve the site with the payment simulator beside it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop.demo.provider import end

ROUND_S = 1  # How often it is seen whether both are still there.


class Command(BaseCommand):
    help = (
        "Serves the site and starts the payment simulator beside it, whose payment method the demo shop has. When the "
        "site ends, by Ctrl-C for example, the simulator is stopped."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("address", nargs="?", default="127.0.0.1:8000", help="of the site (127.0.0.1:8000)")
        parser.add_argument("--simulator-port", default="9000", help="of the simulator (9000)")
        parser.add_argument("--books", default="simulator.sqlite3", help="the simulator's (simulator.sqlite3)")
        parser.add_argument("--noreload", action="store_true", help="do not watch the code for changes")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("The simulator takes test cards only: it is started with DEBUG=true only.")
        for number in (signal.SIGINT, signal.SIGTERM):  # Also where a shell has started us with the first ignored.
            signal.signal(number, _interrupt)
        provider = start("payment_simulator", "--port", options["simulator_port"], "--database", options["books"])
        reload = ["--noreload"] if options["noreload"] else []
        site = start("runserver", options["address"], *reload)
        try:
            code = self.watch(site, provider)
        except KeyboardInterrupt:
            code = 0
        finally:
            end(site)
            end(provider)
        if code:
            sys.exit(code)

    def watch(self, site: subprocess.Popen[Any], provider: subprocess.Popen[Any]) -> int:
        """Wait for the site's end. A simulator that ends before, or never started, is mentioned once."""
        missed = False
        while site.poll() is None:
            if provider.poll() is not None and not missed:
                missed = True
                self.stderr.write("The simulator has ended. The site goes on without it.")
            try:
                site.wait(timeout=ROUND_S)
            except subprocess.TimeoutExpired:
                continue
        return site.returncode or 0


def start(*command: str) -> subprocess.Popen[Any]:
    manage = Path(settings.BASE_DIR) / "manage.py"
    return subprocess.Popen([sys.executable, str(manage), *command])  # noqa: S603 (our own command)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
