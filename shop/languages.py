"""In which language the site speaks: the customer's choice, else the browser's; the back office in the shop's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_POST
from django.views.i18n import LANGUAGE_QUERY_PARAMETER, set_language

from shop import cart
from shop.models import Basket, Preferences


class BackOfficeLanguageMiddleware:
    """After Django's own: the back office is not translated, and half a language is worse than one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(reverse("admin:index")):
            return self.get_response(request)
        with translation.override(settings.LANGUAGE_CODE):
            response = self.get_response(request)
            response.headers["Content-Language"] = settings.LANGUAGE_CODE
            return response


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """From now on in this language, letters about the cart too; an account remembers it."""
    response = set_language(request)
    wanted = request.POST.get(LANGUAGE_QUERY_PARAMETER, "")
    if wanted in dict(settings.LANGUAGES):
        remember(request, wanted)
    return response


def remember(request: HttpRequest, language: str) -> None:
    if request.user.is_authenticated:
        Preferences.objects.update_or_create(user=request.user, defaults={"language": language})
    order = cart.find(request)
    if order is not None:
        Basket.objects.filter(order=order).update(language=language)


def of_user(user: Any) -> str:
    """What an account prefers, "" if it has not said."""
    chosen = Preferences.objects.filter(user=user.pk).values_list("language", flat=True).first() if user.pk else ""
    return chosen if chosen in dict(settings.LANGUAGES) else ""


def speak(response: HttpResponse, language: str) -> HttpResponse:
    """Have the browser ask for this language from now on; "" changes nothing."""
    if language:
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME,
            language,
            max_age=settings.LANGUAGE_COOKIE_AGE,
            path=settings.LANGUAGE_COOKIE_PATH,
            domain=settings.LANGUAGE_COOKIE_DOMAIN,
            secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            samesite=settings.LANGUAGE_COOKIE_SAMESITE,
        )
    return response
