"""What a browser may load and do on our pages: the Content-Security-Policy, by django-csp.

settings.CONTENT_SECURITY_POLICY holds for every page: our own files, and nothing that stands in the page itself. Two
kinds of pages need more: the back office, whose theme is a block of styles, and pages with a provider's fields.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from csp.middleware import CSPMiddleware, PolicyParts
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse

INLINE = "'unsafe-inline'"


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(reverse("admin:index")):
            # The theme's colors are a block of styles in each page, and a logo's size is an attribute. No script is.
            parts.update = {**(parts.update or {}), "style-src": [INLINE]}
        return parts


def let_in(response: HttpResponse, sources: Mapping[str, Iterable[str]]) -> HttpResponse:
    """Let this one page load from there too, by directive: what a provider's fields need."""
    before: dict[str, Any] = getattr(response, "_csp_update", None) or {}
    added = {name: [*before.get(name, []), *values] for name, values in sources.items()}
    response._csp_update = {**before, **added}  # type: ignore[attr-defined]
    return response


def let_lead_away(response: HttpResponse) -> HttpResponse:
    """Let this page's form lead to a provider's page: browsers hold redirects after a form to `form-action` too."""
    before: dict[str, Any] = getattr(response, "_csp_replace", None) or {}
    response._csp_replace = {**before, "form-action": None}  # type: ignore[attr-defined]
    return response
