"""Countries by their names in the reader's language, and a list of them that is drawn quickly."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

from babel import Locale, UnknownLocaleError
from django import forms
from django.forms.utils import flatatt
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language, to_locale
from django.utils.translation import gettext as _

from orders.countries import COUNTRIES

# No postal code is in use there, or none that a parcel needs.
WITHOUT_POSTAL_CODE = frozenset(
    """
    AE AG AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GD GH GM GQ GY HK IE JM KE KI KM KN KP LC ML MO MR
    MW NR NU PA QA RW SB SC SL SR ST SY TG TK TL TO TT TV UG VU WS YE ZW
    """.split()
)
# There, an address is not whole without the state or province.
WITH_REGION = frozenset("AU BR CA CN IN MX US".split())


@cache
def by_name(language: str) -> tuple[tuple[str, str], ...]:
    """Every country as (code, name), in alphabetical order."""
    try:
        names = Locale.parse(to_locale(language)).territories
    except (UnknownLocaleError, ValueError):
        names = Locale("en").territories
    return tuple(sorted(((code, names.get(code, code)) for code in COUNTRIES), key=lambda pair: _plain(pair[1])))


def name_of(code: str) -> str:
    """The country's name in the reader's language; the code itself where nobody knows it."""
    return dict(by_name(get_language() or "en")).get(code, code)


def _plain(name: str) -> str:
    """Å and É beside A and E, where they are looked for."""
    return unicodedata.normalize("NFKD", name).casefold()


@cache
def _drawn(language: str) -> dict[str, str]:
    return {code: f'<option value="{code}">{escape(name)}</option>' for code, name in by_name(language)}


class CountrySelect(forms.Select):
    """Django draws each option by a template, which takes most of the time of a page with two lists of 249."""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        options = dict(_drawn(get_language() or "en"))
        if value in options:
            options[value] = options[value].replace(">", " selected>", 1)
        drawn = mark_safe("".join(options.values()))  # noqa: S308 (escaped above)
        given = flatatt(self.build_attrs(self.attrs, {**(attrs or {}), "name": name}))
        return format_html('<select{}><option value="">{}</option>{}</select>', given, _("Choose a country"), drawn)
