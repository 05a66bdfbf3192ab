"""What no other room of the front has: the icon under the name that browsers ask for."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.views.decorators.http import require_safe


@require_safe
def favicon(_request: HttpRequest) -> HttpResponse:
    """Browsers ask for it by this name where a page names none, as the admin's."""
    return redirect(static("shop/favicon.svg"))
