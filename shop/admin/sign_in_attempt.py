"""Who tried to sign in and failed, in the shop or here, and letting somebody try again before the pause is over."""

from __future__ import annotations

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from payments.admin.readonly import ReadOnlyAdmin
from payments.templatetags.back_office import badge


@admin.register(AccessAttempt)
class SignInAttemptAdmin(ReadOnlyAdmin):
    """What was typed stays in its row: a password that was typed as a name is nothing to be read by staff."""

    list_display = ("attempt_time", "name", "ip_address", "failures_since_start", "counts", "path_info")
    list_filter = ("attempt_time",)
    ordering = ("-id",)
    sortable_by = ()
    search_fields = ("=username", "=ip_address")
    search_help_text = _("a name or an IP address, whole")
    fields = ("attempt_time", "name", "ip_address", "failures_since_start", "counts", "path_info", "user_agent")
    actions = ("lift",)  # type: ignore[assignment]

    @admin.display(description=_("name"), ordering="username")
    def name(self, attempt: AccessAttempt) -> str:
        return attempt.username or "–"

    @admin.display(description=_("counts"))
    def counts(self, attempt: AccessAttempt) -> Any:
        if attempt.attempt_time + settings.AXES_COOLOFF_TIME <= timezone.now():
            return badge("void", _("no longer"))
        if attempt.failures_since_start >= settings.AXES_FAILURE_LIMIT:
            return badge("failed", _("locked out"))
        return badge("pending", _("yes"))

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("axes.delete_accessattempt"))

    @admin.action(description=_("Let them try again"), permissions=["lift"])
    def lift(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        pks = list(queryset.values_list("pk", flat=True))
        AccessAttempt.objects.filter(pk__in=pks).delete()
        said = ngettext("%d line of failed sign-ins is gone.", "%d lines of failed sign-ins are gone.", len(pks))
        self.message_user(request, said % len(pks), messages.SUCCESS)
