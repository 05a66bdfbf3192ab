"""Payment methods in the admin: the form that the gateway's settings make, secrets by name, order, removal."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from payments.gateways.base import ConfigField, Gateway
from payments.models import Operation, Payment, PaymentMethod, Refund, RefundReason
from tests.factories import authorized, card_recipe, make_method, make_order

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SECRET = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"


class TypedGateway(Gateway):
    """Has a setting of every kind."""

    config_fields = (
        ConfigField(name="account", label="Account", required=True, help="As on the contract."),
        ConfigField(name="api_key", label="API key", required=True, secret=True),
        ConfigField(name="webhook_key", label="Webhook key", secret=True),
        ConfigField(name="retries", label="Retries", type=int),
        ConfigField(name="sandbox", label="Sandbox", type=bool),
        ConfigField(name="routes", label="Routes", type=list),
    )


@pytest.fixture(autouse=True)
def typed(settings, monkeypatch):
    settings.PAYMENT_GATEWAYS = {**settings.PAYMENT_GATEWAYS, "typed": f"{__name__}.TypedGateway"}
    settings.PAYMENT_SECRETS = {"TYPED_KEY": SECRET, "SECOND_KEY": SECRET[::-1]}
    monkeypatch.setenv("TYPED_HOOK_KEY", "whsec_1")


def page(name, *args):
    return reverse(f"admin:payments_paymentmethod_{name}", args=args)


def posted(method=None, **changes):
    facts = {"name": "Card", "code": "card", "description": "", "auto_capture": "unknown", "active": "on"}
    facts |= {"available_to_users": "on", "available_to_staff": "on"}
    if method is not None:
        facts |= {"name": method.name, "code": method.code, "gateway": method.gateway}
    return {name: value for name, value in (facts | changes).items() if value is not None}


def typed_post(**changes):
    facts = {"gateway": "typed", "config_account": "acct_1", "config_api_key": "TYPED_KEY", "config_retries": "3"}
    return posted(**facts | changes)


def typed_method(**config):
    config = {"account": "acct_1", "api_key": "TYPED_KEY", "sandbox": False} | config
    return make_method(gateway="typed", code="typed", config=config)


def errors(response):
    form = response.context["adminform"].form
    return {name: " ".join(lines) for name, lines in form.errors.items()}


# The form


def test_the_gateway_is_chosen_first(admin_client):
    content = admin_client.get(page("add")).content.decode()
    for key in ("bogus", "check", "typed"):
        assert f'href="{page("add")}?gateway={key}"' in content
    assert 'name="code"' not in content


def test_an_unknown_gateway_in_the_address_leads_to_the_choice(admin_client):
    assert "Choose a gateway" in admin_client.get(page("add"), {"gateway": "pigeon"}).content.decode()


def test_every_setting_has_a_field_of_its_kind_with_its_label_and_help(admin_client):
    content = admin_client.get(page("add"), {"gateway": "typed"}).content.decode()
    kinds = {name: kind for kind, name in re.findall(r'<input type="(\w+)" name="config_(\w+)"', content)}
    assert kinds == {
        "account": "text",
        "api_key": "text",
        "webhook_key": "text",
        "retries": "number",
        "sandbox": "checkbox",
    }
    assert '<textarea name="config_routes"' in content
    for name, label in (("account", "Account"), ("api_key", "API key"), ("routes", "Routes")):
        assert re.search(rf'<label[^>]*for="id_config_{name}"[^>]*>{label}', content)
    assert "As on the contract." in content
    assert 'name="config"' not in content


def test_a_method_is_made_with_typed_settings(admin_client):
    response = admin_client.post(
        page("add"), typed_post(config_routes='["eu"]', config_sandbox="on", auto_capture="true")
    )
    assert response.status_code == 302
    method = PaymentMethod.objects.get()
    assert method.config == {
        "account": "acct_1",
        "api_key": "TYPED_KEY",
        "retries": 3,
        "sandbox": True,
        "routes": ["eu"],
    }
    assert (method.gateway, method.auto_capture, method.test_mode) == ("typed", True, False)
    assert method.build_gateway().config["api_key"] == SECRET


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"config_account": ""}, "config_account", "required"),
        ({"config_api_key": ""}, "config_api_key", "is needed"),
        ({"config_api_key": "NOBODY_KNOWS"}, "config_api_key", "in neither settings nor environment"),
        ({"config_retries": "three"}, "config_retries", "whole number"),
        ({"config_routes": "{"}, "config_routes", "valid JSON"),
        ({"config_routes": '{"eu": 1}'}, "config_routes", "is to be list"),
    ],
)
def test_a_wrong_setting_is_said_at_its_field_and_nothing_is_lost(admin_client, changes, field, said):
    response = admin_client.post(page("add"), typed_post(name="Typed by hand", **changes))
    assert response.status_code == 200
    assert list(errors(response)) == [field]
    assert said in errors(response)[field]
    assert 'value="Typed by hand"' in response.content.decode()
    assert not PaymentMethod.objects.exists()


def test_what_is_no_setting_of_the_gateway_is_not_kept(admin_client):
    method = make_method(gateway="bogus", config={"outrage": True, "outage": False})
    response = admin_client.post(page("change", method.pk), posted(method, config_outrage="on", config_outage="on"))
    assert response.status_code == 302
    method.refresh_from_db()
    assert method.config == {"outage": True}


def test_a_new_payment_method_names_a_registered_gateway(admin_client):
    refused = admin_client.post(page("add"), posted(gateway="pigeon"))
    assert "Select a valid choice" in errors(refused)["gateway"]
    assert admin_client.post(page("add"), posted(gateway="check")).status_code == 302
    assert PaymentMethod.objects.get().gateway == "check"


@pytest.mark.parametrize(("chosen", "kept"), [("unknown", None), ("true", True), ("false", False)])
def test_capture_is_as_the_site_says_or_yes_or_no(admin_client, chosen, kept):
    admin_client.post(page("add"), posted(gateway="check", auto_capture=chosen))
    assert PaymentMethod.objects.get().auto_capture is kept


@pytest.mark.parametrize(("site", "said"), [(True, "take the money at once"), (False, "hold it, take it later")])
def test_the_sites_default_is_written_out(admin_client, settings, site, said):
    settings.PAYMENTS = {**settings.PAYMENTS, "AUTO_CAPTURE": site}
    content = admin_client.get(page("add"), {"gateway": "check"}).content.decode()
    assert f'<option value="unknown" selected>Site default: {said}</option>' in content


# Another gateway


def test_an_unused_method_takes_another_gateway_and_leaves_the_settings_of_the_old(admin_client):
    method = typed_method()
    assert f"{page('change', method.pk)}?gateway=bogus" in admin_client.get(page("gateway", method.pk)).content.decode()
    shown = admin_client.get(page("change", method.pk), {"gateway": "bogus"}).content.decode()
    assert 'name="config_outage"' in shown and "config_api_key" not in shown
    admin_client.post(page("change", method.pk), posted(method, gateway="bogus", config_outage="on"))
    method.refresh_from_db()
    assert (method.gateway, method.config) == ("bogus", {"outage": True})


@pytest.mark.parametrize("ask", ["get", "post"])
def test_the_gateway_of_a_used_payment_method_stays(admin_client, ask):
    """Its payments could not be captured, voided or refunded through another one."""
    method = authorized().payment_method
    if ask == "get":
        content = admin_client.get(page("change", method.pk), {"gateway": "bogus"}).content.decode()
        assert "config_outage" not in content and "Choose another gateway" not in content
    else:
        admin_client.post(page("change", method.pk), posted(method, gateway="bogus", config_outage="on"))
        method.refresh_from_db()
        assert (method.gateway, method.config) == ("scripted", {})


def test_a_gateway_that_is_no_longer_registered_is_said_and_its_settings_stay(admin_client):
    method = make_method(gateway="pigeon", code="pigeon", config={"api_key": SECRET})
    shown = admin_client.get(page("change", method.pk)).content.decode()
    assert "The gateway “pigeon” is not registered" in shown
    assert "api_key" in shown and SECRET not in shown
    assert "to be mended" in admin_client.get(page("changelist")).content.decode()

    refused = admin_client.post(page("change", method.pk), posted(method))
    assert list(errors(refused)) == ["active"]
    assert admin_client.post(page("change", method.pk), posted(method, active=None, name="Doves")).status_code == 302
    method.refresh_from_db()
    assert (method.name, method.active, method.gateway, method.config) == (
        "Doves",
        False,
        "pigeon",
        {"api_key": SECRET},
    )


# Secrets


def test_a_secret_is_offered_by_name_and_shown_as_present_or_missing(admin_client, monkeypatch):
    monkeypatch.setenv("SOMEBODY_ELSES_PASSWORD", "hunter2")
    method = typed_method(webhook_key="GONE_KEY")
    content = admin_client.get(page("change", method.pk)).content.decode()
    names = re.findall(r'<option value="(\w+)"></option>', content.partition('id="config_api_key_names"')[2])
    assert {"TYPED_KEY", "SECOND_KEY", "TYPED_HOOK_KEY"} <= set(names)
    assert "SOMEBODY_ELSES_PASSWORD" not in content
    badges = re.findall(r'name="config_(\w+)"[^>]*>\s*<span class="ec-badge[^>]*>(\w+)</span>', content)
    assert badges == [("api_key", "present"), ("webhook_key", "missing")]
    assert SECRET not in content


@pytest.mark.parametrize("where", ["changelist", "change", "history"])
def test_no_page_of_a_method_shows_a_secret(admin_client, where):
    method = typed_method()
    address = page(where) if where == "changelist" else page(where, method.pk)
    content = admin_client.get(address).content.decode()
    assert SECRET not in content and SECRET[::-1] not in content


def test_a_secret_typed_instead_of_its_name_is_neither_kept_nor_shown(admin_client):
    method = typed_method()
    response = admin_client.post(page("change", method.pk), typed_post(code="typed", config_api_key="sk_live_typed"))
    assert "in neither settings nor environment" in errors(response)["config_api_key"]
    assert "sk_live_typed" not in response.content.decode()
    method.refresh_from_db()
    assert method.config["api_key"] == "TYPED_KEY"
    assert not LogEntry.objects.exists()


def test_a_secret_left_blank_keeps_its_name(admin_client):
    method = typed_method(webhook_key="SECOND_KEY")
    blank = typed_post(code="typed", config_api_key="", config_webhook_key="")
    assert admin_client.post(page("change", method.pk), blank).status_code == 302
    method.refresh_from_db()
    assert (method.config["api_key"], method.config["webhook_key"]) == ("TYPED_KEY", "SECOND_KEY")


def test_a_secret_that_is_not_needed_can_be_taken_away(admin_client):
    method = typed_method(webhook_key="SECOND_KEY")
    content = admin_client.get(page("change", method.pk)).content.decode()
    assert 'name="without_webhook_key"' in content and 'name="without_api_key"' not in content
    blank = typed_post(
        code="typed", config_api_key="", config_webhook_key="", without_webhook_key="on", without_api_key="on"
    )
    admin_client.post(page("change", method.pk), blank)
    method.refresh_from_db()
    assert "webhook_key" not in method.config
    assert method.config["api_key"] == "TYPED_KEY"


# The list


def test_the_list_says_what_each_is(admin_client, settings):
    settings.PAYMENTS = {**settings.PAYMENTS, "AUTO_CAPTURE": False}
    make_method(name="First", gateway="bogus", test_mode=False, auto_capture=None, position=1)
    make_method(name="Second", gateway="bogus", auto_capture=True, available_to_users=False, position=2)
    make_method(name="Third", gateway="typed", active=False, position=3)
    rows = re.findall(r"<tr><th.*?</tr>", admin_client.get(page("changelist")).content.decode(), re.DOTALL)
    texts = [re.sub(r"<[^>]+>", " ", row) for row in rows]
    for text, words in zip(
        texts,
        [
            ("First", "live", "later (site default)", "customers, staff", "complete"),
            ("Second", "test", "at once", "staff", "complete"),
            ("Third", "test", "later", "switched off", "to be mended", "“account” (Account) is needed."),
        ],
        strict=True,
    ):
        assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    ("start", "way", "order"),
    [("B", "up", "BAC"), ("B", "down", "ACB"), ("A", "up", "ABC"), ("C", "down", "ABC")],
)
def test_a_method_is_moved_by_a_button(admin_client, start, way, order):
    """Also from where all have the same position, as those of earlier times have."""
    methods = {name: make_method(name=name, code=name.lower()) for name in "ABC"}
    removed = make_method(name="Removed", code="removed")
    removed.soft_delete()
    content = admin_client.get(page("changelist")).content.decode()
    assert (f'formaction="{page(way, methods[start].pk)}"' in content) is (order != "ABC")

    response = admin_client.post(page(way, methods[start].pk))

    assert response.url == f"{page('changelist')}#{way}-{methods[start].pk}"
    assert "".join(PaymentMethod.objects.filter(deleted_at=None).values_list("name", flat=True)) == order
    assert f'<span id="{way}-{methods[start].pk}"></span>' in admin_client.get(page("changelist")).content.decode()


def test_a_new_method_comes_last(admin_client):
    make_method(position=7)
    admin_client.post(page("add"), posted(gateway="check", code="check"))
    assert PaymentMethod.objects.last().code == "check"


def test_nothing_is_moved_in_a_list_that_is_not_whole(admin_client):
    make_method(name="A")
    make_method(name="B")
    assert "formaction" in admin_client.get(page("changelist")).content.decode()
    assert "formaction" not in admin_client.get(page("changelist"), {"q": "B"}).content.decode()


# Removing, and undoing that


def test_a_removed_method_is_offered_to_nobody_and_can_be_brought_back(admin_client):
    method = make_method()
    admin_client.post(page("remove", method.pk))
    method.refresh_from_db()
    assert method.deleted_at is not None
    assert not PaymentMethod.objects.available().exists()
    assert method.name not in _list_of_methods(admin_client)
    assert method.name in _list_of_methods(admin_client, removed="yes")
    assert "Bring back" in admin_client.get(page("change", method.pk)).content.decode()

    said = admin_client.post(page("bring_back", method.pk), follow=True).content.decode()

    method.refresh_from_db()
    assert (method.deleted_at, method.active) == (None, False)
    assert "switched off still" in said
    assert method.name in _list_of_methods(admin_client)
    assert [str(entry.get_change_message()) for entry in LogEntry.objects.order_by("pk")] == [
        "Removed from the offer.",
        "Brought back.",
    ]


def _list_of_methods(client, **parameters):
    content = client.get(page("changelist"), parameters).content.decode()
    return content.partition('id="result_list"')[2].partition("</table>")[0]


def test_payments_of_a_removed_method_are_shown_and_go_on(admin_client):
    payment = authorized()
    admin_client.post(page("remove", payment.payment_method.pk))
    for address in (
        reverse("admin:payments_payment_changelist"),
        reverse("admin:payments_payment_change", args=[payment.pk]),
    ):
        response = admin_client.get(address)
        assert response.status_code == 200
        assert payment.payment_method.name in response.content.decode()
    Payment.objects.get(pk=payment.pk).capture()
    assert Payment.objects.get(pk=payment.pk).state == "completed"


def test_a_payment_method_is_never_deleted(admin_client):
    method = make_method()
    delete = reverse("admin:payments_paymentmethod_delete", args=[method.pk])
    assert admin_client.post(delete, {"post": "yes"}).status_code == 403
    assert PaymentMethod.objects.filter(pk=method.pk).exists()


# Rights


@pytest.fixture
def onlooker(client):
    user = User.objects.create_user("vera", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_paymentmethod"))
    client.force_login(user)
    return client


def test_whoever_may_only_look_sees_the_settings_and_no_button(onlooker):
    method = typed_method()
    content = onlooker.get(page("change", method.pk)).content.decode()
    form = content.partition('id="paymentmethod_form"')[2].partition("</form>")[0]
    assert "acct_1" in form and "TYPED_KEY" in form and "present" in form
    assert re.findall(r'<(?:input|select|textarea)[^>]*name="(?!csrf)([^"]*)"', form) == []
    assert "/remove/" not in content
    assert "formaction" not in onlooker.get(page("changelist")).content.decode()


@pytest.mark.parametrize("name", ["up", "down", "remove", "bring_back", "gateway", "change", "add"])
def test_whoever_may_only_look_changes_nothing(onlooker, name):
    first, second = make_method(name="A", position=1), make_method(name="B", code="b", position=2)
    second.soft_delete()
    before = list(PaymentMethod.objects.values())
    args = [] if name == "add" else [first.pk if name in ("down", "remove", "change", "gateway") else second.pk]
    assert onlooker.post(page(name, *args), posted(first, name="C")).status_code == 403
    assert list(PaymentMethod.objects.values()) == before


@pytest.mark.parametrize("name", ["up", "down", "remove", "bring_back"])
def test_a_link_changes_nothing(admin_client, name):
    method = make_method()
    assert admin_client.get(page(name, method.pk)).status_code == 405


# Refund reasons and cards


def refunded(times):
    """A payment with so many refunds for one reason; written as rows, since nobody needs to be asked."""
    payment, reason = authorized(), RefundReason.objects.create(name="Damaged")
    facts = {"payment": payment, "kind": "refund", "state": "declined", "currency": "USD", "amount": 1}
    operations = Operation.objects.bulk_create(Operation(sequence=10 + each, **facts) for each in range(times))
    Refund.objects.bulk_create(Refund(payment=payment, operation=each, reason=reason) for each in operations)


@pytest.mark.parametrize(("times", "said"), [(2, "2"), (1000, "1000"), (1001, "more than 1000")])
def test_a_refund_reason_says_how_many_refunds_have_it(admin_client, times, said):
    refunded(times)
    RefundReason.objects.create(name="Unused")
    content = admin_client.get(reverse("admin:payments_refundreason_changelist")).content.decode()
    assert re.findall(r'class="field-in_use">([^<]*)<', content) == [said, "0"]


def test_a_reason_that_was_given_is_switched_off_not_deleted(admin_client):
    payment = authorized()
    payment.capture()
    payment.refund("1.00", reason="Damaged")
    used, unused = RefundReason.objects.get(), RefundReason.objects.create(name="Unused")
    for reason, status in ((used, 403), (unused, 302)):
        delete = reverse("admin:payments_refundreason_delete", args=[reason.pk])
        assert admin_client.post(delete, {"post": "yes"}).status_code == status
    assert list(RefundReason.objects.all()) == [used]
    shown = admin_client.get(reverse("admin:payments_refundreason_change", args=[used.pk])).content.decode()
    assert "they all show the new name" in shown


def test_cards_are_listed_by_user_and_masked(admin_client):
    owner = User.objects.create_user("ada", email="ada@example.com")
    card_recipe.make(user=owner, token="pm_secret")
    card_recipe.make(last_four="9999")
    address = reverse("admin:payments_creditcard_changelist")

    def shown(**parameters):
        content = admin_client.get(address, parameters).content.decode()
        assert "pm_" not in content
        return [last_four for last_four in ("4242", "9999") if f"•••• {last_four}" in content]

    assert shown() == ["4242", "9999"]
    assert shown(user__id__exact=owner.pk) == ["4242"]
    assert shown(saved="no") == ["9999"]
    assert shown(q="ada@example.com") == ["4242"]
    assert shown(q="9999") == ["9999"]
    assert shown(brand="jcb") == []


def test_an_order_is_still_paid_with_a_method_made_in_the_admin(admin_client):
    admin_client.post(page("add"), posted(gateway="bogus", auto_capture="true", test_mode="on"))
    order = make_order("12.00", bill_address=None)
    payment = order.add_payment(PaymentMethod.objects.get(), source=card_recipe.make(token="BGS-approves"))
    payment.process()
    assert payment.state == "completed"
