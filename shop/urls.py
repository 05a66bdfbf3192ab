"""The customer's door (orders) and, for staff, the admin."""

from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from shop import health, time_zone, views

admin.site.site_header = admin.site.site_title = "Everycent"
admin.site.index_title = _("Back office")

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("payments/", include("payments.urls")),
    path("orders/<str:number>/", views.order, name="order"),
    path("admin/time-zone/", time_zone.choose, name="time_zone"),
    path("admin/", admin.site.urls),
]
