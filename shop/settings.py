"""One file, read from the environment: run as it is for development, with DEBUG=false for production."""

from datetime import timedelta
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

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
    "axes",
    "csp",
    "shop",
    "orders",
    "payments",
]

MIDDLEWARE = [
    "shop.request_id.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "shop.security.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "shop.languages.BackOfficeLanguageMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "shop.time_zone.TimeZoneMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
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
                "shop.storefront.storefront",
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
LANGUAGES = [("en", "English"), ("fr", "Français")]
LOCALE_PATHS = [BASE_DIR / "locale"]
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

AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
LOGIN_URL, LOGIN_REDIRECT_URL = "login", "account"
PASSWORD_RESET_TIMEOUT = 86_400  # Seconds: a letter in a mailbox is a key.

# So many failed sign-ins of one name or from one IP address, then nobody may try for a while. Staff see and lift it.
AXES_FAILURE_LIMIT = env.int("SIGN_IN_FAILURES", default=10)
AXES_COOLOFF_TIME = timedelta(minutes=env.int("SIGN_IN_PAUSE_MINUTES", default=15))
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_USERNAME_CALLABLE = "shop.accounts.names.counted_as"
AXES_CLIENT_IP_CALLABLE = "shop.checkout.visitor.ip_of"
AXES_LOCKOUT_CALLABLE = "shop.accounts.lockout.response"
AXES_DISABLE_ACCESS_LOG = True  # Failed attempts are kept for the pause; who signed in when is nobody's business.
AXES_VERBOSE = AXES_ENABLE_ADMIN = False  # shop/admin/sign_in_attempt.py shows them.

# How often may be tried what could be used for guessing, in the notation of the library `limits`. "": no limit.
RATE_LIMITS = {
    "LOOK_UPS_PER_IP": env.str("LIMIT_LOOK_UPS_PER_IP", default="10/hour"),
    "LOOK_UPS_PER_EMAIL": env.str("LIMIT_LOOK_UPS_PER_EMAIL", default="10/hour"),
    "SIGN_UPS_PER_IP": env.str("LIMIT_SIGN_UPS_PER_IP", default="20/hour"),
    "PASSWORD_RESETS_PER_IP": env.str("LIMIT_PASSWORD_RESETS_PER_IP", default="20/hour"),
    "PASSWORD_RESETS_PER_EMAIL": env.str("LIMIT_PASSWORD_RESETS_PER_EMAIL", default="4/hour"),
    "CARDS_PER_USER": env.str("LIMIT_CARDS_PER_USER", default="5/hour;10/day"),
    "CARDS_PER_IP": env.str("LIMIT_CARDS_PER_IP", default="10/hour"),
}
# Where that is counted: in each process, or for all of them at an address such as redis://….
RATE_LIMIT_STORAGE = env.str("RATE_LIMIT_STORAGE", default="memory://")

# What a browser may load and do here. Pages that need more say so: shop/security.py.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'self'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "connect-src": ["'self'"],
        "frame-src": ["'self'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"  # An order's secret link stays here.

# django-admin-interface opens related objects in a frame of the same site.
X_FRAME_OPTIONS = "SAMEORIGIN"
SILENCED_SYSTEM_CHECKS = ["security.W019"]

EMAIL_CONFIG = env.email_url("EMAIL_URL", default="consolemail://")
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="Everycent <shop@example.com>")
# To whom the shop writes when staff have to act; "" to nobody.
STAFF_EMAIL = env.str("STAFF_EMAIL", default=parseaddr(DEFAULT_FROM_EMAIL)[1])
EMAIL_TIMEOUT = env.int("EMAIL_TIMEOUT", default=10)  # Seconds. Whoever delivers a letter waits no longer than this.

# What this shop can be paid with: gateway key → class. The only registry.
PAYMENT_GATEWAYS = {
    "bogus": "payments.gateways.bogus.BogusGateway",
    "braintree": "payments.gateways.braintree.BraintreeGateway",
    "check": "payments.gateways.check.CheckGateway",
    "payplug": "payments.gateways.payplug.PayPlugGateway",
    "simulator": "payments.gateways.simulator.SimulatorGateway",
    "stripe": "payments.gateways.stripe.StripeGateway",
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
    # Code of the payment method that speaks for the shop where none is named; "": the first with a page to pay on.
    "DEFAULT_METHOD": env.str("PAYMENTS_DEFAULT_METHOD", default=""),
    # Gateway key → the payment backend that speaks for it, where that is more than its gateway.
    "BACKENDS": {"bogus": "payments.backends.dummy.DummyPaymentBackend"},
    # Let the dummy backend exist, by which anybody can mark an order as paid. For development.
    "ALLOW_DUMMY": env.bool("PAYMENTS_ALLOW_DUMMY", default=DEBUG),
    # The function that makes of an order the address its customer goes on to; "": a page of the payments themselves.
    "ORDER_PAGE": env.str("PAYMENTS_ORDER_PAGE", default="shop.links.order_url"),
    # How many notices of a provider that signs nothing are looked at, of one IP address. "": as many as come.
    "UNSIGNED_NOTICES_PER_IP": env.str("PAYMENTS_UNSIGNED_NOTICES_PER_IP", default="60/minute"),
    # Where they are counted: in each process, or at an address of the library `limits`, such as redis://….
    "LIMITS_STORAGE": env.str("PAYMENTS_LIMITS_STORAGE", default=RATE_LIMIT_STORAGE),
    # After so long a customer who was to confirm a payment, and has not, is written to.
    "ACTION_NEEDED_MINUTES": env.int("PAYMENTS_ACTION_NEEDED_MINUTES", default=10),
    # So long before a hold ends by itself staff are written to.
    "EXPIRING_HOURS": env.int("PAYMENTS_EXPIRING_HOURS", default=24),
}
# Name → secret, looked at before the environment. The simulator's open nothing but a simulator: development has them.
PAYMENT_SECRETS = {}
if DEBUG:
    PAYMENT_SECRETS = {
        "SIMULATOR_SECRET_KEY": env.str("SIMULATOR_SECRET_KEY", default="sk_test_everycent"),
        "SIMULATOR_WEBHOOK_SECRET": env.str("SIMULATOR_WEBHOOK_SECRET", default="whsec_everycent"),
    }
SHOP = {
    # In which prices are kept and shown; the first one is a newcomer's.
    "CURRENCIES": env.list("SHOP_CURRENCIES", default=["USD", "EUR", "JPY"]),
    # How long goods are kept for somebody who has begun to pay.
    "STOCK_HOLD_MINUTES": env.int("SHOP_STOCK_HOLD_MINUTES", default=30),
}
CHECKOUT = {
    # So many refusals in so long, then no more is tried: thieves try out stolen cards at checkouts. "": no limit.
    "DECLINES_PER_CARD": env.str("CHECKOUT_DECLINES_PER_CARD", default="4/hour;10/day"),
    "DECLINES_PER_ORDER": env.str("CHECKOUT_DECLINES_PER_ORDER", default="6/hour"),
    "DECLINES_PER_IP": env.str("CHECKOUT_DECLINES_PER_IP", default="20/hour"),
}
# Topic → receivers, called after the fact with the Reaction, each until it succeeds.
REACTIONS = {
    "order.completed": [
        "shop.stock.goods_sold",
        "shop.mail.order_confirmed",
        "payments.keeping.remember_source",
        "orders.invoices.issue",
    ],
    "order.resumed": ["shop.stock.goods_sold", "orders.invoices.issue"],
    "order.canceled": ["shop.stock.goods_returned", "orders.invoices.issue", "shop.mail.order_canceled"],
    "payment.refunded": ["orders.invoices.credit", "shop.mail.refunded"],
    "payment.failed": ["shop.mail.payment_failed"],
    "payment.action_needed": ["shop.mail.action_needed"],
    "payment.expiring": ["shop.mail.hold_expiring"],
    "order.confirmation_requested": ["shop.mail.order_confirmed"],
    "card.forgotten": ["payments.keeping.forget_at_provider"],
    "account.password_reset": ["shop.mail.password_reset"],
    "account.email_changed": ["shop.mail.email_changed"],
}

INVOICES = {
    # Who issues them, as it stands at their head: name and address, lines separated by "|".
    "ISSUER": env.str("INVOICE_ISSUER", default="Everycent").replace("|", "\n"),
}

# Who delivers reactions: "" the process that made them, right after its commit; "database" the workers of a queue.
TASK_QUEUE = env.str("TASK_QUEUE", default="")
if TASK_QUEUE == "database":
    INSTALLED_APPS += ["django_tasks_db"]
    TASKS = {"default": {"BACKEND": "django_tasks_db.DatabaseBackend"}}
elif TASK_QUEUE:
    raise ImproperlyConfigured(f'TASK_QUEUE is "" or "database", not "{TASK_QUEUE}".')

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
    SESSION_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
