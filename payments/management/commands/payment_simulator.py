"""Start the payment simulator: a provider of our own, with its own books, pages and faults."""

from __future__ import annotations

import os
from argparse import Namespace
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from payments.simulator import commandline


class Command(BaseCommand):
    help = "Starts a payment provider for development and tests, and prints its address and keys. Ctrl-C ends it."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        self.parser = parser
        commandline.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        for name, secret in settings.PAYMENT_SECRETS.items():  # The keys with which the shop's payment methods come.
            os.environ.setdefault(name, secret)
        commandline.run(self.parser, Namespace(**options))
