"""A checklist before real money goes through a payment method."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from payments.going_live import checkpoints
from payments.models import PaymentMethod

SIGNS = {"ok": "✓", "warning": "!", "problem": "✗"}


class Command(BaseCommand):
    help = (
        "Checks whether a payment method is ready for real money: settings, keys and their mode, the account at the "
        "provider, the webhook's address, when it was last heard of, the version of the API, currencies. Changes "
        "nothing. Exit code: 1 if something is a problem; what is marked ! is for you to judge."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", metavar="CODE", help="the payment method's code")
        parser.add_argument("--no-knock", action="store_true", help="do not call our own webhook's address")
        parser.add_argument("--json", action="store_true", help="one JSON object a line")

    def handle(self, *args: Any, **options: Any) -> None:
        method = PaymentMethod.objects.filter(code=options["code"]).first()
        if method is None:
            known = ", ".join(PaymentMethod.objects.values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no payment method {options['code']} (there are: {known}).")
        found = list(checkpoints(method, knock=not options["no_knock"]))
        for each in found:
            line = json.dumps(asdict(each)) if options["json"] else f"{SIGNS[each.state]} {each.name}: {each.says}"
            self.stdout.write(line)
        problems = sum(each.state == "problem" for each in found)
        if not options["json"]:
            self.stdout.write(f"{problems} of {len(found)} are to be put right." if problems else "Ready.")
        if problems:
            raise SystemExit(1)
