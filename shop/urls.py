"""The customer's door (orders) and, for staff, the admin."""

from django.contrib import admin
from django.urls import path

from shop import views

urlpatterns = [
    path("", views.home, name="home"),
    path("favicon.ico", views.favicon),
    path("orders/<str:number>/", views.order, name="order"),
    path("admin/", admin.site.urls),
]
