"""How a letter is written out, in the language of whom it goes to, and handed to the mail server."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.utils import timezone, translation

from orders.models import Order
from payments.models import Reaction
from shop.models import Basket, Preferences


@dataclass(frozen=True, slots=True)
class Letter:
    """`name` is that of its two templates, `shop/mail/<name>.txt` and `.html`."""

    name: str
    subject: str
    context: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """Without the gaps that what is not said leaves."""
        written = render_to_string(f"shop/mail/{self.name}.txt", self._context)
        return re.sub(r"\n{3,}", "\n\n", written).strip() + "\n"

    @property
    def html(self) -> str:
        return render_to_string(f"shop/mail/{self.name}.html", self._context)

    @property
    def _context(self) -> dict[str, Any]:
        return {**self.context, "subject": self.subject, "shop": shop_name()}


def post(
    reaction: Reaction, order: Order | None, compose: Callable[[], Letter], *, to: str = "", language: str = ""
) -> None:
    """Send what `compose` makes to the order's customer, or to `to`; nobody is written to without an address."""
    to = to or (order.email if order else "")
    if not to:
        return
    with language_of(order, language):
        letter = compose()
        message = EmailMultiAlternatives(
            subject=letter.subject,
            body=letter.text,
            to=[to],
            alternatives=[(letter.html, "text/html")],
            headers={"Message-ID": message_id(reaction), "Auto-Submitted": "auto-generated"},
        )
    message.send()


@contextmanager
def language_of(order: Order | None, language: str = "") -> Iterator[None]:
    """The customer's language, else the shop's; and the shop's time zone: not those of whoever delivers it."""
    chosen = language
    if order is not None:
        chosen = Basket.objects.filter(order=order).values_list("language", flat=True).first() or ""
        chosen = chosen or account_language(order.user_id)
    known = chosen if chosen in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
    with translation.override(known), timezone.override(None):
        yield


def account_language(user_pk: int | None) -> str:
    """What the account prefers, "" if it has not said."""
    if user_pk is None:
        return ""
    return Preferences.objects.filter(user=user_pk).values_list("language", flat=True).first() or ""


def message_id(reaction: Reaction) -> str:
    """The same each time: a letter that is sent again, since a crash hid that it had been sent, is known as that."""
    key = reaction.key.replace(":", ".")
    return f"<{reaction.topic}.{key}@{parseaddr(settings.DEFAULT_FROM_EMAIL)[1].partition('@')[2] or 'localhost'}>"


def shop_name() -> str:
    """As the sender's address has it."""
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[0] or "Everycent"
