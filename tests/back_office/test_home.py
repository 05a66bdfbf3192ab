"""The first page: every number is the sum of the list it links to."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from payments.admin.chart import HEIGHT, TOP, chart, round_up
from payments.admin.home import DAYS, home
from payments.errors import GatewayUnavailable
from payments.models import Operation, Payment
from payments.money import Money
from tests.counting import statements
from tests.factories import authorized, make_order, make_payment, purchased

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HOME = reverse("admin:index")
# A Thursday: the week has begun, and so has the day, in every zone of these tests.
NOW = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def thursday():
    with time_machine.travel(NOW, tick=False):
        yield


def at(**ago):
    return time_machine.travel(NOW - timedelta(**ago), tick=False)


def in_currency(make, amount, currency):
    return make(amount, order=make_order(amount, currency=currency))


def listed(client, url):
    """The numbers of the payments in that list, all of which are on its first page."""
    content = client.get(url).content.decode()
    return set(re.findall(r'class="field-number"><a[^>]*>(\w{8})</a>', content))


def rows(found):
    return {row.currency: row.figures for row in found}


def texts(figures):
    return [f"{figure.money.amount} {figure.count}" if figure else None for figure in figures]


# Waiting to be captured


def waiting_of_all_ages():
    made = {}
    for days, amount in ((0, "10.00"), (2, "20.00"), (2, "0.10"), (4, "40.00"), (9, "80.00")):
        with at(days=days, hours=1):
            made.setdefault(days, []).append(authorized(amount))
    in_currency(authorized, "500", "JPY")
    purchased("7.00")
    return made


def test_what_waits_is_summed_by_currency_and_age():
    waiting_of_all_ages()
    found = rows(home().waiting)
    assert list(found) == ["JPY", "USD"]
    assert texts(found["USD"]) == ["150.10 5", "10.00 1", "20.10 2", "40.00 1", "80.00 1"]
    assert texts(found["JPY"]) == ["500 1", "500 1", None, None, None]


def test_every_number_of_the_waiting_is_explained_by_its_list(admin_client):
    waiting_of_all_ages()
    for figures in rows(home().waiting).values():
        for figure in filter(None, figures):
            payments = Payment.objects.filter(number__in=listed(admin_client, figure.url))
            assert len(payments) == figure.count
            assert sum(payment.uncaptured_amount.amount for payment in payments) == figure.money.amount


def test_of_a_payment_captured_in_part_the_rest_waits():
    payment = authorized("30.00")
    payment.capture(Decimal("12.50"), final=False)
    assert texts(rows(home().waiting)["USD"])[0] == "17.50 1"


def test_sums_are_exact_on_every_database():
    """Added up as binary floats, these come to 0.30000000000000004 and more."""
    for _each in range(3):
        authorized("0.10")
    in_currency(authorized, "1.001", "KWD")
    in_currency(authorized, "0.002", "KWD")
    found = rows(home().waiting)
    assert (texts(found["USD"])[0], texts(found["KWD"])[0]) == ("0.30 3", "1.003 2")


# Taken and given back


def flows_of_a_week():
    with at(days=8):
        last_week = purchased("100.00")
    with at(days=2):
        purchased("20.00").refund("1.00")
        in_currency(purchased, "7000", "JPY")
    today = authorized("30.00")
    today.capture(Decimal("10.00"), final=False)
    today.capture(Decimal("5.00"), final=False)
    last_week.refund("60.00")
    last_week.refund("2.00")


def test_what_was_taken_and_given_back_today_and_this_week():
    flows_of_a_week()
    found = rows(home().flows)
    assert texts(found["USD"]) == ["15.00 1", "35.00 2", "62.00 1", "63.00 2"]
    assert texts(found["JPY"]) == [None, "7000 1", None, None]


def test_every_number_of_the_flows_is_explained_by_its_list(admin_client):
    flows_of_a_week()
    kinds = (("purchase", "capture"),) * 2 + (("refund",),) * 2
    since = (NOW.replace(hour=0), NOW.replace(hour=0) - timedelta(days=3)) * 2
    for currency, figures in rows(home().flows).items():
        for figure, kind, start in zip(figures, kinds, since, strict=True):
            if figure is None:
                continue
            numbers = listed(admin_client, figure.url)
            assert len(numbers) == figure.count
            moved = Operation.objects.filter(payment__number__in=numbers, kind__in=kind, answered_at__gte=start)
            assert sum(each.amount.amount for each in moved) == figure.money.amount, (currency, figure.url)


def test_what_was_declined_unknown_or_canceled_was_not_taken(scripted):
    from tests.scripted import ok

    payment = authorized("30.00")
    scripted.script["capture"] = GatewayUnavailable("lost")
    with pytest.raises(GatewayUnavailable):
        payment.capture()
    scripted.script["capture"] = ok()
    assert home().flows == []


@pytest.mark.parametrize(
    ("zone", "today"),
    [("UTC", ["5.00 1", "5.00 1"]), ("Asia/Tokyo", [None, "5.00 1"]), ("America/New_York", ["5.00 1", "5.00 1"])],
)
def test_the_day_begins_at_the_readers_midnight(zone, today):
    """14:30 on Thursday in London is 23:30 in Tokyo, where it is Friday by now."""
    with at(minutes=30):
        purchased("5.00")
    with timezone.override(zone):
        assert texts(rows(home().flows)["USD"])[:2] == today


@pytest.mark.parametrize(("zone", "counted"), [("UTC", True), ("America/New_York", False)])
def test_the_week_begins_on_the_readers_monday(zone, counted):
    with time_machine.travel(datetime(2026, 11, 16, 2, 0, tzinfo=UTC), tick=False):
        purchased("5.00")
    with timezone.override(zone):
        assert bool(home().flows) is counted


def test_on_a_monday_today_is_the_week():
    with time_machine.travel(datetime(2026, 11, 16, 12, 0, tzinfo=UTC), tick=False):
        purchased("5.00")
        assert texts(rows(home().flows)["USD"]) == ["5.00 1", "5.00 1", None, None]


# What needs attention


def test_what_is_unanswered_and_what_is_to_be_reviewed(admin_client, scripted):
    lost, flagged, _fine = authorized("10.00"), purchased("10.00"), purchased("10.00")
    scripted.script["capture"] = GatewayUnavailable("lost")
    with pytest.raises(GatewayUnavailable):
        lost.capture()
    Payment.objects.filter(pk=flagged.pk).update(review_reason="Look at it.")
    found = home()
    assert (found.unanswered, found.to_review) == (1, 1)
    content = admin_client.get(HOME).content.decode()
    links = re.findall(r'class="home-card home-urgent" href="([^"]+)"', content)
    assert [listed(admin_client, url) for url in links] == [{lost.number}, {flagged.number}]


# The chart


def test_the_chart_has_each_day_of_two_weeks():
    with at(days=13):
        purchased("40.00")
    with at(days=14):
        purchased("99.00")
    purchased("20.00").refund("10.00")
    days = home().days
    assert [day.day for day in days] == [NOW.date() - timedelta(days=ago) for ago in reversed(range(DAYS))]
    drawn = chart(days)
    bars = [(pair.taken.height, pair.refunded.height) for pair in drawn.pairs]
    assert (bars[0], bars[-1]) == ((HEIGHT, 0), (HEIGHT // 2, HEIGHT // 4))
    assert set(bars[1:-1]) == {(0, 0)}
    assert all(bar.y + bar.height == TOP + HEIGHT for pair in drawn.pairs for bar in (pair.taken, pair.refunded))
    assert [str(tick.money.amount) for tick in drawn.ticks] == ["0.00", "20.00", "40.00"]


def test_the_scale_names_no_half_yen():
    in_currency(purchased, "1", "JPY")
    assert [str(tick.money.amount) for tick in chart(home().days).ticks] == ["0", "1"]


def test_a_cent_is_seen_beside_a_fortune():
    purchased("100000.00").refund("0.01")
    assert chart(home().days).pairs[-1].refunded.height == 1


@pytest.mark.parametrize(
    ("amount", "top"), [("1", "1"), ("1.01", "2"), ("2.5", "4"), ("40.01", "100"), ("0.003", "0.004")]
)
def test_the_scale_ends_at_a_round_number(amount, top):
    assert round_up(Decimal(amount)) == Decimal(top)


def test_the_most_used_currency_is_drawn_unless_another_is_wanted(admin_client):
    in_currency(purchased, "1.00", "EUR")
    in_currency(purchased, "1.00", "EUR")
    in_currency(purchased, "900.00", "CHF")
    assert [home(wanted).currency for wanted in ("", "CHF", "GBP", "<b>")] == ["EUR", "CHF", "EUR", "EUR"]
    content = admin_client.get(HOME, {"currency": "CHF"}).content.decode()
    assert '<a href="?currency=CHF#home-days" aria-current="true">CHF</a>' in content
    assert '<a href="?currency=EUR#home-days">EUR</a>' in content


def test_the_table_beside_the_chart_has_its_numbers(admin_client):
    in_currency(purchased, "1234", "JPY").refund("34")
    content = admin_client.get(HOME).content.decode()
    table = content.partition("<details>")[2].partition("</details>")[0]
    last = [re.sub(r"<[^>]+>|\s+", " ", row) for row in re.findall(r"<tr>.*?</tr>", table, re.DOTALL)][-1]
    assert last.split() == ["Thu", "19", "Nov", "¥1,234", "¥34"]
    url = re.findall(r'href="([^"]+)">¥34<', table)[0].replace("&amp;", "&")
    assert listed(admin_client, url) == {Payment.objects.get().number}
    titles = re.findall(r"<title>([^<]*)</title></rect>", content)
    assert len(titles) == 2 * DAYS and titles[-1] == "Thu 19 Nov: refunded ¥34"


def test_what_did_not_move_is_not_drawn():
    authorized("30.00")
    found = home()
    assert (found.currency, found.days, chart(found.days)) == ("", [], None)


# The page


def test_an_empty_shop_says_so(admin_client):
    content = admin_client.get(HOME).content.decode()
    for sentence in (
        "Nothing waits to be captured.",
        "Nothing was taken or given back this week.",
        "No money has moved in the last two weeks.",
    ):
        assert sentence in content
    assert "home-urgent" not in content and "<svg class=" not in content


def test_the_app_list_is_below(admin_client):
    content = admin_client.get(HOME).content.decode()
    assert content.index('class="home"') < content.index('id="content-main"')
    assert reverse("admin:payments_payment_changelist") in content.partition('id="content-main"')[2]


def test_it_is_for_those_who_may_see_payments(client):
    user = User.objects.create_user("mira", is_staff=True)
    client.force_login(user)
    authorized("30.00")
    with statements() as ran:
        assert "home-waiting" not in client.get(HOME).content.decode()
    assert [statement for statement in ran if "payments_operation" in statement] == []
    user.user_permissions.add(Permission.objects.get(codename="view_payment"))
    assert "home-waiting" in client.get(HOME).content.decode()


def test_it_costs_five_statements_whatever_there_is():
    def cost():
        with statements() as ran:
            chart(home().days)
        return len(ran)

    assert cost() <= 5
    flows_of_a_week()
    waiting_of_all_ages()
    make_payment("3.00")
    assert cost() == 5


def test_amounts_are_written_as_the_currency_writes_them(admin_client):
    in_currency(authorized, "1.250", "KWD")
    content = admin_client.get(HOME).content.decode().replace("\N{NO-BREAK SPACE}", " ")
    assert "KWD 1.250</a>" in content
    assert Money("1.250", "KWD") == rows(home().waiting)["KWD"][0].money
