"""The indexes behind the back office's list: it walks one of them, newest first, and stops when its page is full."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Lower

NEWEST = ("-created_at", "-id")
TO_SHIP = models.Q(state="complete", payment_state="paid", shipped_at=None)

LIST_INDEXES = (
    models.Index(fields=NEWEST, name="order_newest"),
    models.Index(fields=["state", *NEWEST], name="order_state_newest"),
    models.Index(fields=["payment_state", *NEWEST], name="order_payment_state_newest"),
    models.Index(fields=["currency", *NEWEST], name="order_currency_newest"),
    models.Index(fields=["-total", "-id"], name="order_largest"),
    models.Index(fields=NEWEST, condition=TO_SHIP, name="order_to_ship"),
    models.Index(Lower("email"), models.F("id").desc(), name="order_email"),
)
