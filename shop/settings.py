"""One file, read from the environment: run as it is for development, with DEBUG=false for production."""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()

DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env.str("SECRET_KEY", default="for-development-only" if DEBUG else environ.Env.NOTSET)
# Where the world reaches this site. Its host is let in, so that a tunnel needs this one variable.
PUBLIC_ORIGIN = env.str("PUBLIC_ORIGIN", default="http://127.0.0.1:8000" if DEBUG else "").rstrip("/")
KNOWN_HOSTS = ["localhost", "127.0.0.1", "[::1]"] if DEBUG else []
KNOWN_HOSTS += [urlsplit(PUBLIC_ORIGIN).hostname or "localhost"] if PUBLIC_ORIGIN else []
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=KNOWN_HOSTS)
CSRF_TRUSTED_ORIGINS = [PUBLIC_ORIGIN] if PUBLIC_ORIGIN else []

INSTALLED_APPS = [
    "admin_interface",
    "colorfield",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "djmoney",
    "shop",
    "orders",
    "payments",
]

MIDDLEWARE = [
    "shop.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.time_zone.TimeZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Money verbs open and close their own transactions, so a request must not be one: ATOMIC_REQUESTS stays off.
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
    }
elif env.bool("DATABASE_PREPARE", default=True):
    # Let PostgreSQL keep the plans of what runs again and again. Off behind a pooler that shares connections.
    DATABASES["default"].setdefault("OPTIONS", {}).update(server_side_binding=True, prepare_threshold=3)
if DATABASES["default"]["ENGINE"].endswith("postgresql") and env.int("DATABASE_POOL", default=0):
    # So many connections at most, lent to whoever is using one: a thread that waits for a provider holds none.
    DATABASES["default"].setdefault("OPTIONS", {})["pool"] = {"min_size": 1, "max_size": env.int("DATABASE_POOL")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English")]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
MEDIA_ROOT = BASE_DIR / "media"
MEDIA_URL = "media/"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# django-admin-interface opens related objects in a frame of the same site.
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Everycent <shop@example.com>")

# What this shop can be paid with: gateway key → class. The only registry.
PAYMENT_GATEWAYS = {
    "bogus": "payments.gateways.bogus.BogusGateway",
    "check": "payments.gateways.check.CheckGateway",
    "simulator": "payments.gateways.simulator.SimulatorGateway",
}
PAYMENTS = {
    # For payment methods that leave it to the site: take the money at once, or hold it only?
    "AUTO_CAPTURE": env.bool("PAYMENTS_AUTO_CAPTURE", default=False),
    # Complete an order although its payment failed or is unknown, and settle it later.
    "ALLOW_CHECKOUT_ON_GATEWAY_ERROR": env.bool("PAYMENTS_ALLOW_CHECKOUT_ON_GATEWAY_ERROR", default=False),
    # Where the world reaches this site; return and notification addresses are made from it, never from a header.
    "PUBLIC_ORIGIN": PUBLIC_ORIGIN,
    # How long a customer may take on a provider's page before it is given up and the order can be paid anew.
    "PAGE_LIFETIME_MINUTES": env.int("PAYMENTS_PAGE_LIFETIME_MINUTES", default=60),
    # The URL name, with the order's number, to which customers go on from there; "": a page of our own says it.
    "ORDER_PAGE": env.str("PAYMENTS_ORDER_PAGE", default=""),
}
# Name → secret, looked at before the environment. The simulator's open nothing but a simulator: development has them.
PAYMENT_SECRETS = {}
if DEBUG:
    PAYMENT_SECRETS = {
        "SIMULATOR_SECRET_KEY": env.str("SIMULATOR_SECRET_KEY", default="sk_test_everycent"),
        "SIMULATOR_WEBHOOK_SECRET": env.str("SIMULATOR_WEBHOOK_SECRET", default="whsec_everycent"),
    }
# Topic → receivers, called after the fact with the Reaction, each until it succeeds.
REACTIONS = {
    "order.completed": ["shop.mail.order_confirmed"],
    "order.confirmation_requested": ["shop.mail.order_confirmed"],
}

# Lines for people or for machines, on standard error; both name the request, the order, the payment, the operation.
LOG_FORMAT = env.str("LOG_FORMAT", default="text" if DEBUG else "json")
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "payments.logs.TextFormatter"},
        "json": {"()": "payments.logs.JsonFormatter"},
    },
    "handlers": {"lines": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "root": {"handlers": ["lines"], "level": env.str("LOG_LEVEL", default="WARNING" if DEBUG else "INFO")},
    # Django's own handlers would write a second line, or mail it with the whole request.
    "loggers": {"django": {"handlers": [], "level": "INFO"}},
}
if LOG_FORMAT == "json":
    LOGGING["loggers"]["django.server"] = {"handlers": [], "level": "INFO", "propagate": True}

if not DEBUG:
    SECURE_REDIRECT_EXEMPT = [r"^health/"]  # Asked by a neighbour, without TLS.
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=True)
    SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=31_536_000)
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.bool("BEHIND_PROXY", default=False) else None
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
