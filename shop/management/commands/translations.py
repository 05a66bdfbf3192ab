"""Writes the translations' files anew from the source, or says what is missing in them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from shop import translations


class Command(BaseCommand):
    help = (
        "Gathers what customers read into locale/<language>/LC_MESSAGES/django.po, keeps what is translated, and "
        "compiles it. Lists what waits for its translation. Needs nothing but Python."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="write nothing; fail if anything is not as it has to be"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        count = 0
        for language in translations.languages():
            if not check:
                translations.write(language)
            for problem in translations.problems(language):
                self.stdout.write(f"{language}: {problem}")
                count += 1
        if count and check:
            raise CommandError(f"{count} found. Run manage.py translations, and translate what is listed.")
        self.stdout.write(f"{count} left to do." if count else "Everything is translated and compiled.")
