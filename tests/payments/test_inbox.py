"""The inbox: what is stored, once; what it does to the money; what is answered; and what is tried again."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import Error as DatabaseError
from django.test import Client
from django.utils import timezone

from payments import inbox
from payments.models import Operation, Reaction, WebhookEvent
from payments.models.webhook_event import PAUSES
from payments.simulator.webhooks import HEADER, signature
from tests.counting import statements
from tests.factories import make_order
from tests.payments.inbox_shop import CONFIG, SECRETS, Provider, card, post, wired_method

pytestmark = pytest.mark.django_db
HOOK = "/payments/webhooks/card/"


@pytest.fixture
def provider(settings):
    made = Provider(settings)
    yield made
    made.engine.close()


@pytest.fixture
def method(provider):
    return wired_method()


def signed(body, secret=SECRETS["WIRED_HOOK"], at=None):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return raw, {HEADER: signature(secret, raw, at or int(timezone.now().timestamp()))}


def event_about(about, kind="purchase", *, event="evt_1", **changes):
    """A notice as the simulator would write it."""
    action = {
        "id": "cap_1",
        "kind": kind,
        "status": "succeeded",
        "amount": 4800,
        "currency": "USD",
        "payment": "pay_1",
        "order_id": f"{about.order.number}-{about.number}" if about else "",
        "changed": "2026-11-20T10:00:00.000Z",
    }
    both = {"action": action | changes, "payment": {"status": "captured"}}
    return {"id": event, "type": f"{kind}.succeeded", "created": "2026-11-20T10:00:00.000Z", "data": both}


def paid(method, *, total="48.00", source=None):
    order = make_order(total)
    payment = order.add_payment(method, source=source or card())
    order.complete()
    payment.refresh_from_db()
    return payment


def everything():
    """All that an event could have changed."""
    rows = [list(model._base_manager.order_by("pk").values()) for model in (WebhookEvent, Operation, Reaction)]
    orders = [list(model._base_manager.order_by("pk").values()) for model in (Operation.payment.field.related_model,)]
    return rows + orders


# What is answered


def test_a_signed_notice_is_stored_applied_and_answered(provider, method):
    payment = paid(method)
    assert provider.deliver_due() == 1
    event = WebhookEvent.objects.get()

    assert [status for *_said, status in provider.posted] == [200]
    assert (event.state, event.verified_by, event.payment) == ("applied", "signature", payment)
    assert list(event.operations.all()) == list(payment.operations.all())
    assert event.type == "purchase.succeeded"
    assert event.payload["data"]["action"]["amount"] == 4800
    assert payment.operations.count() == 1


def test_both_addresses_work_and_a_stray_header_is_ignored(method):
    body, headers = signed(event_about(None))
    assert post(HOOK.rstrip("/"), body, headers | {"Authorization": "Bearer nonsense"}) == 200
    assert post(HOOK, body, headers) == 200
    assert WebhookEvent.objects.count() == 1


@pytest.mark.parametrize("verb", ["get", "put", "delete", "head"])
def test_only_post_is_for_notices(method, verb):
    assert getattr(Client(), verb)(HOOK).status_code == 405


def test_a_method_that_nobody_knows_is_not_found(provider):
    body, headers = signed(event_about(None))
    assert post("/payments/webhooks/nobody/", body, headers) == 404
    wired_method(code="bogus", gateway="bogus", config={})
    assert post("/payments/webhooks/bogus/", body, headers) == 404


def test_what_is_not_signed_is_refused_and_nothing_is_kept(method, caplog):
    good, headers = signed(event_about(None))
    forged, wrong = signed(event_about(None), secret="whsec_mallory")
    assert post(HOOK, good) == 400
    assert post(HOOK, good, {HEADER: "t=1,v1=aa"}) == 400
    assert post(HOOK, good + b" ", headers) == 400
    assert post(HOOK, forged, wrong) == 400
    old, stale = signed(event_about(None), at=int(timezone.now().timestamp()) - 4000)
    assert post(HOOK, old, stale) == 400
    assert WebhookEvent.objects.count() == 0
    assert SECRETS["WIRED_HOOK"] not in caplog.text


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff\xfe", b"[" * 50_000])
def test_what_cannot_be_read_is_refused(method, body):
    assert post(HOOK, *signed(body)) == 400
    assert WebhookEvent.objects.count() == 0


def test_a_text_that_no_database_takes_is_unreadable_or_stored(method):
    said = event_about(None, event="evt_\x00")
    assert post(HOOK, *signed(said)) in (200, 400)


def test_too_much_is_refused_unread(method):
    body, headers = signed(b" " * 65_537)
    assert post(HOOK, body, headers) == 413
    assert post(HOOK, body, headers, CONTENT_LENGTH="1" * 5_000) == 413
    fits = json.dumps(event_about(None)).encode()
    assert post(HOOK, *signed(fits + b" " * (65_536 - len(fits)))) == 200


def test_no_more_than_the_limit_is_read(rf, method):
    from payments.views import LARGEST_BODY, webhook

    class Pipe:
        took = 0

        def read(self, size=-1):
            assert 0 <= size <= LARGEST_BODY + 1
            self.took += size
            return b" " * size

    pipe = Pipe()
    request = rf.post(HOOK, b"", content_type="application/json")
    request._stream, request.META["CONTENT_LENGTH"] = pipe, "10"
    assert webhook(request, "card").status_code == 413
    assert pipe.took == LARGEST_BODY + 1


def test_who_cannot_verify_says_so_and_the_provider_comes_again(provider, method, settings):
    settings.PAYMENT_SECRETS = {}
    assert post(HOOK, *signed(event_about(None))) == 503
    settings.PAYMENT_SECRETS = SECRETS
    assert post(HOOK, *signed(event_about(None))) == 200


def test_who_cannot_store_says_so(method, monkeypatch):
    def broken(*_args, **_more):
        raise DatabaseError("The disk is full.")

    assert post(HOOK, *signed(event_about(None))) == 200  # The method is known from now on.
    monkeypatch.setattr("django.db.backends.utils.CursorWrapper.execute", broken)
    assert post(HOOK, *signed(event_about(None, event="evt_2"))) == 503


# Once


def test_a_new_event_is_received_with_one_insert_and_a_repeated_one_costs_one_statement(method):
    payment = paid(method)
    assert post(HOOK, *signed(event_about(None, event="evt_0", kind="void"))) == 200
    body, headers = signed(event_about(payment))
    with statements() as ran:
        assert post(HOOK, body, headers) == 200
    inserts = [sql for sql in ran if '"payments_webhookevent"' in sql and "INSERT" in sql]
    assert len(inserts) == 1
    assert "ON CONFLICT DO NOTHING" in inserts[0]
    assert ran[0] == inserts[0]
    with statements() as ran:
        assert post(HOOK, body, headers) == 200
    assert len(ran) == 1


def test_the_settings_of_a_method_may_change_at_any_time(provider, method, settings):
    settings.PAYMENT_SECRETS = {**SECRETS, "NEW_HOOK": "whsec_new"}
    assert post(HOOK, *signed(event_about(None))) == 200
    method.config = {**CONFIG, "webhook_secret": "NEW_HOOK"}
    method.save()
    assert post(HOOK, *signed(event_about(None, event="evt_2"), secret="whsec_new")) == 200
    method.config = CONFIG
    method.save()
    assert post(HOOK, *signed(event_about(None, event="evt_3"), secret="whsec_new")) == 400
    WebhookEvent.objects.all().delete()
    method.delete()
    assert post(HOOK, *signed(event_about(None, event="evt_4"))) == 404


def test_a_secret_and_a_gateway_may_be_changed_where_no_row_says_so(provider, method, settings):
    assert post(HOOK, *signed(event_about(None))) == 200
    settings.PAYMENT_SECRETS = {**SECRETS, "WIRED_HOOK": "whsec_new"}
    assert post(HOOK, *signed(event_about(None, event="evt_2"))) == 400
    assert post(HOOK, *signed(event_about(None, event="evt_2"), secret="whsec_new")) == 200
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "wired": "payments.gateways.check.CheckGateway"}
    assert post(HOOK, *signed(event_about(None, event="evt_3"), secret="whsec_new")) == 503
    settings.PAYMENT_GATEWAYS = {name: path for name, path in settings.PAYMENT_GATEWAYS.items() if name != "wired"}
    assert post(HOOK, *signed(event_about(None, event="evt_3"), secret="whsec_new")) == 503
    assert WebhookEvent.objects.count() == 2


@pytest.mark.parametrize("kind", ["dispute", "refund"])  # Ignored, and parked.
def test_what_was_received_is_given_as_it_was_stored(provider, method, kind):
    body, headers = signed(event_about(None, kind=kind))
    [event] = inbox.receive("card", headers, body)
    stored = WebhookEvent.objects.get()
    for field in WebhookEvent._meta.concrete_fields:
        assert getattr(event, field.attname) == getattr(stored, field.attname), field.name
    assert event == stored
    assert event.payment_method == method
    assert inbox.receive("card", headers, body) == []


def test_the_same_id_from_another_method_is_another_event(provider, method):
    wired_method(name="Other", code="other")
    body, headers = signed(event_about(None))
    assert [post(HOOK, body, headers), post("/payments/webhooks/other/", body, headers)] == [200, 200]
    assert WebhookEvent.objects.count() == 2


# Which payment


def test_it_is_found_by_our_key_our_name_for_it_and_the_providers_handle(provider, method):
    payment = paid(method)
    operation = payment.operations.get()
    named = {"order_id": "", "payment": ""}
    for number, facts in enumerate(
        (
            named | {"idempotency_key": operation.idempotency_key},
            named | {"order_id": f"{payment.order.number}-{payment.number}"},
            named | {"payment": payment.response_code},
        )
    ):
        said = event_about(None, event=f"evt_{number}", **({"id": operation.reference} | facts))
        assert post(HOOK, *signed(said)) == 200
        assert WebhookEvent.objects.get(dedupe_key=f"evt_{number}").payment == payment
    assert payment.operations.count() == 1


def test_the_handle_of_an_earlier_attempt_names_its_payment(provider, method):
    payment = paid(method)
    earlier = payment.response_code
    payment.authorize()  # A second attempt: the payment's own handle is the newest.
    payment.refresh_from_db()
    assert payment.response_code != earlier
    said = event_about(None, kind="refund", payment=earlier)
    assert post(HOOK, *signed(said)) == 200
    assert WebhookEvent.objects.get().payment == payment


def test_another_methods_payment_is_none_of_its_business(provider, method):
    payment = paid(method)
    wired_method(name="Other", code="other")
    said = event_about(payment, kind="refund", idempotency_key=payment.operations.get().idempotency_key)
    said["data"]["action"]["payment"] = payment.response_code
    assert post("/payments/webhooks/other/", *signed(said)) == 200
    assert WebhookEvent.objects.get().state == "unmatched"
    assert payment.operations.count() == 1


def test_a_handle_that_two_payments_have_names_none(provider, method):
    from payments.models import Payment

    first, second = paid(method), paid(method)
    Payment.objects.filter(pk=second.pk).update(response_code=first.response_code)
    said = event_about(None, kind="refund", payment=first.response_code)
    assert post(HOOK, *signed(said)) == 200
    assert WebhookEvent.objects.get().state == "unmatched"


def test_each_lookup_goes_through_an_index(provider, method):
    from django.db import connection

    if connection.vendor != "sqlite":
        pytest.skip("a plan of an empty table says nothing there")
    payment = paid(method)
    facts = WebhookEvent(facts=[{"kind": "refund", "outcome": "approved", "authorization": "pay_x"}])
    facts.facts.append({**facts.facts[0], "idempotency_key": "no", "order_id": f"{payment.order.number}-NOBODY22"})
    with statements() as ran:
        assert [inbox.find_payment(method, fact) for fact in facts.read_facts()] == [None, None]
    for sql in ran:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
        assert "SCAN" not in plan, plan


# Parked, and tried again


def test_an_event_of_an_unknown_payment_is_parked_tried_again_and_left_to_staff(provider, method):
    with time_machine.travel(timezone.now(), tick=False) as clock:
        assert post(HOOK, *signed(event_about(None))) == 200
        event = WebhookEvent.objects.get()
        assert (event.state, event.tries, event.is_parked) == ("unmatched", 1, True)
        assert event.next_try_at == timezone.now() + PAUSES[0]
        assert list(inbox.retry_due()) == []
        for pause in PAUSES:
            clock.shift(pause)
            assert len(list(inbox.retry_due())) == 1
        event.refresh_from_db()
        assert (event.state, event.tries, event.next_try_at) == ("dead", 6, None)
        clock.shift(timedelta(days=30))
        assert list(inbox.retry_due()) == []


def test_a_payment_that_comes_later_is_found_then(provider, method):
    payment = paid(method)
    said = event_about(payment, kind="refund", event="evt_late")
    number, payment.number = payment.number, "LATER222"
    payment.save(update_fields=["number"])
    assert post(HOOK, *signed(said)) == 200
    assert WebhookEvent.objects.get().state == "unmatched"
    payment.number = number
    payment.save(update_fields=["number"])
    WebhookEvent.objects.update(next_try_at=timezone.now())
    [event] = inbox.retry_due()
    assert (event.state, event.payment, event.last_error) == ("applied", payment, "")
    payment.refresh_from_db()
    assert str(payment.refunded_amount.amount) == "48.00"


def test_an_event_whose_user_was_killed_is_used_in_the_end(provider, method):
    payment = paid(method)
    provider.deliver_due()
    WebhookEvent.objects.update(state="received", next_try_at=timezone.now(), payment=None)
    [event] = inbox.retry_due()
    assert (event.state, event.payment) == ("applied", payment)


def test_what_cannot_be_applied_is_kept_and_says_why(provider, method):
    payment = paid(method)
    said = event_about(payment, kind="refund")
    assert post(HOOK, *signed(said)) == 200
    event = WebhookEvent.objects.get()
    event.facts = [{"kind": "refund", "outcome": "approved", "colour": "green"}]
    event.state, event.next_try_at = "received", timezone.now()
    event.save()
    [event] = inbox.retry_due()
    assert (event.state, event.last_error) == ("failed", "TypeError")


def test_what_we_have_no_word_for_is_ignored(method):
    said = event_about(None, kind="dispute")
    assert post(HOOK, *signed(said)) == 200
    assert WebhookEvent.objects.get().state == "ignored"


def test_a_fact_in_another_currency_is_for_staff(provider, method):
    payment = paid(method)
    assert post(HOOK, *signed(event_about(payment, kind="refund", currency="EUR"))) == 200
    payment.refresh_from_db()
    assert "EUR" in payment.review_reason
    assert WebhookEvent.objects.get().payment == payment


@pytest.mark.parametrize("kind", ["purchase", "capture", "refund", "void"])
def test_a_notice_that_is_quicker_than_the_answer_is_the_same_deed(provider, kind):
    method = wired_method(auto_capture=kind in ("purchase", "refund"))
    provider.fault({"fault": "webhook_early", "times": 0})
    payment = paid(method)
    if kind == "capture":
        payment.capture()
    elif kind == "refund":
        payment.refund("8.00")
    elif kind == "void":
        payment.void_transaction()
    provider.deliver_due()
    assert len(provider.posted) == WebhookEvent.objects.filter(state="applied").count() > 0
    assert [each.state for each in payment.operations.all()] == ["succeeded"] * payment.operations.count()
    assert payment.operations.filter(idempotency_key="").count() == 0
    assert payment.operations.filter(kind=kind).count() == 1
    assert Reaction.objects.filter(topic="order.completed").count() == 1


# Replaying


def test_replaying_any_event_or_the_whole_inbox_changes_nothing(provider, method):
    payment = paid(method)
    payment.refund("8.00")
    provider.deed(payment, "refund", amount=1000)
    provider.deliver_due()
    post(HOOK, *signed(event_about(None, kind="dispute", event="evt_ignored")))
    assert {event.state for event in WebhookEvent.objects.all()} == {"applied", "ignored"}
    before = everything()
    for event in WebhookEvent.objects.all():
        inbox.replay(event)
    assert len(list(inbox.replay_all())) == 4
    assert everything() == before
    payment.refresh_from_db()
    assert str(payment.refunded_amount.amount) == "18.00"


# The command


def run(*arguments):
    said = StringIO()
    try:
        call_command("retry_webhooks", *arguments, stdout=said)
    except SystemExit as ended:
        return int(str(ended.code)), said.getvalue()
    return 0, said.getvalue()


def test_the_command_uses_what_is_due(provider, method):
    payment = paid(method)
    provider.deliver_due()
    WebhookEvent.objects.update(state="received", next_try_at=timezone.now(), payment=None)
    code, said = run("--dry-run")
    assert (code, "received" in said, WebhookEvent.objects.get().state) == (0, True, "received")
    assert run("--method", "other") == (0, "No event is due.\n")
    code, said = run("--json")
    assert (code, json.loads(said)["payment"], json.loads(said)["state"]) == (0, payment.number, "applied")
    assert run() == (0, "No event is due.\n")


def test_the_command_says_what_could_not_be_used(method):
    post(HOOK, *signed(event_about(None)))
    WebhookEvent.objects.update(next_try_at=timezone.now())
    code, said = run("--limit", "1")
    assert (code, "No payment was found for this purchase." in said) == (1, True)
    with pytest.raises(CommandError):
        run("--limit", "0")


def test_the_command_replays_the_inbox(provider, method):
    paid(method).refund("8.00")
    provider.deliver_due()
    before = everything()
    assert run("--replay") == (0, run("--replay")[1])
    assert run("--replay", "--limit", "1")[1].count("\n") == 2
    assert run("--replay", "--dry-run")[1].endswith("2 applied\n")
    assert everything() == before
