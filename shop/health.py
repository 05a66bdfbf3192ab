"""Whether the site is alive and whether it can be sent customers: what a load balancer and an orchestrator ask."""

from __future__ import annotations

import logging

from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from payments.models import PaymentMethod

logger = logging.getLogger(__name__)


@require_safe
@never_cache
def live(_request: HttpRequest) -> JsonResponse:
    """This process answers. Nothing else is asked: a database that is down is no reason to start it anew."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
def ready(_request: HttpRequest) -> JsonResponse:
    """503 with the reasons while customers would meet errors. A reason names what is wrong, and nothing secret."""
    reasons = []
    for question in (_database, _migrations, _payment_methods):
        reasons = question()
        if reasons:
            break  # What follows could not be asked.
    if reasons:
        logger.warning("Not ready: %s", " ".join(reasons))
    return JsonResponse(
        {"status": "unready" if reasons else "ready", "reasons": reasons}, status=503 if reasons else 200
    )


def _database() -> list[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:  # Its message may name hosts and users.
        logger.exception("The database does not answer")
        return ["The database does not answer."]
    return []


def _migrations() -> list[str]:
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{len(missing)} migrations are not applied, the first is {missing[0][0]}."] if missing else []


def _payment_methods() -> list[str]:
    """Each method on offer: its gateway, its settings, and whether the secrets that it names are there."""
    reasons = []
    for method in PaymentMethod.objects.available().only("code", "gateway", "config"):
        try:
            problems = [line for lines in method.config_problems().values() for line in lines]
        except ImportError:
            logger.exception("The gateway of %s cannot be imported", method.code)
            problems = ["Its gateway cannot be imported."]
        reasons += [f"Payment method “{method.code}”: {line}" for line in problems]
    return reasons
