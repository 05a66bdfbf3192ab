"""The outbox in the admin: what is delivered, what fails and why, and trying again at once."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from payments.models import Reaction

pytestmark = [pytest.mark.django_db, pytest.mark.once]

HERE = "tests.back_office.test_reactions_page"
calls: list[str] = []
broken = {"failing": False}
LIST = "admin:payments_reaction_changelist"


def good(reaction):
    calls.append("good")


def shaky(reaction):
    calls.append("shaky")
    if broken["failing"]:
        raise ConnectionError("the password is hunter2")


@pytest.fixture(autouse=True)
def receivers(settings):
    calls.clear()
    broken["failing"] = False
    settings.REACTIONS = {"order.completed": [f"{HERE}.good", f"{HERE}.shaky"], "order.canceled": [f"{HERE}.good"]}


def reaction(key="R1", **facts):
    return Reaction.objects.create(topic="order.completed", key=key, **facts)


def failing(key="R1", **facts):
    """The second receiver failed, and the next attempt is an hour away."""
    error = f"{HERE}.shaky: ConnectionError"
    later = timezone.now() + timedelta(hours=1)
    return reaction(key, done=[f"{HERE}.good"], attempts=1, last_error=error, next_attempt_at=later, **facts)


def page(name, row):
    return reverse(f"admin:payments_reaction_{name}", args=[row.pk])


def in_all_states():
    later = timezone.now() + timedelta(minutes=5)
    reaction("R-delivered", delivered_at=timezone.now())
    reaction("R-due")
    reaction("R-under_way", attempts=1, next_attempt_at=later)
    failing("R-failing")


def listed(client, **parameters):
    content = client.get(reverse(LIST), parameters).content.decode()
    rows = re.findall(r'class="field-key">.*?</tr>', content, re.DOTALL)
    return {re.search(r">(R-?\w*)</a>", row)[1]: row for row in rows}


def test_the_list_says_the_state_of_each(admin_client):
    in_all_states()
    rows = listed(admin_client)
    for key, words in (("delivered", "delivered"), ("due", "due"), ("under_way", "under way"), ("failing", "failing")):
        assert f'class="ec-badge ec-{key}">{words}<' in rows[f"R-{key}"]
    assert "ConnectionError" in rows["R-failing"]


@pytest.mark.parametrize("state", ["delivered", "due", "under_way", "failing"])
def test_the_filter_finds_what_is_in_that_state(admin_client, state):
    in_all_states()
    assert list(listed(admin_client, state=state)) == [f"R-{state}"]


def test_the_list_is_filtered_by_topic_and_searched_by_key(admin_client):
    reaction("R-1")
    reaction("R-2")
    Reaction.objects.filter(key="R-2").update(topic="order.canceled")
    assert list(listed(admin_client, topic="order.canceled")) == ["R-2"]
    assert list(listed(admin_client, q="R-1")) == ["R-1"]


def test_the_page_says_which_receivers_are_done(admin_client):
    content = admin_client.get(page("change", failing())).content.decode()
    told = dict(re.findall(r"<code>([\w.]+)</code> <span[^>]*>([^<]*)<", content))
    assert told == {f"{HERE}.good": "done", f"{HERE}.shaky": "failed: ConnectionError"}
    assert "hunter2" not in content


def test_a_receiver_that_is_no_longer_called_is_shown_as_done(admin_client):
    row = reaction(done=["shop.gone.receiver"])
    content = admin_client.get(page("change", row)).content.decode()
    told = dict(re.findall(r"<code>([\w.]+)</code> <span[^>]*>([^<]*)<", content))
    assert told == {f"{HERE}.good": "not yet", f"{HERE}.shaky": "not yet", "shop.gone.receiver": "done"}


def try_now(client, row):
    return client.post(page("try", row), follow=True).content.decode()


def test_trying_again_does_not_wait_and_calls_only_who_is_left(admin_client):
    row = failing()
    assert "delivered." in try_now(admin_client, row)
    row.refresh_from_db()
    assert calls == ["shaky"]
    assert row.delivered_at and row.last_error == ""


def test_what_fails_again_says_so(admin_client):
    broken["failing"] = True
    row = failing()
    said = try_now(admin_client, row)
    row.refresh_from_db()
    assert "failed again" in said and "ConnectionError" in said and "hunter2" not in said
    assert (calls, row.attempts, row.delivered_at) == (["shaky"], 2, None)


def test_what_is_delivered_is_never_delivered_again(admin_client):
    row = reaction(delivered_at=timezone.now(), next_attempt_at=timezone.now() - timedelta(hours=1))
    assert page("try", row) not in admin_client.get(page("change", row)).content.decode()
    assert "was delivered already" in try_now(admin_client, row)
    assert calls == []


def test_what_somebody_is_delivering_is_left_to_them(admin_client):
    """Also where it failed before: the lease is no pause."""
    row = failing()
    Reaction.objects.filter(pk=row.pk).update(last_error="", next_attempt_at=timezone.now() + timedelta(minutes=5))
    assert "somebody is delivering it just now" in try_now(admin_client, row)
    assert calls == []


def meddling(reaction):
    calls.append(f"meddling {Reaction.objects.get(pk=reaction.pk).try_now()}")


def test_nobody_is_called_twice_at_once(settings):
    """Whoever tries while a failed one is being tried again finds the lease."""
    settings.REACTIONS = {"order.completed": [f"{HERE}.meddling"]}
    row = failing()
    assert row.try_now() is True
    assert calls == ["meddling False"]


def test_several_are_tried_at_once(admin_client):
    rows = [failing("R1"), failing("R2"), reaction("R3", delivered_at=timezone.now())]
    action = {"action": "try_again", "_selected_action": [row.pk for row in rows]}
    said = admin_client.post(reverse(LIST), action, follow=True).content.decode()
    assert said.count("delivered.") == 2
    assert calls == ["shaky", "shaky"]


@pytest.fixture
def clerk(client):
    user = User.objects.create_user("mira", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_reaction"))
    client.force_login(user)
    return client


def test_without_the_right_there_is_no_button_and_no_way(clerk):
    row = failing()
    assert page("try", row) not in clerk.get(page("change", row)).content.decode()
    assert clerk.post(page("try", row)).status_code == 403
    clerk.post(reverse(LIST), {"action": "try_again", "_selected_action": [row.pk]})
    assert calls == []
    clerk.get(reverse("admin:logout"))
    User.objects.get().user_permissions.add(Permission.objects.get(codename="change_reaction"))
    assert page("try", row) in clerk.get(page("change", row)).content.decode()


def test_a_link_delivers_nothing(admin_client):
    assert admin_client.get(page("try", failing())).status_code == 405
    assert calls == []
