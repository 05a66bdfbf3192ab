"""What gunicorn serves for the benchmark of the storefront: our site, and beside it a bare view of plain Django."""

from __future__ import annotations

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ["SECURE_SSL_REDIRECT"] = "false"
os.environ["ALLOWED_HOSTS"] = "127.0.0.1,testserver"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django
from django.conf import settings

settings.REACTIONS = {}
settings.ROOT_URLCONF = "tests.benchmarks.storefront_site"
settings.DATABASES["default"]["CONN_MAX_AGE"] = 600
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402

from shop.models import Product  # noqa: E402
from shop.urls import urlpatterns as site_urls  # noqa: E402

# What `startproject` writes.
PLAIN = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
PAGE = 12
TEMPLATE = engines["django"].from_string(
    "<!doctype html><html lang=en><title>Shop</title><h1>Shop</h1><ul>"
    "{% for product in products %}<li><a href='/p/{{ product.slug }}/'>{{ product.name }}</a>"
    "<p>{{ product.description }}</p></li>{% endfor %}</ul></html>"
)


def bare(request: HttpRequest) -> HttpResponse:
    """One statement, one template: twelve products with name and description."""
    return HttpResponse(TEMPLATE.render({"products": Product.objects.order_by("position", "id")[:PAGE]}, request))


urlpatterns = [path("bare/", bare), *site_urls]
ours = get_wsgi_application()
ours_middleware, settings.MIDDLEWARE = settings.MIDDLEWARE, PLAIN
plain = get_wsgi_application()
settings.MIDDLEWARE = ours_middleware


def application(environ, start_response):
    """The bare view behind plain Django's middleware, everything else behind the site's."""
    handler = plain if environ["PATH_INFO"].startswith("/bare/") else ours
    return handler(environ, start_response)
