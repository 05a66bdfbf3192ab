"""An order's page: what was bought, why it stands as it stands, what may be done, and everything that happened."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from orders.admin.derivation import lines_of, why
from orders.admin.order_actions import OrderActions
from orders.admin.order_errands import offers
from orders.admin.timeline import timeline
from orders.models import Order
from payments.models import Operation, Payment


class OrderPage(OrderActions):
    """Looks like a change form and changes nothing: every button leads to a page of its own."""

    def get_urls(self) -> list[Any]:
        return [*self.action_urls(), *super().get_urls()]  # type: ignore[misc]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        order = _order(object_id)
        if order is None:
            return self._get_obj_does_not_exist_redirect(  # type: ignore[attr-defined,no-any-return]
                request, self.model._meta, object_id
            )
        if not self.has_view_permission(request, order):  # type: ignore[attr-defined]
            raise PermissionDenied
        payments = _payments(order)
        offered = offers(request.user, order, payments)
        return self.page(
            request,
            "change_form",
            title=_("Order %(number)s") % {"number": order.number},
            original=order,
            order=order,
            lines=order.line_items.all(),
            adjustments=order.adjustments.all(),
            payments=lines_of(payments),
            why=why(order, payments),
            offers=[offer for offer in offered if not offer.why_not],
            not_offered=[offer for offer in offered if offer.why_not],
            is_risky=any(payment.is_risky for payment in payments),
            timeline=timeline(order, payments),
            sees_payloads=request.user.has_perm("payments.see_payloads_payment"),
            may_see_payments=request.user.has_perm("payments.view_payment"),
            **_papers(request, order),
        )


def _papers(request: HttpRequest, order: Order) -> dict[str, Any]:
    """The order's invoices for whoever may see them, and whether the first can be issued."""
    if not request.user.has_perm("orders.view_invoice"):
        return {}
    invoices = list(order.invoices.order_by("id"))
    may_issue = not invoices and order.completed_at and request.user.has_perm("orders.add_invoice")
    return {"sees_invoices": True, "invoices": invoices, "may_issue": may_issue}


def _order(object_id: str) -> Order | None:
    if not object_id.isdecimal() or len(object_id) > 18:
        return None
    found: Order | None = (
        Order.objects.select_related("user", "bill_address", "ship_address").filter(pk=object_id).first()
    )
    return found


def _payments(order: Order) -> list[Payment]:
    operations = Operation.objects.select_related("user", "refund__reason")
    return list(
        order.payments.select_related("payment_method", "credit_card")
        .prefetch_related(Prefetch("operations", operations))
        .order_by("id")
    )
