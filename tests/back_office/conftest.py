"""Staff with the rights that a test names, and how they press the buttons of the back office."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

Staff = Callable[..., Client]


@pytest.fixture
def staff(db: None) -> Staff:
    """A signed-in member of staff with these permissions: staff("view_payment", "capture_payment")."""

    def make(*codenames: str, name: str = "mira") -> Client:
        user = User.objects.create_user(name, password="secret", is_staff=True)
        found = list(Permission.objects.filter(codename__in=codenames))
        assert {each.codename for each in found} == set(codenames)
        user.user_permissions.set(found)
        client = Client()
        client.force_login(user)
        client.user = user  # type: ignore[attr-defined]
        return client

    return make


def payment_page(payment: Any) -> str:
    return reverse("admin:payments_payment_change", args=[payment.pk])


def errand_page(record: Any, name: str) -> str:
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_errand", args=[record.pk, name])


def text_of(response: Any) -> str:
    """What a reader sees: the page's words without its tags."""
    body = re.sub(r"(?s)<(script|style).*?</\1>", " ", response.content.decode())
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", body))).replace("\N{NO-BREAK SPACE}", " ")


def filled_in(response: Any) -> dict[str, str]:
    """The fields of the page's confirmation as a browser would send them."""
    body = response.content.decode()
    form = body[body.index("data-confirm-once") : body.index("</form>", body.index("data-confirm-once"))]
    fields = dict(re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form))
    for name, inside in re.findall(r'(?s)<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', form):
        fields[name] = inside.strip()
    for name, inside in re.findall(r'(?s)<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', form):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        fields[name] = chosen[1] if chosen else ""
    return {name: unescape(value) for name, value in fields.items() if name != "csrfmiddlewaretoken"}


def confirm(client: Client, record: Any, name: str, /, **changes: str) -> Any:
    """Look at the preview and confirm it, with these fields filled in."""
    page = client.get(errand_page(record, name))
    assert page.status_code == 200
    fields = filled_in(page) | changes | {"confirm": "1"}
    return client.post(errand_page(record, name), fields, follow=True)
