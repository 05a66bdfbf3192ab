"""The customer's door (orders) and, for staff, the admin."""

from django.contrib import admin
from django.urls import path
from django.utils.translation import gettext_lazy as _

from shop import time_zone, views

admin.site.site_header = admin.site.site_title = "Everycent"
admin.site.index_title = _("Back office")

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon),
    path("orders/<str:number>/", views.order, name="order"),
    path("admin/time-zone/", time_zone.choose, name="time_zone"),
    path("admin/", admin.site.urls),
]
