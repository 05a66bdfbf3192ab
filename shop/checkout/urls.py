"""The pages of checkout; the order's own page has its secret link."""

from __future__ import annotations

from django.urls import path

from shop.checkout import views

app_name = "checkout"

urlpatterns = [
    path("", views.start, name="start"),
    path("address/", views.address, name="address"),
    path("delivery/", views.delivery, name="delivery"),
    path("payment/", views.payment, name="payment"),
    path("confirm/", views.confirm, name="confirm"),
]
