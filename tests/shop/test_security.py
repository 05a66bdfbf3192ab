"""What a browser is told to allow, how sign-ins are limited, and that production's settings hold."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import sys
from pathlib import Path

import pytest
import time_machine
from axes.models import AccessAttempt
from django.contrib.auth.models import Permission, User
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from orders.models import Order
from payments.models import PaymentMethod, Reaction
from shop.links import order_token
from tests.shop.storefront import Customer, bogus, stocked

pytestmark = [pytest.mark.django_db, pytest.mark.once]

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "a-horse-and-9-stables"


def policy(answer):
    parts = (each.strip().split(" ") for each in answer["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


# Content-Security-Policy


def test_a_page_loads_nothing_but_our_own_and_runs_nothing_that_stands_in_it(client, db):
    said = policy(client.get("/"))
    assert said["default-src"] == said["script-src"] == said["style-src"] == said["connect-src"] == ["'self'"]
    assert said["form-action"] == said["frame-ancestors"] == ["'self'"]
    assert said["object-src"] == said["base-uri"] == ["'none'"]


def test_only_the_back_office_may_have_styles_in_its_pages_and_no_page_a_script(client):
    for url, styles in (("/", ["'self'"]), ("/admin/login/", ["'self'", "'unsafe-inline'"])):
        said = policy(client.get(url))
        assert said["style-src"] == styles
        assert said["script-src"] == ["'self'"]


def test_a_provider_is_let_in_where_its_fields_are_and_nowhere_else(settings):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "braintree": "tests.shop.gateways.Fields"}
    bogus()
    method = PaymentMethod.objects.create(name="Fields", code="fields", gateway="braintree")
    customer = Customer()
    customer.take(stocked())
    customer.until("payment")
    theirs = "https://js.provider.example"
    said = policy(customer.get("payment"))
    assert said["script-src"] == said["frame-src"] == ["'self'", theirs]
    assert said["form-action"] == ["'self'"]
    assert theirs not in customer.get("delivery")["Content-Security-Policy"]
    method.active = False
    method.save()
    assert theirs not in customer.get("payment")["Content-Security-Policy"]
    customer.pay_by()
    said = policy(customer.get("confirm"))
    assert "form-action" not in said  # It leads to whatever page the provider has for its customer.
    assert said["script-src"] == ["'self'"]


TEMPLATES = [
    *sorted((ROOT / "templates").rglob("*.html")),
]
INLINE = re.compile(
    r"<style\b|<script(?![^>]*\bsrc=)(?![^>]*type=.application/json)|\son[a-z]+\s*=\s*[\"']|\sstyle\s*=|javascript:",
    re.I,
)


@pytest.mark.once
@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT / "templates").as_posix())
def test_no_template_has_a_script_or_a_style_in_it(path):
    if path.parent.name == "mail":
        return  # Mail programs know no other styles.
    found = INLINE.findall(path.read_text(encoding="utf-8"))
    assert found == []


# Headers and cookies


def test_no_page_tells_others_where_the_customer_came_from(client):
    answer = client.get("/")
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def test_a_form_without_its_token_is_not_taken_and_says_so_in_the_shop_s_look(settings):
    client = Client(enforce_csrf_checks=True)
    answer = client.post(reverse("find_order"), {"number": "R1", "email": "ada@example.com"})
    assert answer.status_code == 403
    assert b"This page was open for too long" in answer.content
    assert b"shop.css" in answer.content


def test_pages_of_one_s_own_are_kept_in_no_cache(client):
    client.force_login(User.objects.create_user("ada@example.com"))
    for name in ("account", "account_cards", "account_addresses", "account_details", "account_email", "login"):
        answer = client.get(reverse(name))
        if answer.status_code == 200:
            assert "no-store" in answer["Cache-Control"]


@pytest.mark.once
@pytest.mark.slow
def test_production_s_settings_pass_every_check_and_secure_what_is_sent():
    program = (
        "import django; django.setup();"
        "from django.core.management import call_command; from django.conf import settings as s;"
        "call_command('check', deploy=True, fail_level='WARNING');"
        "print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, s.LANGUAGE_COOKIE_SECURE, s.SESSION_COOKIE_HTTPONLY,"
        " s.SECURE_SSL_REDIRECT, s.SECURE_HSTS_SECONDS, s.SECURE_HSTS_INCLUDE_SUBDOMAINS)"
    )
    env = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME")}
    env |= {
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DEBUG": "false",
        "SECRET_KEY": secrets.token_hex(40),
        "PUBLIC_ORIGIN": "https://shop.example.com",
        "DATABASE_URL": "sqlite://:memory:",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=env, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "True True True True True 31536000 True"


# Sign-ins


@pytest.fixture
def counting(settings):
    settings.AXES_ENABLED = True
    settings.AXES_FAILURE_LIMIT = 3
    return User.objects.create_user("ada@example.com", "ada@example.com", PASSWORD)


def sign_in(password=PASSWORD, *, name="ada@example.com", ip="203.0.113.1", door="login"):
    data = {"username": name, "password": password}
    return Client().post(reverse(door), data, REMOTE_ADDR=ip)


@pytest.mark.parametrize("door", ["login", "admin:login"])
def test_after_some_failures_a_name_is_locked_for_a_while_at_both_doors(counting, door):
    User.objects.update(is_staff=True)
    for number in range(2):
        assert sign_in("wrong", ip=f"203.0.113.{number}", door=door).status_code == 200
    stopped = sign_in("wrong", name="ADA@example.com" if door == "login" else "ada@example.com", door=door)
    assert stopped.status_code == 429
    assert stopped["Retry-After"] == "900"
    assert b"Too many attempts" in stopped.content
    for other in ("login", "admin:login"):
        assert sign_in(door=other, ip="203.0.113.77").status_code == 429  # The right password too.
    assert sign_in(name="bob@example.com", ip="203.0.113.77").status_code == 200


def test_one_address_that_tries_many_names_is_locked_too(counting):
    for name in ("a@example.com", "b@example.com", "c@example.com"):
        sign_in("wrong", name=name)
    assert sign_in().status_code == 429
    assert sign_in(ip="203.0.113.2").status_code == 302


def test_the_lock_ends_by_itself_and_is_not_prolonged_by_trying(counting):
    with time_machine.travel("2026-11-22 10:00", tick=False) as now:
        for _ in range(3):
            sign_in("wrong")
        now.shift(14 * 60)
        assert sign_in().status_code == 429
        now.shift(2 * 60)
        assert sign_in().status_code == 302


def test_a_success_starts_the_count_anew(counting):
    for _ in range(2):
        sign_in("wrong")
    assert sign_in().status_code == 302
    assert sign_in("wrong").status_code == 200
    assert sign_in().status_code == 302


def test_the_link_of_a_letter_lifts_the_lock_of_its_name(counting, settings, mailoutbox):
    settings.PUBLIC_ORIGIN = "https://shop.example.com"
    for number in range(4):
        sign_in("wrong", ip=f"203.0.113.{number}")
    client = Client()
    client.post(reverse("password_forgotten"), {"email": counting.email})
    assert Reaction.objects.get(topic="account.password_reset").deliver()
    link = re.findall(r"https://shop\.example\.com(/account/\S+/)", mailoutbox[0].body)[0]
    form = client.get(link, follow=True).redirect_chain[-1][0]
    client.post(form, {"new_password1": "another-horse-7", "new_password2": "another-horse-7"})
    assert sign_in("another-horse-7", ip="203.0.113.50").status_code == 302


def test_the_password_is_not_guessed_inside_the_account_either(counting):
    client = Client()
    client.force_login(counting)
    for name in ("account_email", "account_password"):
        AccessAttempt.objects.all().delete()
        said = {
            "email": "b@example.com",
            "password": "wrong",
            "old_password": "wrong",
            "new_password1": "x1y2z3-horse",
            "new_password2": "x1y2z3-horse",
        }
        answers = [client.post(reverse(name), said).status_code for _ in range(3)]
        assert answers[-1] == 429, name


def test_staff_see_who_failed_and_let_them_try_again(counting):
    call_command("loaddata", "roles", verbosity=0)
    for _ in range(3):
        sign_in("wrong")
    mira = User.objects.create_user("mira", password=PASSWORD, is_staff=True)
    mira.user_permissions.add(Permission.objects.get(codename="view_accessattempt"))
    staff = Client()
    staff.force_login(mira)
    url = reverse("admin:axes_accessattempt_changelist")
    page = staff.get(url).content.decode()
    assert "ada@example.com" in page
    assert "locked out" in page
    assert "wrong" not in page
    act = {"action": "lift", "_selected_action": [AccessAttempt.objects.get().pk]}
    staff.post(url, act)
    assert AccessAttempt.objects.exists()  # Who may look may not lift.
    mira.user_permissions.add(Permission.objects.get(codename="delete_accessattempt"))
    staff.post(url, act)
    assert not AccessAttempt.objects.exists()
    assert sign_in().status_code == 302


# Guessing


def test_an_order_s_page_is_not_found_by_its_number_nor_by_a_changed_link(client):
    order = Order.objects.create(email="ada@example.com", currency="USD")
    token = order_token(order)
    other = Order.objects.create(email="bob@example.com", currency="USD")
    for guess in (
        order.number,
        order.number + token[len(order.number)],
        token[:-1],
        other.number + token[len(order.number) :],
    ):
        assert client.get(reverse("order", args=[guess])).status_code == 404
    assert client.get(reverse("order", args=[token])).status_code == 200
