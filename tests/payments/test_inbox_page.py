"""The inbox in the back office: found in a moment, the payload for those who may see it, and replayed by a button."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone

from payments.models import WebhookEvent
from tests.back_office.conftest import staff, text_of  # noqa: F401 (a fixture)
from tests.factories import purchased

pytestmark = pytest.mark.django_db
LIST = "/admin/payments/webhookevent/"


def made(payment, *, key="evt_1", state="applied", **facts):
    fact = {"kind": "refund", "outcome": "approved", "amount_minor": 1000, "reference": "ref_1", "authorization": "x"}
    return WebhookEvent.objects.create(
        payment_method=payment.payment_method,
        dedupe_key=key,
        type="refund.succeeded",
        payload={"data": {"amount": 1000, "note": "<b>hello</b>"}},
        facts=[fact | {"order_id": f"{payment.order.number}-{payment.number}", "next_action": {"url": "https://x.y"}}],
        verified_by="signature",
        state=state,
        payment=payment if state == "applied" else None,
        **facts,
    )


def page(event):
    return reverse("admin:payments_webhookevent_change", args=[event.pk])


def test_the_list_shows_searches_and_narrows(staff):  # noqa: F811
    client = staff("view_webhookevent")
    payment = purchased("20.00")
    made(payment)
    made(payment, key="evt_2", state="unmatched", last_error="No payment was found.")
    assert "evt_1" in text_of(client.get(LIST))
    for query, sees in {
        "view=stuck": {"evt_2"},
        "state=applied": {"evt_1"},
        "q=evt_2": {"evt_2"},
        f"q={payment.number}": {"evt_1"},
        f"q={payment.order.number}": {"evt_1"},
        "received_from=2999-01-01": set(),
        f"method={payment.payment_method_id}": {"evt_1", "evt_2"},
        "q=nothing": set(),
    }.items():
        text = text_of(client.get(f"{LIST}?{query}"))
        table = text.split("More filters")[-1]
        assert {key for key in ("evt_1", "evt_2") if key in table} == sees, query


def test_the_list_goes_by_pages(staff, django_assert_max_num_queries):  # noqa: F811
    client = staff("view_webhookevent")
    payment = purchased("20.00")
    for number in range(60):
        made(payment, key=f"evt_{number:02}")
    client.get(LIST)  # Whoever comes first writes the admin's theme.
    with django_assert_max_num_queries(9):
        first = client.get(LIST).content.decode()
    older = first.split('rel="next"')[0].rsplit('href="', 1)[1].split('"')[0]
    assert "evt_59" in first
    assert "evt_05" in text_of(client.get(LIST + older.replace("&amp;", "&")))


def test_the_payload_is_for_those_who_may_see_it(staff):  # noqa: F811
    event = made(purchased("20.00"))
    text = text_of(staff("view_webhookevent").get(page(event)))
    assert "hello" not in text
    assert "ref_1" not in text
    response = staff("view_webhookevent", "see_payloads_payment", name="rosa").get(page(event))
    assert "&lt;b&gt;hello" in response.content.decode()
    assert "ref_1" in text_of(response)
    assert "x.y" not in text_of(response)


def test_the_page_says_why(staff):  # noqa: F811
    event = made(purchased("20.00"), state="dead", last_error="No payment was found for this refund.", tries=6)
    assert "No payment was found for this refund." in text_of(staff("view_webhookevent").get(page(event)))


def test_a_parked_event_is_replayed_by_a_button(staff):  # noqa: F811
    payment = purchased("20.00")
    event = made(payment, state="dead", tries=6, last_error="No payment was found.")
    client = staff("view_webhookevent", "recover_payment")
    assert "Replay" in text_of(client.get(page(event)))
    button = reverse("admin:payments_webhookevent_replay", args=[event.pk])
    assert client.get(button).status_code == 405
    assert "done." in text_of(client.post(button, follow=True))
    event.refresh_from_db()
    payment.refresh_from_db()
    assert (event.state, event.payment, event.last_error) == ("applied", payment, "")
    assert str(payment.refunded_amount.amount) == "10.00"
    learned = payment.operations.get(kind="refund")
    assert (learned.origin, learned.user) == ("webhook", client.user)
    assert "nothing has changed" in text_of(client.post(button, follow=True))
    assert payment.operations.count() == 2


def test_what_cannot_be_used_says_so_again(staff):  # noqa: F811
    event = made(purchased("20.00"), state="dead", tries=6)
    event.facts[0] |= {"order_id": "", "authorization": "nobody"}
    event.save()
    client = staff("view_webhookevent", "recover_payment")
    said = text_of(client.post(reverse("admin:payments_webhookevent_replay", args=[event.pk]), follow=True))
    assert "could not be used" in said


def test_who_may_not_recover_may_not_replay(staff):  # noqa: F811
    event = made(purchased("20.00"), state="dead", next_try_at=timezone.now())
    client = staff("view_webhookevent")
    assert "Replay" not in text_of(client.get(page(event)))
    assert client.post(reverse("admin:payments_webhookevent_replay", args=[event.pk])).status_code == 403


# On the payment's own page


def test_a_payments_page_shows_what_the_provider_told_and_replays_it(staff):  # noqa: F811
    payment = purchased("20.00")
    event = made(payment, last_error="It was too early.")
    where = reverse("admin:payments_payment_change", args=[payment.pk])
    html = staff("view_payment", "view_webhookevent", "recover_payment").get(where).content.decode()
    for part in ("What the provider told us", "refund.succeeded", page(event), "It was too early.", "its signature"):
        assert part in html
    assert reverse("admin:payments_webhookevent_replay", args=[event.pk]) in html
    assert f"{LIST}?q={payment.number}" in html


def test_a_payments_page_keeps_it_from_who_may_not_see_it(staff):  # noqa: F811
    payment = purchased("20.00")
    event = made(payment)
    where = reverse("admin:payments_payment_change", args=[payment.pk])
    assert "What the provider told us" not in text_of(staff("view_payment").get(where))
    html = staff("view_payment", "view_webhookevent", name="rosa").get(where).content.decode()
    assert page(event) in html
    assert "replay" not in html
