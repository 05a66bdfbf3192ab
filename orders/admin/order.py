"""Orders: the list, the page, and the errands of staff. Nothing is edited: an order changes through its verbs."""

from __future__ import annotations

from django.contrib import admin

from orders.admin.order_list import OrderList
from orders.admin.order_page import OrderPage
from orders.models import Order
from payments.admin.readonly import ReadOnlyAdmin


@admin.register(Order)
class OrderAdmin(OrderPage, OrderList, ReadOnlyAdmin):
    fields = ("number",)  # The page is drawn by its own template.
