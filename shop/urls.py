"""The customer's door (orders) and, for staff, the admin."""

from django.conf import settings
from django.conf.urls.static import static
from django.contrib import admin
from django.urls import include, path
from django.utils.translation import gettext_lazy as _

from shop import cart_pages, catalogue, dev, health, languages, time_zone, views
from shop.checkout import order_page

admin.site.site_header = admin.site.site_title = "Everycent"
admin.site.index_title = _("Back office")

urlpatterns = [
    path("payments/", include("payments.urls")),  # First: a provider's notices come by the thousand.
    path("", catalogue.home, name="home"),
    path("c/<slug:slug>/", catalogue.category, name="category"),
    path("p/<slug:slug>/", catalogue.product, name="product"),
    path("p/<slug:slug>/add", cart_pages.add, name="cart_add"),
    path("cart/", cart_pages.show, name="cart"),
    path("cart/lines/<int:pk>", cart_pages.change, name="cart_line"),
    path("cart/undo", cart_pages.undo, name="cart_undo"),
    path("cart/code", cart_pages.code, name="cart_code"),
    path("currency", cart_pages.currency, name="currency"),
    path("language", languages.choose, name="set_language"),
    path("account/", include("shop.accounts.urls")),
    path("favicon.ico", views.favicon),
    path("health/live", health.live),
    path("health/ready", health.ready),
    path("api/v1.0/payments/", include("payments.backends.urls")),
    path("checkout/", include("shop.checkout.urls")),
    path("order/<str:token>/", order_page.order_page, name="order"),
    path("order/<str:token>/status/", order_page.status, name="order_status"),
    path("order/<str:token>/another-way/", order_page.another_way, name="order_another_way"),
    path("dev/mails/", dev.mails, name="dev_mails"),
    path("dev/mails/<str:name>/", dev.mail, name="dev_mail"),
    path("admin/time-zone/", time_zone.choose, name="time_zone"),
    path("admin/", admin.site.urls),
]

# Uploaded pictures; in production the web server has them.
urlpatterns += static(settings.MEDIA_URL, document_root=settings.MEDIA_ROOT)
