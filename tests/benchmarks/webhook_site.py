"""What gunicorn serves for the benchmark of the inbox: our site, and beside it a bare view that does the least."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
os.environ["DEBUG"] = "false"
os.environ["SECURE_SSL_REDIRECT"] = "false"
os.environ["ALLOWED_HOSTS"] = "127.0.0.1"
os.environ.setdefault("SECRET_KEY", "benchmarks-only")
os.environ.setdefault("LOG_LEVEL", "ERROR")

import django
from django.conf import settings

KEY, SECRET = "sk_bench", "whsec_bench"
settings.PAYMENT_SECRETS = {"BENCH_KEY": KEY, "BENCH_HOOK": SECRET}
settings.REACTIONS = {}  # Letters are written elsewhere, and cost what their writing costs.
settings.ROOT_URLCONF = "tests.benchmarks.webhook_site"
settings.DATABASES["default"]["CONN_MAX_AGE"] = 600
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from django.views.decorators.csrf import csrf_exempt  # noqa: E402

from shop.urls import urlpatterns as site_urls  # noqa: E402

TABLE = """
    CREATE TABLE IF NOT EXISTS bare_event (
        id bigserial PRIMARY KEY, method bigint NOT NULL, event varchar(255) NOT NULL, type varchar(100) NOT NULL,
        payload jsonb NOT NULL, received_at timestamptz NOT NULL DEFAULT now(), UNIQUE (method, event)
    )
"""
INSERT = "INSERT INTO bare_event (method, event, type, payload) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING"


@csrf_exempt
def bare(request: HttpRequest) -> HttpResponse:
    """Verify and insert, and nothing else: the same signature, the same database."""
    body = request.body
    stamp, _comma, given = request.headers.get("Simulator-Signature", "").partition(",v1=")
    signed = hmac.new(SECRET.encode(), stamp.removeprefix("t=").encode() + b"." + body, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(signed, given):
        return HttpResponse(status=400)
    event: dict[str, Any] = json.loads(body)
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [1, event["id"], event["type"], json.dumps(event)])
    return HttpResponse()


urlpatterns = [path("bare/", bare), *site_urls]
application = get_wsgi_application()
