"""The order: totals from rows, checkout step by step, completing, canceling, and what it is paid."""

import pytest
from django_fsm import TransitionNotAllowed
from djmoney.money import Money

from orders.errors import CannotComplete
from orders.models import Address, Order
from payments.actors import Actor
from payments.errors import GatewayUnavailable, InvalidAmount, PaymentBusy, PaymentDeclined
from payments.models import Payment
from payments.payable import Payable
from tests.factories import fact, make_method, make_order, make_payment
from tests.scripted import declined, ok, waiting

pytestmark = pytest.mark.django_db


def usd(amount):
    return Money(amount, "USD")


def fresh(order):
    return Order.objects.get(pk=order.pk)


# Totals


def test_totals_are_sums_of_rows():
    order = make_order("24.00")
    order.add_line("Mug", unit_price="5.50", quantity=3, sku="MUG")
    order.add_adjustment("shipping", "7.50", "Post")
    order.add_adjustment("tax", "3.33", "Sales tax")
    order.add_adjustment("included_tax", "1.00", "VAT")
    order.add_adjustment("promotion", "-1.25", "TIDE10")

    for seen in (order, fresh(order)):
        assert seen.item_total == usd("40.50")
        assert (seen.shipment_total, seen.additional_tax_total) == (usd("7.50"), usd("3.33"))
        assert (seen.included_tax_total, seen.promo_total) == (usd("1.00"), usd("-1.25"))
        assert seen.total == usd("50.08")


@pytest.mark.parametrize(
    ("kind", "amount", "error"),
    [("promotion", "1", InvalidAmount), ("shipping", "-1", InvalidAmount), ("discount", "1", ValueError)],
)
def test_an_adjustment_of_the_wrong_sign_or_kind_is_refused(kind, amount, error):
    with pytest.raises(error):
        make_order().add_adjustment(kind, amount, "?")


@pytest.mark.parametrize("quantity", [0, -1, 1.5, True, "2"])
def test_a_quantity_is_a_whole_number_from_one_on(quantity):
    with pytest.raises(ValueError, match="whole"):
        make_order().add_line("Tee", unit_price="1", quantity=quantity)


def test_the_number_is_r_and_nine_digits_and_drawn_again_when_taken(monkeypatch):
    import secrets

    taken = make_order()
    assert taken.number[0] == "R"
    assert len(taken.number) == 10
    assert taken.number[1:].isdigit()
    draws = [int(taken.number[1:]), 123_456_789]
    monkeypatch.setattr(secrets, "randbelow", lambda limit: draws.pop(0))
    assert make_order().number == "R123456789"


def test_a_given_number_is_kept():
    assert make_order(number="R000000001").number == "R000000001"


def test_the_order_fulfils_what_payments_want_of_it():
    wanted = [name for name in dir(Payable) if not name.startswith("_")] + list(Payable.__annotations__)
    order = make_order()
    assert [name for name in wanted if not hasattr(order, name)] == []


# Checkout


def test_checkout_goes_step_by_step():
    order = make_order()
    steps = []
    while order.state != "confirm":
        order.next()
        steps.append(order.state)
    assert steps == ["address", "delivery", "payment", "confirm"]
    with pytest.raises(TransitionNotAllowed):
        order.next()


def test_nothing_to_pay_passes_payment_over():
    order = make_order("10.00")
    order.add_adjustment("promotion", "-10.00", "FREE")
    order.advance()
    assert order.state == "confirm"
    order.complete()
    assert (order.state, order.payment_state, order.payment_required) == ("complete", "paid", False)


@pytest.mark.parametrize(("facts", "reason"), [({"total": "0"}, "lines"), ({"email": ""}, "e-mail")])
def test_a_step_says_what_is_missing(facts, reason):
    order = make_order(**facts)
    order.advance()
    with pytest.raises(CannotComplete, match=reason):
        order.next()
    with pytest.raises(CannotComplete, match=reason):
        order.complete()


# Completing


@pytest.mark.parametrize(
    ("auto_capture", "payment_state", "state"), [(True, "paid", "completed"), (False, "balance_due", "pending")]
)
def test_completing_processes_the_payments(auto_capture, payment_state, state):
    order = make_order()
    make_payment(order=order, method=make_method(auto_capture=auto_capture))

    order.complete(by=Actor("checkout"))

    assert (order.state, order.payment_state) == ("complete", payment_state)
    assert order.completed_at
    assert order.payments.get().state == state
    assert order.payments.get().operations.get().actor == Actor("checkout")
    assert fresh(order).payment_state == payment_state


def test_completing_again_has_nothing_to_do(scripted):
    order = make_order()
    make_payment(order=order)
    order.complete()
    asked = len(scripted.calls)
    fresh(order).complete()
    assert len(scripted.calls) == asked


def test_no_payment_no_order():
    order = make_order()
    with pytest.raises(CannotComplete) as refusal:
        order.complete()
    assert refusal.value.reasons == ["No payment was found."]
    assert fresh(order).state == "confirm"


def test_payments_must_cover_the_total_before_anybody_is_asked(scripted):
    order = make_order()
    make_payment("1.00", order=order)

    with pytest.raises(CannotComplete, match=r"99\.00"):
        order.complete()

    assert scripted.calls == []
    assert fresh(order).state == "payment"


def test_an_order_that_somebody_sent_back_meanwhile_is_not_reported_as_complete(scripted):
    order = make_order()
    make_payment(order=order, method=make_method(gateway="check"), source=None)

    class SentBack(Order):
        """Between placing and finishing, the payment is voided and another completion sends the order back."""

        class Meta:
            app_label = "orders"
            proxy = True

        def ask_for_each(self, kind, *, by):
            Payment.objects.get(order=self.pk).void_transaction()
            with pytest.raises(CannotComplete):
                Order.objects.get(pk=self.pk).complete()

    with pytest.raises(CannotComplete, match="No payment"):
        SentBack.objects.get(pk=order.pk).complete()
    assert fresh(order).state == "payment"


def test_a_refusal_sends_the_customer_back_and_another_payment_may_try(scripted):
    order = make_order()
    first = make_payment(order=order)
    scripted.script["authorize"] = declined()
    with pytest.raises(PaymentDeclined):
        order.complete()
    assert (order.state, fresh(order).placed_at) == ("payment", None)

    scripted.script["authorize"] = ok()
    second = make_payment(order=order)
    order.complete()

    assert order.state == "complete"
    assert {payment.pk: payment.state for payment in order.payments.all()} == {first.pk: "failed", second.pk: "pending"}


def test_an_unknown_payment_keeps_the_order_in_confirm_and_nothing_more_is_charged(scripted):
    order = make_order()
    make_payment(order=order)
    scripted.script["authorize"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        order.complete()
    assert fresh(order).state == "confirm"

    scripted.calls.clear()
    with pytest.raises(PaymentBusy):
        fresh(order).complete()
    assert scripted.calls == []


def test_a_recovered_payment_finishes_the_order_that_was_placed(scripted):
    order = make_order()
    payment = make_payment(order=order)

    def lose(options):
        scripted.books[options["idempotency_key"]] = ok("A")
        raise GatewayUnavailable

    scripted.script["authorize"] = lose
    with pytest.raises(GatewayUnavailable):
        order.complete()

    payment.recover()

    assert (fresh(order).state, fresh(order).payment_state) == ("complete", "balance_due")


def test_a_waiting_payment_keeps_the_order_in_confirm_until_its_fact_comes(scripted):
    order = make_order()
    payment = make_payment(order=order, method=make_method(auto_capture=True))
    scripted.script["purchase"] = waiting("pi_1")

    order.complete()
    assert fresh(order).state == "confirm"
    fresh(order).complete()

    payment.apply(fact("purchase", amount_minor=10000, authorization="pi_1", reference="ch_1"), by=Actor("webhook"))
    assert (fresh(order).state, fresh(order).payment_state) == ("complete", "paid")
    assert fresh(order).events.get(after="complete").actor == Actor("webhook")


def test_a_fact_never_finishes_what_the_customer_has_not_placed(scripted):
    order = make_order()
    payment = make_payment(order=order)
    payment.purchase()
    assert (fresh(order).state, fresh(order).payment_total) == ("cart", usd(100))


def test_the_site_may_complete_over_a_gateway_error(scripted, settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "ALLOW_CHECKOUT_ON_GATEWAY_ERROR": True}
    order = make_order()
    make_payment(order=order)
    scripted.script["authorize"] = declined()

    order.complete()

    assert (order.state, order.payment_state) == ("complete", "failed")
    short = make_order()
    make_payment("1", order=short)
    with pytest.raises(CannotComplete):
        short.complete()


def test_a_check_completes_the_order_and_leaves_the_balance_due():
    order = make_order()
    order.add_payment(make_method(gateway="check"))
    order.complete()
    assert (order.state, order.payment_state, order.payments.get().state) == ("complete", "balance_due", "checkout")
    order.payments.get().capture()
    assert fresh(order).payment_state == "paid"


# Payments of an order


def test_a_new_payment_takes_what_is_not_covered_and_older_checkout_payments_become_invalid():
    order = make_order()
    first = make_payment(order=order)
    second = make_payment("30", order=order)
    assert {payment.pk: payment.state for payment in order.payments.all()} == {
        first.pk: "invalid",
        second.pk: "checkout",
    }
    second.authorize()
    assert make_payment(order=order).amount == usd(70)


def test_after_a_refund_there_is_more_to_pay():
    order = make_order()
    payment = make_payment(order=order)
    payment.purchase()
    assert make_payment(order=order).amount == usd(0)
    payment.refund("25")
    assert make_payment(order=order).amount == usd(25)


def test_processing_stops_when_the_total_is_covered(scripted):
    order = make_order()
    payments = [make_payment("100", order=order) for _ in range(2)]
    Payment.objects.filter(pk=payments[0].pk).update(state="checkout")
    order.capture_payments()
    assert [payment.state for payment in order.payments.all()] == ["completed", "checkout"]
    order.process_payments()
    order.authorize_payments()
    assert len(scripted.calls) == 1


def test_a_payment_that_somebody_else_settled_meanwhile_is_not_charged_again(scripted):
    order = make_order()
    payment = make_payment(order=order, method=make_method(auto_capture=True))
    stale = Payment.objects.get(pk=payment.pk)
    payment.purchase()
    assert stale.collect() is None
    assert len(scripted.calls) == 1


def test_the_first_refusal_stops_the_rest(scripted):
    order = make_order()
    payments = [make_payment("50", order=order) for _ in range(2)]
    Payment.objects.filter(pk=payments[0].pk).update(state="checkout")
    scripted.script["authorize"] = declined()
    with pytest.raises(PaymentDeclined):
        order.authorize_payments()
    assert [payment.state for payment in order.payments.all()] == ["failed", "checkout"]


@pytest.mark.parametrize(
    ("amount", "error"), [("1.001", InvalidAmount), (1.0, TypeError), (Money(1, "EUR"), InvalidAmount)]
)
def test_an_amount_that_does_not_fit_the_order_is_refused(amount, error):
    with pytest.raises(error):
        make_payment(amount)


def test_a_card_number_becomes_a_token_that_answers_the_same_elsewhere():
    from payments.models import CreditCard

    for number, state in {"4111111111111111": "pending", "4000000000000002": "failed"}.items():
        order = make_order()
        card = CreditCard.objects.create(number=number, verification_value="123", month=12, year=2030, name="Ada")
        payment = order.add_payment(make_method(gateway="bogus"), source=card)
        elsewhere = Payment.objects.get(pk=payment.pk)
        assert elsewhere.source.number == ""
        try:
            elsewhere.authorize()
        except PaymentDeclined:
            pass
        assert elsewhere.state == state


# Canceling


def test_cancel_voids_and_refunds_and_says_why(scripted):
    order = make_order()
    make_payment(order=order)
    order.complete()

    order.cancel("Changed their mind", by=Actor("staff"))

    assert (order.state, order.payment_state) == ("canceled", "void")
    event = order.events.get(after="canceled")
    assert (event.note, event.actor) == ("Changed their mind", Actor("staff"))
    assert order.outstanding_balance == usd(0)
    with pytest.raises(TransitionNotAllowed):
        order.complete()
    with pytest.raises(TransitionNotAllowed):
        make_payment(order=order)


def test_cancel_goes_on_after_trouble_and_finishes_when_called_again(scripted):
    order = make_order()
    for amount in ("60", "40"):
        make_payment(amount, order=order).authorize()
    order.complete()
    scripted.script["void"] = [declined("No."), ok()]

    with pytest.raises(PaymentDeclined, match="No"):
        order.cancel()
    assert [payment.state for payment in order.payments.all()] == ["pending", "void"]
    assert order.state == "canceled"

    scripted.script["void"] = ok()
    order.cancel()
    assert [payment.state for payment in order.payments.all()] == ["void", "void"]
    assert (fresh(order).payment_state, scripted.script) == ("void", {"void": ok()})


def test_cancel_reports_what_is_unknown(scripted):
    order = make_order()
    make_payment(order=order)
    order.complete()
    scripted.script["void"] = GatewayUnavailable
    with pytest.raises(GatewayUnavailable):
        order.cancel()
    with pytest.raises(PaymentBusy):
        order.cancel()


def test_cancel_makes_checkout_payments_invalid(scripted):
    order = make_order()
    order.add_payment(make_method(gateway="check"))
    order.complete()
    order.cancel()
    assert order.payments.get().state == "invalid"
    assert fresh(order).payment_state == "void"


def test_only_a_complete_order_is_canceled():
    with pytest.raises(TransitionNotAllowed):
        make_order().cancel()


def test_resume_takes_it_up_again():
    order = make_order()
    make_payment(order=order)
    order.complete()
    order.cancel()
    order.resume()
    assert (order.state, order.payment_state, order.canceled_at) == ("complete", "failed", None)
    assert make_payment(order=order).amount == usd(100)
    assert fresh(order).payment_state == "balance_due"


def test_money_that_comes_late_to_a_canceled_order_is_owed_and_flagged(scripted):
    order = make_order()
    payment = make_payment(order=order)
    order.complete()
    order.cancel()

    payment.apply(fact("capture", amount_minor=10000, authorization="GW-AUTHORIZE", reference="ch_9"))

    order = fresh(order)
    assert (order.payment_state, order.outstanding_balance) == ("credit_owed", usd(-100))
    assert order.review_reason


def test_the_timeline_shows_operations_and_events_with_their_actors(django_user_model):
    ada = django_user_model.objects.create_user("ada")
    order = make_order()
    make_payment(order=order)
    order.complete(by=Actor("checkout"))
    order.payments.get().capture(by=Actor("staff", ada))

    told = [(str(each).split()[0], each.actor) for each in order.timeline()]

    assert told == [
        ("authorize", Actor("checkout")),
        ("state:", Actor("checkout")),
        ("capture", Actor("staff", ada)),
    ]


def test_options_read_the_order_afresh_and_leave_unsaved_changes_alone():
    address = Address.objects.create(name="Ada", address1="Street 1", country="GB")
    order = make_order(bill_address=address, ship_address=address)
    payment = make_payment(order=order)
    Order.objects.filter(pk=order.pk).update(email="new@example.com")
    order.email = "unsaved@example.com"

    assert payment.gateway_options()["email"] == "new@example.com"
    assert order.email == "unsaved@example.com"
