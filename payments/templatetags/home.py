"""The numbers of the first page, for those who may see payments: {% money_at_a_glance %}."""

from __future__ import annotations

from typing import Any

from django import template

from payments.admin.chart import chart
from payments.admin.home import age_names, home

register = template.Library()


@register.inclusion_tag("admin/payments/home.html", takes_context=True)
def money_at_a_glance(context: dict[str, Any]) -> dict[str, Any]:
    request = context["request"]
    if not request.user.has_perm("payments.view_payment"):
        return {"home": None}
    found = home(request.GET.get("currency", ""))
    return {"home": found, "chart": chart(found.days), "ages": age_names()}
