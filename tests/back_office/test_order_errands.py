"""An order's page and its buttons: why it stands as it stands, what may be done, and by whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from orders.models import Order
from payments.actors import Actor
from payments.errors import GatewayUnavailable
from payments.models import CreditCard, PaymentMethod, RefundReason
from payments.wallet import Wallet
from tests.back_office.conftest import confirm, errand_page, filled_in, text_of
from tests.factories import card_recipe, make_method, make_order, make_payment
from tests.scripted import ScriptedGateway, declined, waiting

pytestmark = [pytest.mark.django_db, pytest.mark.once]
RIGHTS = (
    "view_order",
    "view_payment",
    "add_payment",
    "complete_order",
    "cancel_order",
    "resume_order",
    "ship_order",
    "approve_order",
    "note_order",
    "resend_order",
    "void_payment",
    "refund_payment",
)


@pytest.fixture
def clerk(staff):
    return staff(*RIGHTS)


def order_page(order):
    return reverse("admin:orders_order_change", args=[order.pk])


def placed(total="100.00", **method):
    payment = make_payment(order=make_order(total), method=make_method(**method))
    payment.order.complete()
    return payment


def fresh(order):
    return Order.objects.get(pk=order.pk)


# Why it stands as it stands


def sentence(clerk, order):
    return text_of(clerk.get(order_page(order)))


def test_an_order_that_is_not_complete_has_no_payment_state(clerk):
    assert "not complete yet, so it has no payment state" in sentence(clerk, make_order())


def test_balance_due_says_what_can_be_captured(clerk):
    said = sentence(clerk, placed().order)
    assert "Balance due: $0.00 of $100.00 was taken and kept. $100.00 more is authorized and can be captured." in said


def test_balance_due_says_what_waits_and_what_was_chosen(clerk):
    payment = placed()
    payment.void_transaction()
    other = make_payment(order=payment.order, method=payment.payment_method)
    assert "$100.00 has been chosen and not been asked for." in sentence(clerk, payment.order)
    ScriptedGateway.script = {"*": waiting()}
    other.authorize()
    assert "$100.00 waits for an answer." in sentence(clerk, payment.order)


def test_paid_failed_credit_owed_and_void_are_explained(clerk):
    taken = placed(auto_capture=True)
    assert "Paid: $100.00 was taken and kept, which is the total." in sentence(clerk, taken.order)
    taken.order.cancel()
    assert "Void: the order is canceled" in sentence(clerk, taken.order)

    let_go = placed()
    let_go.void_transaction()
    assert "Failed: none of its payments counts any more, and $100.00 is outstanding." in sentence(clerk, let_go.order)

    kept = placed(auto_capture=True)
    ScriptedGateway.script = {"*": declined()}
    with pytest.raises(Exception, match="Declined"):
        kept.order.cancel()
    assert "Credit owed: the order is canceled, and $100.00" in sentence(clerk, kept.order)


def test_the_timeline_tells_all_of_it_newest_first(clerk):
    order = placed(auto_capture=True).order
    order.add_note("Rang her about the size.", by=Actor("staff", clerk.user))
    order.payments.get().refund("10.00", reason=RefundReason.objects.create(name="Price adjusted"))
    said = sentence(clerk, order)
    told = [
        said.index(words)
        for words in ("Reason: Price adjusted", "Rang her about the size.", "confirm → complete", "Purchase")
    ]
    assert told == sorted(told)
    assert "by mira (staff)" in said
    assert "Confirmation to the customer" in said


def test_a_letter_that_fails_is_on_the_timeline(clerk, settings, django_capture_on_commit_callbacks):
    settings.REACTIONS = {"order.completed": ["tests.back_office.test_order_errands.broken"]}
    with django_capture_on_commit_callbacks(execute=True):
        order = placed(auto_capture=True).order
    assert "failing, tried 1 times" in sentence(clerk, order)


def broken(reaction):
    raise RuntimeError("The mail server is down.")


# The errands


def test_completing_charges_what_waits(clerk):
    payment = make_payment(order=make_order("100.00"))
    page = clerk.get(errand_page(payment.order, "complete"))
    assert "$100.00 is reserved on the customer's visa" in text_of(page)
    assert "The order is complete." in text_of(confirm(clerk, payment.order, "complete"))
    assert fresh(payment.order).state == "complete"
    assert payment.operations.get().actor == Actor("staff", clerk.user)


def test_what_keeps_an_order_from_being_completed_is_said(clerk):
    payment = make_payment("40.00", order=make_order("100.00"))
    assert "$60.00 is missing" in text_of(confirm(clerk, payment.order, "complete"))
    ScriptedGateway.script = {"*": GatewayUnavailable("lost")}
    other = make_payment(order=make_order("100.00"), method=payment.payment_method)
    assert "nobody knows yet" in text_of(confirm(clerk, other.order, "complete"))


def test_canceling_says_and_undoes_payment_by_payment(clerk):
    payment = placed()
    page = text_of(clerk.get(errand_page(payment.order, "cancel")))
    assert "It is a void: $100.00 is reserved and not taken" in page
    confirm(clerk, payment.order, "cancel", reason="Out of stock.")
    payment.refresh_from_db()
    assert (fresh(payment.order).state, payment.state) == ("canceled", "void")
    assert payment.order.events.get(after="canceled").note == "Out of stock."


def test_canceling_what_changed_since_is_not_done(clerk):
    payment = placed()
    fields = filled_in(clerk.get(errand_page(payment.order, "cancel"))) | {"confirm": "1"}
    payment.capture()
    answer = clerk.post(errand_page(payment.order, "cancel"), fields)
    assert "Nothing was done" in text_of(answer)
    assert "taken back whole" in text_of(answer)
    assert fresh(payment.order).state == "complete"


def test_canceling_takes_the_rights_to_void_and_refund(staff):
    payment = placed()
    clerk = staff("view_order", "cancel_order")
    assert "which you may not do" in text_of(clerk.get(errand_page(payment.order, "cancel")))
    clerk.post(errand_page(payment.order, "cancel"), {"confirm": "1", "reason": ""})
    assert fresh(payment.order).state == "complete"


def test_a_shipped_order_is_not_canceled(clerk):
    order = placed(auto_capture=True).order
    answer = confirm(clerk, order, "ship", tracking="1Z999")
    assert "marked as shipped" in text_of(answer)
    assert "1Z999" in text_of(answer)
    assert fresh(order).shipped_at <= timezone.now()
    assert "The order was shipped" in text_of(clerk.get(errand_page(order, "cancel")))
    with pytest.raises(Exception, match="was shipped"):
        fresh(order).cancel()


def test_shipping_is_not_in_the_future_and_only_of_complete_orders(clerk):
    order = placed(auto_capture=True).order
    tomorrow = (timezone.localtime() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    assert "still to come" in text_of(confirm(clerk, order, "ship", at=tomorrow))
    assert fresh(order).shipped_at is None
    assert "Only a complete order is shipped." in text_of(clerk.get(errand_page(make_order(), "ship")))


def test_a_canceled_order_is_resumed(clerk):
    order = placed(auto_capture=True).order
    order.cancel()
    confirm(clerk, order, "resume")
    assert fresh(order).state == "complete"


def test_a_risky_order_is_approved_once(clerk):
    order = placed(auto_capture=True).order
    assert "None of its payments is risky." in text_of(clerk.get(errand_page(order, "approve")))
    order.payments.update(avs_response="N")
    confirm(clerk, order, "approve", note="Known customer.")
    assert fresh(order).approved_at
    assert "It is approved already." in text_of(clerk.get(errand_page(order, "approve")))
    assert order.events.get(name="approved").note == "Known customer."


def test_a_note_is_kept(clerk):
    order = make_order()
    assert "This field is required." in text_of(confirm(clerk, order, "note", note="  "))
    confirm(clerk, order, "note", note="Rang her.")
    event = order.events.get(name="note")
    assert (event.note, event.actor) == ("Rang her.", Actor("staff", clerk.user))


def test_the_confirmation_is_sent_again_each_time_it_is_asked_for(
    clerk, mailoutbox, django_capture_on_commit_callbacks
):
    order = placed(auto_capture=True).order
    for _time in range(2):
        with django_capture_on_commit_callbacks(execute=True):
            confirm(clerk, order, "resend")
    assert [mail.to for mail in mailoutbox] == [["ada@example.com"]] * 2
    assert "nothing to confirm yet" in text_of(clerk.get(errand_page(make_order(), "resend")))


# Adding a payment


def test_a_payment_is_added_with_an_earlier_card_for_what_is_outstanding(clerk):
    payment = placed()
    payment.void_transaction()
    page = clerk.get(errand_page(payment.order, "add_payment"))
    fields = filled_in(page)
    assert (fields["method"], fields["source"], fields["amount"]) == (
        str(payment.payment_method_id),
        str(payment.source_id),
        "100.00",
    )
    answer = confirm(clerk, payment.order, "add_payment")
    added = payment.order.payments.latest("id")
    assert f"Payment {added.number} was added" in text_of(answer)
    assert (added.state, added.source, added.amount.amount) == ("checkout", payment.source, 100)


def test_a_payment_with_a_test_card_advances_the_order(clerk):
    """Solidus W 331."""
    order = make_order("100.00")
    make_method(gateway="bogus", name="Test card")
    card = {"source": "new", "number": "4111 1111 1111 1111", "month": "12", "year": "2030", "name": "Ada Byron"}
    confirm(clerk, order, "add_payment", **card)
    payment = order.payments.get()
    assert (payment.state, payment.source.token, fresh(order).state) == ("checkout", "BGS-approves", "confirm")
    assert payment.source.last_four == "1111"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"number": ""}, "This is needed for a new card."),  # Solidus W 332.
        ({"number": "4111111111111112"}, "wrong digit"),
        ({"year": "2001"}, "This card has expired."),
        ({"month": "13"}, "less than or equal to 12"),
        ({"amount": "-1"}, "more than nothing"),
        ({"amount": "ten"}, "errorlist"),
        ({"amount": "1.234"}, "errorlist"),
    ],
)
def test_a_card_that_cannot_be_is_said_and_nothing_is_kept(clerk, changes, said):
    order = make_order("100.00")
    make_method(gateway="bogus", name="Test card")
    card = {"source": "new", "number": "4111111111111111", "month": "12", "year": "2030", "name": "Ada Byron"}
    answer = confirm(clerk, order, "add_payment", **(card | changes))
    assert said in answer.content.decode()
    assert not order.payments.exists()
    assert not CreditCard.objects.exists()


def test_a_card_number_is_never_shown_again(clerk):
    order = make_order("100.00")
    make_method(gateway="bogus", name="Test card")
    card = {"source": "new", "number": "4111111111111111", "month": "12", "year": "2030", "name": "Ada Byron"}
    confirm(clerk, order, "add_payment", **card)
    assert "4111111111111111" not in clerk.get(order_page(order)).content.decode()


def test_methods_are_offered_in_their_order_and_hidden_ones_are_not(clerk):
    """Solidus W 330."""
    order = make_order("100.00")
    assert "No payment method is offered to staff." in text_of(clerk.get(errand_page(order, "add_payment")))
    make_method(name="Second", position=2)
    make_method(name="First", position=1)
    make_method(name="Off", active=False)
    make_method(name="Customers only", available_to_staff=False)
    page = text_of(clerk.get(errand_page(order, "add_payment")))
    assert page.index("First") < page.index("Second")
    assert "Off " not in page
    assert "Customers only" not in page


def test_a_check_needs_no_card(clerk):
    order = make_order("100.00")
    method = PaymentMethod.objects.create(name="Check", gateway="check")
    confirm(clerk, order, "add_payment", method=str(method.pk))
    assert order.payments.get().source is None


def test_a_card_of_the_customer_is_offered(clerk, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    Wallet(ada).add(card_recipe.make(user=ada, last_four="9999"))
    Wallet(ada).add(card_recipe.make(user=ada, last_four="7777"))
    card_recipe.make(user=ada, last_four="8888")  # Paid with once, and not kept.
    order = make_order("100.00", user=ada)
    make_method()
    page = text_of(clerk.get(errand_page(order, "add_payment")))
    assert page.index("9999") < page.index("7777")  # The default is offered first.
    assert "8888" not in page
    confirm(clerk, order, "add_payment")
    assert order.payments.get().source.last_four == "9999"


def test_a_card_that_another_provider_keeps_is_not_charged_by_this_one(clerk, django_user_model):
    ada = django_user_model.objects.create_user("ada")
    method, other = make_method(), make_method(name="Other")
    Wallet(ada).add(card_recipe.make(user=ada, payment_method=other))
    order = make_order("100.00", user=ada)
    answer = confirm(clerk, order, "add_payment", method=str(method.pk))
    assert "This card is kept for Other." in text_of(answer)
    confirm(clerk, order, "add_payment", method=str(other.pk))
    assert order.payments.get().payment_method == other


def test_a_second_click_adds_no_second_payment(clerk):
    order = make_order("100.00")
    PaymentMethod.objects.create(name="Check", gateway="check")
    fields = filled_in(clerk.get(errand_page(order, "add_payment"))) | {"confirm": "1"}
    for _click in range(2):
        clerk.post(errand_page(order, "add_payment"), fields)
    assert order.payments.count() == 1


def test_what_is_not_there_is_not_found(clerk):
    order = make_order()
    assert clerk.get(errand_page(order, "explode")).status_code == 404
    assert clerk.get(reverse("admin:orders_order_errand", args=[99999, "note"])).status_code == 404
    assert clerk.get(order_page(order).replace(f"/{order.pk}/", "/x/")).status_code == 302
