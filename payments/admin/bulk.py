"""Capturing or voiding many payments: shown first, then done one by one, each with a result of its own.

What was done is read from the journal, by the keys that the confirm page promised: whoever submits it again, or
after a crash, finds what happened and repeats nothing; what was not begun yet is done then.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IS_POPUP_VAR
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django_fsm import TransitionNotAllowed

from payments.actors import Actor, Origin
from payments.admin.errands import ERRANDS, Errand, may, why_not
from payments.errors import (
    GatewayError,
    GatewayUnavailable,
    InvalidAmount,
    PaymentBusy,
    PaymentChanged,
    PaymentDeclined,
)
from payments.models import Operation, Payment
from payments.models.claim import fingerprint
from payments.models.intending import intend_capture, intend_void
from payments.money import Money

if TYPE_CHECKING:
    ModelAdmin = Any
else:
    ModelAdmin = object

logger = logging.getLogger(__name__)

INTENTS = {"capture": intend_capture, "void": intend_void}
MOST = 200
SALT = "payments.bulk"
VALID_FOR = 60 * 60  # Seconds: whoever comes back later looks again.
# Seconds after which no further provider is asked within one request; the page then offers to go on.
PATIENCE = 20
# An operation's state → how a row of the result ends.
ENDINGS = {"succeeded": "done", "declined": "declined", "waiting": "waiting", "canceled": "skipped"}


@dataclass(frozen=True, slots=True)
class Row:
    """A selected payment: the operation that would be opened for it (None: nobody to ask), or why not."""

    payment: Payment
    amount: Money
    fingerprint: str
    key: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Result:
    """`ending`: done, declined, waiting, unknown, skipped, or later for what is not begun yet."""

    payment: Payment
    amount: Money
    ending: str
    text: str = ""

    @property
    def label(self) -> str:
        return {
            "done": _("done"),
            "declined": _("declined"),
            "waiting": _("waiting"),
            "unknown": _("unknown"),
            "skipped": _("skipped"),
            "later": _("not begun"),
        }[self.ending]


class StaleToken(Exception):
    """The token is broken, too old, or was made for somebody else; `str()` says it to staff."""


class BulkActions(ModelAdmin):
    """A view of the payments' admin: POST a selection to see it, POST its token to have it done."""

    def offered_in_bulk(self, request: HttpRequest) -> list[Errand]:
        """What this member of staff may do to a selection; nothing where a single row is looked for."""
        if IS_POPUP_VAR in request.GET:
            return []
        return [ERRANDS[name] for name in INTENTS if may(request.user, ERRANDS[name])]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.bulk_view)
        return [path("bulk/<slug:name>/", view, name="payments_payment_bulk"), *super().get_urls()]

    @method_decorator(never_cache)
    def bulk_view(self, request: HttpRequest, name: str) -> HttpResponse:
        if name not in INTENTS:
            raise Http404
        errand = ERRANDS[name]
        if not may(request.user, errand):
            raise PermissionDenied
        if request.method == "POST" and "token" in request.POST:
            try:
                promised = read_token(request.POST["token"], user=request.user.pk, errand=name)
            except StaleToken as stale:
                messages.error(request, str(stale))
                return HttpResponseRedirect(_back(request))
            results = perform(request.user, errand, promised)
            unfinished = any(result.ending == "later" for result in results)
            return self._page(
                request,
                errand,
                "bulk_result",
                results=results,
                endings=_counted(results),
                unfinished=unfinished,
                token=request.POST["token"],
            )
        ids = _selected(request)
        if request.method != "POST" or not 0 < len(ids) <= MOST:
            messages.warning(request, _("Select payments first, %(most)s at most. Nothing was done.") % {"most": MOST})
            return HttpResponseRedirect(_back(request))
        rows = look_at(request.user, errand, ids)
        possible = [row for row in rows if not row.why_not]
        return self._page(
            request,
            errand,
            "bulk_confirm",
            possible=possible,
            impossible=[row for row in rows if row.why_not],
            totals=totals(possible),
            token=sign(possible, user=request.user.pk, errand=name),
        )

    def _page(self, request: HttpRequest, errand: Errand, template: str, **context: Any) -> HttpResponse:
        request.current_app = self.admin_site.name
        known = {
            **self.admin_site.each_context(request),
            "opts": self.model._meta,
            "title": _("%(errand)s selected payments") % {"errand": errand.label},
            "errand": errand,
            "back": request.POST.get("back", ""),
            "back_url": _back(request),
            **context,
        }
        return TemplateResponse(request, f"admin/payments/payment/{template}.html", known)


def look_at(user: Any, errand: Errand, ids: Iterable[int]) -> list[Row]:
    """The payments as they are now, each with what would be asked for it, or why nothing can be."""
    rows = []
    actor = Actor(Origin.STAFF, user)
    for payment in _payments(ids):
        draft = payment.look()
        reason = why_not(user, errand, draft)
        operation = None if reason else INTENTS[errand.name](draft, by=actor)
        rows.append(
            Row(
                payment=payment,
                amount=operation.amount if operation else payment.amount,
                fingerprint=fingerprint(draft.payment, draft.ledger),
                key=operation.idempotency_key if operation else "",
                why_not=reason,
            )
        )
    return rows


def totals(rows: Iterable[Row]) -> list[Money]:
    """What the rows come to, in each currency."""
    found: dict[str, Money] = defaultdict(int)  # type: ignore[arg-type]
    for row in rows:
        found[str(row.payment.currency)] += row.amount
    return [found[currency] for currency in sorted(found)]


def sign(rows: Iterable[Row], *, user: Any, errand: str) -> str:
    shown = [[row.payment.pk, str(row.amount.amount), row.fingerprint, row.key] for row in rows]
    return signing.dumps([user, errand, shown], salt=SALT, compress=True)


def read_token(token: str, *, user: Any, errand: str) -> list[list[Any]]:
    """What the confirm page promised, row by row. Raises StaleToken."""
    try:
        for_user, for_errand, shown = signing.loads(token, salt=SALT, max_age=VALID_FOR)
    except signing.SignatureExpired:
        raise StaleToken(_("This confirmation is more than an hour old. Select the payments again.")) from None
    except signing.BadSignature:
        raise StaleToken(_("This confirmation is incomplete. Select the payments again.")) from None
    if (for_user, for_errand) != (user, errand):
        raise StaleToken(_("This confirmation was made for somebody or something else."))
    return shown  # type: ignore[no-any-return]


def perform(user: Any, errand: Errand, promised: list[list[Any]]) -> list[Result]:
    """Row by row; what one of them meets stops no other."""
    started = monotonic()
    payments = {payment.pk: payment for payment in _payments(pk for pk, *_rest in promised)}
    results = []
    for pk, amount, seen, key in promised:
        payment = payments[pk]
        money = Money(amount, payment.currency)
        late = monotonic() - started > PATIENCE
        ending, text = _begun(key) or (("later", "") if late else _one(user, errand, payment, seen, key))
        results.append(Result(payment, money, ending, text))
    return results


def _one(user: Any, errand: Errand, payment: Payment, seen: str, key: str) -> tuple[str, str]:
    try:
        reason = why_not(user, errand, payment.look())
        if reason:
            return "skipped", reason
        errand.run(payment, user=user, expect=seen)
    except (PaymentChanged, PaymentBusy) as error:
        return _begun(key) or ("skipped", str(error))
    except PaymentDeclined as error:
        return "declined", error.message
    except GatewayUnavailable as error:
        return "unknown", error.message
    except (GatewayError, InvalidAmount, TransitionNotAllowed) as error:
        return "skipped", str(error)
    except Exception:
        # Whatever it is, the others are still to be done; the journal says how far this one came.
        logger.exception("%s of payment %s", errand.name, payment.number)
        return "unknown", _("Something unexpected happened; look at the payment before you try again.")
    return _ending(key) or ("done", "")


def _ending(key: str) -> tuple[str, str] | None:
    """How the operation of this key stands, from the journal; None if there is none."""
    operation = Operation._base_manager.filter(idempotency_key=key).first() if key else None
    return (ENDINGS.get(operation.state, "unknown"), operation.reason or operation.message) if operation else None


def _begun(key: str) -> tuple[str, str] | None:
    """As `_ending`, and who had asked: nothing is asked again."""
    found = Operation._base_manager.filter(idempotency_key=key).select_related("user").first() if key else None
    if found is None:
        return None
    text = _("Already asked by %(actor)s, and not asked again.") % {"actor": found.actor}
    said = found.reason or found.message
    return ENDINGS.get(found.state, "unknown"), f"{text} {said}".strip()


def _counted(results: list[Result]) -> list[tuple[str, str, int]]:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for result in results:
        counts[result.ending, result.label] += 1
    return [(ending, label, count) for (ending, label), count in counts.items()]


def _payments(ids: Iterable[int]) -> list[Payment]:
    found = Payment._base_manager.filter(pk__in=list(ids)).select_related("order", "payment_method", "credit_card")
    return list(found.order_by("created_at", "id"))


def _selected(request: HttpRequest) -> set[int]:
    texts = request.POST.getlist(ACTION_CHECKBOX_NAME)
    return {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}


def _back(request: HttpRequest) -> str:
    """The list as it was when the selection was made."""
    query = request.POST.get("back", "")
    return reverse("admin:payments_payment_changelist") + (f"?{query}" if query else "")
