"""Make the files of a new gateway: its skeleton, its test by the kit, its page."""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from string import Template
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

SKELETON = Path(__file__).resolve().parent.parent / "skeleton"
FILES = {
    "gateway.py.txt": "payments/gateways/{name}.py",
    "test.py.txt": "tests/gateways/test_{name}.py",
    "page.md.txt": "docs/reference/gateways/{name}.md",
}
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 40
NEXT = """
Next:
  1. Run the kit; it says what is missing:
       .venv/bin/python -m pytest tests/gateways/test_{name}.py
  2. Follow docs/how-to/write-a-gateway.md from step 2.
  3. Register it in shop/settings.py:
       PAYMENT_GATEWAYS = {{…, "{name}": "payments.gateways.{name}.{name_of_class}"}}
  4. Link docs/reference/gateways/{name}.md from docs/index.md, and run make docs."""


class Command(BaseCommand):
    help = "Makes the skeleton of a gateway, its conformance test and its page in the docs, and says what to do next."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="its key, such as acme_pay: small letters, digits and single underscores")

    def handle(self, *args: Any, name: str, **options: Any) -> None:
        refuse_bad_name(name)
        root = Path(settings.BASE_DIR)
        paths = {skeleton: root / path.format(name=name) for skeleton, path in FILES.items()}
        taken = [path for path in (*paths.values(), root / "payments/gateways" / name) if path.exists()]
        if taken:
            names = ", ".join(path.relative_to(root).as_posix() for path in taken)
            raise CommandError(f"Nothing was made: {names} is there already.")
        stem = "".join(part.capitalize() for part in name.split("_"))
        words = {"name": name, "stem": stem, "name_of_class": f"{stem}Gateway", "title": name.replace("_", " ").title()}
        modules = {"conformance": "GatewayConformance", name: words["name_of_class"]}
        words["imports"] = "\n".join(
            f"from payments.gateways.{each} import {modules[each]}" for each in sorted(modules)
        )
        for skeleton, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(Template((SKELETON / skeleton).read_text(encoding="utf-8")).substitute(words), "utf-8")
            self.stdout.write(f"made {path.relative_to(root).as_posix()}")
        self.stdout.write(NEXT.format(**words))


def refuse_bad_name(name: str) -> None:
    """Raise CommandError unless it can be a module, a class and a key."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise CommandError(f"“{name}” is no name for a gateway: small letters, digits, single underscores, acme_pay.")
    if len(name) > LONGEST:
        raise CommandError(f"“{name}” is too long: a name has at most {LONGEST} letters.")
    if name in settings.PAYMENT_GATEWAYS:
        raise CommandError(f"There is a gateway “{name}” already: {settings.PAYMENT_GATEWAYS[name]}.")
