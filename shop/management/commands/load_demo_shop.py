"""A shop to look at in development: products, payment methods, refund reasons, staff in their roles, some orders."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from orders.importing import WAYS
from orders.models import Order
from payments.actors import Actor, Origin
from payments.models import PaymentMethod, RefundReason
from shop.demo.goods import CODE, load_goods
from shop.demo.orders import place_orders
from shop.demo.staff import load_staff

ADDRESS = "http://127.0.0.1:8000"
LOGIN = "admin"
NOTES = {"check": "Payable to Everycent, 12 Penny Lane, Springfield. Write the number of your order on it."}
REASONS = ("Damaged in transit", "Goods returned", "Ordered by mistake", "Price adjusted")


class Command(BaseCommand):
    help = (
        "Loads a demo shop for development: a dozen products with shipping, taxes and a promotion code, payment "
        "methods, refund reasons, roles with a login each, the theme of the back office, the superuser admin with the "
        "password admin if there is no superuser, and some orders if there are none. Safe to run again."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("A demo shop has an open door (admin, admin): it is loaded with DEBUG=true only.")
        methods = {code: load_method(code) for code in WAYS}
        load_simulator()
        load_goods()
        for name in REASONS:
            RefundReason.objects.get_or_create(name=name)
        clerk = load_superuser()
        staff = load_staff()
        if not Order.objects.exists():
            with without_mail():
                place_orders(methods, by=Actor(Origin.STAFF, clerk))
        self.stdout.write(
            f"The shop has {Order.objects.count()} orders, and is open: {ADDRESS}/ (promotion code {CODE})"
        )
        if staff:
            self.stdout.write(f"Staff, each with their name as password: {', '.join(staff)}")
        with suppress(User.DoesNotExist):
            if User.objects.get(username=LOGIN).check_password(LOGIN):
                self.stdout.write(f"Admin: {ADDRESS}/admin/ (user {LOGIN}, password {LOGIN})")
                return
        self.stdout.write(f"Admin: {ADDRESS}/admin/ (log in as a superuser of yours)")


def load_method(code: str) -> PaymentMethod:
    """The payment method of that code, as the shop has it; made if it has none."""
    defaults = {**asdict(WAYS[code]), "position": list(WAYS).index(code), "description": NOTES.get(code, "")}
    method: PaymentMethod = PaymentMethod.objects.get_or_create(code=code, defaults=defaults)[0]
    return method


def load_simulator() -> None:
    """A provider to try everything on: `make run` starts it beside the site. Pay with tokens such as tok_visa."""
    secrets = {"secret_key": "SIMULATOR_SECRET_KEY", "webhook_secret": "SIMULATOR_WEBHOOK_SECRET"}
    made = {"name": "Card (simulator)", "gateway": "simulator", "auto_capture": False, "config": secrets}
    PaymentMethod.objects.get_or_create(code="simulator", defaults={**made, "position": len(WAYS)})


def load_superuser() -> User:
    """Any superuser; where there is none, one with a login that is known to everybody."""
    found = User.objects.filter(is_superuser=True).order_by("pk").first()
    if found is None and User.objects.filter(username=LOGIN).exists():
        raise CommandError(f"The user {LOGIN} is there and no superuser: make one with manage.py createsuperuser.")
    return found or User.objects.create_superuser(LOGIN, "admin@example.com", LOGIN)


@contextmanager
def without_mail() -> Iterator[None]:
    """Customers who do not exist get no letters."""
    before = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    try:
        yield
    finally:
        settings.EMAIL_BACKEND = before
