"""The zone in which a member of staff reads times: kept in the session, taken from the browser at the first visit."""

from __future__ import annotations

import zoneinfo
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache

KEPT_AS = "time_zone"


class TimeZoneMiddleware:
    """While a request is answered, times are in the zone that its session keeps, or in settings.TIME_ZONE."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(zone_of(request)):
            return self.get_response(request)


def zone_of(request: HttpRequest) -> zoneinfo.ZoneInfo | None:
    """None for the site's own zone. A request without a session costs no look at the database."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return None
    name = request.session.get(KEPT_AS)
    return zoneinfo.ZoneInfo(name) if name in names() else None


@cache
def names() -> frozenset[str]:
    """What may be chosen: places, the fixed zones of ships (Etc) and the machine's own names aside."""
    known = zoneinfo.available_timezones()
    return frozenset(
        name for name in known if name == "UTC" or ("/" in name and not name.startswith(("Etc/", "posix/")))
    )


class TimeZoneForm(forms.Form):
    zone = forms.ChoiceField(label=_("Time zone"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zone: Any = self.fields["zone"]
        zone.choices = by_region()


def by_region() -> list[tuple[str, Any]]:
    regions: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for name in sorted(names() - {"UTC"}):
        region, place = name.split("/", 1)
        regions[region].append((name, place.replace("_", " ")))
    return [("UTC", "UTC"), *regions.items()]


@never_cache
def choose(request: HttpRequest) -> HttpResponse:
    """The page on which staff choose their zone; the script of the first visit posts to it, too."""
    if not admin.site.has_permission(request):
        return HttpResponseRedirect(f"{reverse('admin:login')}?next={reverse('time_zone')}")
    target = request.POST.get("next") or request.GET.get("next") or ""
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = reverse("admin:index")
    form = TimeZoneForm(request.POST or None, initial={"zone": timezone.get_current_timezone_name()})
    if request.method == "POST" and form.is_valid():
        request.session[KEPT_AS] = form.cleaned_data["zone"]
        return HttpResponseRedirect(target)
    context = {**admin.site.each_context(request), "title": gettext("Time zone"), "form": form, "next": target}
    return render(request, "shop/time_zone.html", context, status=400 if form.errors else 200)
