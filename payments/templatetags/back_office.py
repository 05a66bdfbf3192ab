"""What the pages of the back office write in one way: {{ operation|took }}, {% badge state label %}."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from payments.models import Operation

register = template.Library()


@register.filter
def took(operation: Operation) -> str:
    """How long the provider took to answer, in words; "" while it has not."""
    if operation.answered_at is None or not operation.asked or operation.state == Operation.State.UNKNOWN:
        return ""
    seconds = (operation.answered_at - operation.created_at).total_seconds()
    if seconds < 1:
        return _("answered in less than a second")
    if seconds < 120:
        return ngettext("answered in %d second", "answered in %d seconds", round(seconds)) % round(seconds)
    return ngettext("answered in %d minute", "answered in %d minutes", round(seconds / 60)) % round(seconds / 60)


@register.simple_tag
def badge(state: Any, label: Any) -> SafeString:
    """A state as a coloured word; the colour says nothing that the word does not."""
    return format_html('<span class="ec-badge ec-{}">{}</span>', state or "none", label)
