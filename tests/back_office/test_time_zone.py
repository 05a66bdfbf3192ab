"""Times in the zone of whoever reads them: chosen, told by the browser, or the site's own."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from payments.models import Reaction
from shop.time_zone import names
from tests.counting import statements

pytestmark = [pytest.mark.django_db, pytest.mark.once]

NOON = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
ZONE = reverse("time_zone")


@pytest.fixture
def moment():
    return Reaction.objects.create(topic="order.completed", key="R1", created_at=NOON, delivered_at=NOON)


def shown(client, moment):
    return client.get(reverse("admin:payments_reaction_change", args=[moment.pk])).content.decode()


def test_times_are_in_the_sites_zone_until_one_is_chosen(admin_client, moment, settings):
    assert "July 1, 2026, noon" in shown(admin_client, moment)
    settings.TIME_ZONE = "Asia/Tokyo"
    assert "July 1, 2026, 9 p.m." in shown(admin_client, moment)


@pytest.mark.parametrize(("zone", "time"), [("Europe/Berlin", "2 p.m."), ("America/New_York", "8 a.m.")])
def test_times_are_in_the_chosen_zone(admin_client, moment, zone, time):
    admin_client.post(ZONE, {"zone": zone})
    content = shown(admin_client, moment)
    assert f"July 1, 2026, {time}" in content
    assert f"Times: {zone}" in content


def test_the_zone_of_one_is_not_the_zone_of_the_next(admin_client, client, moment):
    admin_client.post(ZONE, {"zone": "Europe/Berlin"})
    client.force_login(User.objects.create_superuser("root"))
    shown(admin_client, moment)
    assert "noon" in shown(client, moment)
    assert timezone.get_current_timezone_name() == "UTC"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "Europe", "localtime", "posix/Europe/Berlin"])
def test_what_is_no_zone_is_refused(admin_client, moment, zone):
    assert admin_client.post(ZONE, {"zone": zone}).status_code == 400
    assert "noon" in shown(admin_client, moment)


def test_a_zone_that_is_gone_is_the_sites(admin_client, moment):
    """Kept by a machine that knew it, read by one that does not."""
    admin_client.post(ZONE, {"zone": "Europe/Berlin"})
    session = admin_client.session
    session["time_zone"] = "Mars/Olympus"
    session.save()
    assert "noon" in shown(admin_client, moment)


def test_every_zone_offered_is_one():
    assert {"UTC", "Europe/Berlin", "Asia/Kolkata"} <= names()
    assert all(ZoneInfo(name) for name in names())


def test_the_page_offers_the_zones_and_has_the_present_one_chosen(admin_client):
    admin_client.post(ZONE, {"zone": "Europe/Berlin"})
    content = admin_client.get(ZONE).content.decode()
    assert '<option value="Europe/Berlin" selected>Berlin</option>' in content
    assert '<label for="id_zone">' in content


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/admin/payments/payment/?q=a", "/admin/payments/payment/?q=a"),
        ("https://evil.example/", "/admin/"),
        ("", "/admin/"),
    ],
)
def test_one_comes_back_to_where_one_was_and_nowhere_else(admin_client, wanted, led):
    assert admin_client.post(ZONE, {"zone": "UTC", "next": wanted}).url == led


def test_the_first_visit_has_what_the_script_needs_and_the_second_has_not(admin_client):
    def form():
        return admin_client.get(reverse("admin:index")).content.decode().partition('id="first-time-zone"')[2]

    first = form().partition("</form>")[0]
    assert f'action="{ZONE}"' in first and 'data-shown="UTC"' in first and "csrfmiddlewaretoken" in first
    admin_client.post(ZONE, {"zone": "Europe/Berlin"})
    assert form() == ""


def test_only_staff_choose(client, admin_client):
    for who in (None, User.objects.create_user("customer")):
        if who:
            client.force_login(who)
        response = client.post(ZONE, {"zone": "Europe/Berlin"})
        assert response.status_code == 302 and "/admin/login/" in response.url
        assert "time_zone" not in client.session


def test_a_visitor_without_a_session_costs_no_statement_and_gets_no_cookie(client):
    with statements() as ran:
        response = client.get("/favicon.ico")
    assert ran == []
    assert not response.cookies
