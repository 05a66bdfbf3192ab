"""Joanie's address for notifications: of the default payment method, or of the one whose code follows."""

from __future__ import annotations

from django.urls import path

from payments.backends import views

app_name = "backends"

urlpatterns = [
    path("notifications", views.notifications, name="notifications"),
    path("notifications/", views.notifications),
    path("notifications/<slug:code>", views.notifications, name="notifications"),
    path("notifications/<slug:code>/", views.notifications),
]
