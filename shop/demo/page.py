"""How the demo prints: chapters, sentences, orders and payments, readable at 80 columns and without colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from orders.models import Order
from payments.display import money_text
from payments.models import Payment

STYLES = {
    **dict.fromkeys(("paid", "complete", "completed", "succeeded", "yes"), "green"),
    **dict.fromkeys(("balance_due", "pending", "processing", "open", "waiting", "payment"), "yellow"),
    **dict.fromkeys(("failed", "declined", "unknown", "credit_owed", "NO"), "red"),
}
LEFT, RIGHT = "left", "right"


class Page:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.chapters = 0

    def chapter(self, title: str, sentence: str) -> None:
        self.chapters += 1
        self.console.print()
        self.console.print(Text(f"{self.chapters}. {title}", style="bold"))
        self.say(sentence)

    def say(self, sentence: str) -> None:
        self.console.print(Text(sentence))

    def letter(self, text: str) -> None:
        self.console.print(Panel(Text(text), box=box.SQUARE))

    def table(self, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]]) -> None:
        """`columns` are (heading, left or right); a cell that is the name of a state gets its colour."""
        table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
        for heading, side in columns:
            table.add_column(heading, justify="right" if side == RIGHT else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell, style=STYLES.get(cell, "")) for cell in row))
        self.console.print()
        self.console.print(table)
        self.console.print()

    def order(self, order: Order) -> None:
        """The order with its totals, and each of its payments with all that was asked of its provider."""
        order.refresh_from_db()
        columns = [("order", LEFT), ("state", LEFT), ("payment state", LEFT)]
        columns += [("total", RIGHT), ("paid", RIGHT), ("outstanding", RIGHT)]
        amounts = (money_text(each) for each in (order.total, order.payment_total, order.outstanding_balance))
        self.table(columns, [(order.number, order.state, order.payment_state or "–", *amounts)])
        parts = [f"{money_text(order.item_total)} items"]
        for each in order.adjustments.exclude(kind="included_tax"):
            parts.append(f"{'−' if each.amount.amount < 0 else '+'} {money_text(abs(each.amount))} {each.label}")
        if len(parts) > 1:
            self.say(f"{' '.join(parts)} = {money_text(order.total)}")
        for payment in order.payments.select_related("payment_method", "credit_card").order_by("id"):
            self.payment(payment)

    def payment(self, payment: Payment) -> None:
        sums = (
            f"{name} {money_text(amount)}"
            for name, amount in (
                ("authorized", payment.authorized_amount),
                ("captured", payment.captured_amount),
                ("refunded", payment.refunded_amount),
            )
            if amount
        )
        source = f" ({payment.source})" if payment.source else ""
        head = f"Payment {payment.number}: {payment.payment_method}{source}, {payment.state}"
        self.console.print(Text(head, style=STYLES.get(payment.state, "")))
        self.say("; ".join(sums) or "nothing held and nothing taken")
        operations = payment.operations.select_related("user")
        columns = [("#", RIGHT), ("asked", LEFT), ("amount", RIGHT), ("answer", LEFT)]
        columns += [("asked by", LEFT), ("reference", LEFT)]
        rows = [
            (
                str(each.sequence),
                each.kind,
                money_text(each.amount),
                each.state,
                str(each.actor),
                each.reference or "–",
            )
            for each in operations
        ]
        if rows:
            self.table(columns, rows)
        else:
            self.say("Nobody was asked yet.")
