"""What providers and returning customers call: each view makes one call and translates its answer."""

from __future__ import annotations

import logging

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils.module_loading import import_string
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from payments import inbox, waiting
from payments.errors import InvalidSignature, UnreadableNotice
from payments.limiting import TooManyNotices, sender_of
from payments.models import Payment

logger = logging.getLogger(__name__)

LARGEST_BODY = 65_536  # Bytes. No notice of any provider is near it.


@csrf_exempt
@require_POST
def webhook(request: HttpRequest, code: str) -> HttpResponse:
    """A provider's notice. 200 once it is stored, or was before; whoever sent anything else learns nothing."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    if len(length) > 9 or not length.isdecimal() or int(length) > LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        body = request.read(LARGEST_BODY + 1)
    except OSError:  # Who sent it has hung up.
        return HttpResponse(status=400)
    if len(body) > LARGEST_BODY:
        return HttpResponse(status=413)
    try:
        return HttpResponse(status=_receive(code, request, body))
    except TooManyNotices as error:
        logger.warning("A notice for the payment method %s was not looked at: %s", code, error)
        return HttpResponse(status=429, headers={"Retry-After": str(error.retry_after)})


def _receive(code: str, request: HttpRequest, body: bytes) -> int:
    try:
        inbox.receive(code, request.headers, body, sender=sender_of(request))
    except inbox.NoInbox:
        return 404
    except TooManyNotices:
        raise
    except (InvalidSignature, UnreadableNotice) as error:
        logger.warning("A notice for the payment method %s was refused: %s", code, error)
        return 400
    except DatabaseError:
        logger.exception("A notice for the payment method %s could not be stored", code)
        return 503
    except Exception:
        logger.exception("A notice for the payment method %s could not be verified", code)
        return 503
    return 200


@require_safe
@never_cache
def customer_returns(request: HttpRequest, token: str) -> HttpResponse:
    """A customer back from the provider: on to the order's page, or where there is none to one that waits."""
    payment = waiting.returned(token)
    if payment is None:
        raise Http404
    order_page = settings.PAYMENTS.get("ORDER_PAGE", "")
    if order_page:  # It says what became of the payment, and waits for that as this one does.
        return redirect(import_string(order_page)(payment.order))
    context = {"payment": payment, "order": payment.order, "token": token, "settled": is_settled(payment)}
    response = render(request, "payments/return.html", context)
    response["Referrer-Policy"] = "no-referrer"  # The address is the customer's alone.
    return response


@require_safe
@never_cache
def status(_request: HttpRequest, token: str) -> JsonResponse:
    """What we know by now. Nobody is asked: a page may look as often as it likes."""
    payment = waiting.payment_of(token)
    if payment is None:
        raise Http404
    return JsonResponse({"state": payment.state, "settled": is_settled(payment)})


def is_settled(payment: Payment) -> bool:
    return payment.state not in (Payment.State.CHECKOUT, Payment.State.PROCESSING)
