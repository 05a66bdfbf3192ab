"""The door that Joanie's providers know: one call to the backend, and its answer."""

from __future__ import annotations

import logging

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from payments.backends.choosing import get_payment_backend
from payments.backends.errors import PaymentBackendError
from payments.limiting import TooManyNotices
from payments.views import LARGEST_BODY

logger = logging.getLogger(__name__)


@csrf_exempt
@require_POST
def notifications(request: HttpRequest, code: str | None = None) -> HttpResponse:
    """200 and nothing else once it is taken in. What the backend refuses is said as it says it."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if len(length) > 9 or not length.isdecimal() or int(length) > LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        backend = get_payment_backend(code)
    except ValueError as error:
        logger.warning("A notification for %s has no backend: %s", code or "the default payment method", error)
        return HttpResponse(status=404)
    try:
        backend.handle_notification(request)
    except PaymentBackendError as error:
        return HttpResponse(error.message, status=error.status_code, content_type="text/plain")
    except TooManyNotices as error:
        return HttpResponse(status=429, headers={"Retry-After": str(error.retry_after)})
    except Exception:
        logger.exception("A notification for %s could not be taken in", backend.name)
        return HttpResponse(status=503)
    return HttpResponse()
