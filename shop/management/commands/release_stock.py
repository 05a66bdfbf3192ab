"""The clock's turn at the shelf: goods that were held for too long go back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import ngettext

from shop.stock import expire


class Command(BaseCommand):
    help = (
        "Puts back the goods of orders that held them longer than SHOP_STOCK_HOLD_MINUTES without being paid. An order "
        "whose payment has no answer yet keeps them. Safe to run at any time and beside itself."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        number = expire()
        self.stdout.write(
            ngettext("%(count)d order let go of its goods.", "%(count)d orders let go of their goods.", number)
            % {"count": number}
        )
