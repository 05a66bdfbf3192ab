"""The provider's door, and the one through which customers come back from it."""

from __future__ import annotations

from django.urls import path

from payments import views

app_name = "payments"

urlpatterns = [
    path("webhooks/<slug:code>/", views.webhook, name="webhook"),
    path("webhooks/<slug:code>", views.webhook),  # A redirect would lose the body.
    path("return/<str:token>/", views.customer_returns, name="return"),
    path("return/<str:token>/status/", views.status, name="return_status"),
]
