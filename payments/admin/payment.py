"""Payments: the list, the page, and the errands of staff. Nothing is edited: money changes through verbs alone."""

from __future__ import annotations

from django.contrib import admin

from payments.admin.payment_list import PaymentList
from payments.admin.payment_page import PaymentPage
from payments.admin.readonly import PaymentAmounts, ReadOnlyAdmin
from payments.models import Payment


@admin.register(Payment)
class PaymentAdmin(PaymentPage, PaymentList, PaymentAmounts, ReadOnlyAdmin):
    fields = ("number",)  # The page is drawn by its own template.
