"""Pages for those who work on the shop, with DEBUG only: every letter, as text and as HTML."""

from __future__ import annotations

from csp.decorators import csp_exempt
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import translation
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_safe

from shop.mail.samples import samples


@require_safe
@never_cache
def mails(request: HttpRequest) -> HttpResponse:
    """All letters, one below the other, in the language that is asked for."""
    language = _language(request)
    context = {
        "samples": samples(language),
        "language": language,
        "languages": [(code, translation.get_language_info(code)["name_local"]) for code, _name in settings.LANGUAGES],
        "sender": settings.DEFAULT_FROM_EMAIL,
    }
    return render(request, "shop/dev/mails.html", context)


@require_safe
@never_cache
@xframe_options_sameorigin
@csp_exempt()  # type: ignore[arg-type] # A letter's style is in the letter; no mail program asks for our policy.
def mail(request: HttpRequest, name: str) -> HttpResponse:
    """One letter's HTML by itself, as a mail program gets it."""
    found = next((sample for sample in samples(_language(request)) if sample.name == name), None)
    if found is None:
        raise Http404
    return HttpResponse(found.html)


def _language(request: HttpRequest) -> str:
    """Raises Http404 in production, where nobody needs these pages."""
    if not settings.DEBUG:
        raise Http404
    wanted = request.GET.get("language", "")
    return wanted if wanted in dict(settings.LANGUAGES) else settings.LANGUAGE_CODE
