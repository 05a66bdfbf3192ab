"""Roles: what the fixture gives to whom, and who sets how much of a payment each may give back."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.core.management import call_command
from django.urls import reverse

from payments.models import RefundLimit
from tests.factories import purchased
from tests.keeping import kept

pytestmark = [pytest.mark.django_db, pytest.mark.once]

MONEY = {f"payments.{verb}_payment" for verb in ("add", "capture", "void", "refund", "recover", "review")}
ORDERS = {f"orders.{verb}_order" for verb in ("complete", "cancel", "resume", "ship", "approve", "note", "resend")}
PAYLOADS = {"payments.see_payloads_payment"}
SETTINGS = {
    f"payments.{verb}_{model}"
    for model in ("paymentmethod", "refundreason", "refundlimit")
    for verb in ("add", "change")
}
ROWS = ("productprice", "promotionterms", "shippingrate", "taxrate")
OFFER = (
    {
        f"shop.{verb}_{model}"
        for model in ("category", "product", "promotion", "shippingmethod", *ROWS)
        for verb in ("add", "change")
    }
    | {f"shop.delete_{model}" for model in ROWS}
    | {"shop.change_paymentattempt"}
)


@pytest.fixture(scope="module")
def roles(django_db_setup, django_db_blocker):
    with kept(django_db_blocker, load):
        yield


def load():
    call_command("loaddata", "roles", verbosity=0)


def member(*groups, **facts):
    user = User.objects.create_user("-".join(groups) or "nobody", is_staff=True, **facts)
    user.groups.set(Group.objects.filter(name__in=groups))
    return User.objects.get(pk=user.pk)


# What each role may


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("clerk", set()),
        ("auditor", PAYLOADS),
        (
            "cashier",
            MONEY - {"payments.review_payment"}
            | {f"orders.{verb}_order" for verb in ("complete", "ship", "note", "resend")},
        ),
        (
            "manager",
            MONEY | ORDERS | PAYLOADS | SETTINGS | OFFER | {"payments.change_reaction", "payments.forget_creditcard"},
        ),
    ],
)
def test_a_role_may_do_this_and_no_more(roles, role, may):
    granted = member(role).get_all_permissions()
    looking = {name for name in granted if ".view_" in name}
    deleting = set()
    if role == "manager":  # To delete failed sign-ins is to let somebody try again.
        deleting = {"payments.delete_refundreason", "payments.delete_refundlimit", "axes.delete_accessattempt"}
    assert granted - looking == may | deleting
    seen = {"order", "orderevent", "lineitem", "adjustment", "address"}
    assert {f"orders.view_{name}" for name in seen} <= looking
    seen = {"payment", "operation", "refund", "paymentmethod", "refundreason", "creditcard", "reaction"}
    assert {f"payments.view_{name}" for name in seen} <= looking


@pytest.mark.parametrize("role", ["clerk", "cashier", "manager", "auditor"])
def test_no_role_may_make_itself_another(roles, role):
    granted = member(role).get_all_permissions()
    assert not {name for name in granted if name.startswith("auth.") and not name.startswith("auth.view_")}


def test_every_permission_of_the_money_is_somebodys(roles):
    ours = Permission.objects.filter(
        content_type__app_label__in=["payments", "orders"], content_type__model__in=["payment", "order"]
    )
    verbs = {each.codename for each in ours} - {
        f"{verb}_{model}" for verb in ("add", "change", "delete") for model in ("payment", "order")
    }
    assert verbs <= {each.codename for each in Permission.objects.filter(group__name="manager")}


def test_loading_the_roles_again_restores_them_and_doubles_nothing(roles):
    cashier = Group.objects.get(name="cashier")
    cashier.permissions.clear()
    RefundLimit.objects.filter(currency="USD").update(amount=Decimal("75"))
    load()
    assert Group.objects.count() == 4
    assert cashier.permissions.filter(codename="capture_payment").exists()
    limits = {str(limit.currency): str(limit) for limit in cashier.refund_limits.all()}
    assert limits == {"USD": "$50.00", "EUR": "€50.00", "JPY": "¥5,000"}


@pytest.mark.parametrize("role", ["clerk", "cashier", "manager", "auditor"])
def test_every_role_can_work_in_the_admin(roles, client, role):
    payment = purchased("20.00")
    client.force_login(member(role))
    for address in (
        reverse("admin:index"),
        reverse("admin:payments_payment_changelist"),
        reverse("admin:payments_payment_change", args=[payment.pk]),
        reverse("admin:orders_order_changelist"),
        reverse("admin:payments_paymentmethod_changelist"),
    ):
        assert client.get(address).status_code == 200
    changing = reverse("admin:payments_paymentmethod_add")
    assert client.get(changing).status_code == (200 if role == "manager" else 403)


# Who sets how much one may give back


@pytest.fixture
def manager(roles, client):
    client.force_login(member("manager"))
    return client


def edit(client, group, currency, amount, pk=None):
    address = (
        reverse("admin:payments_refundlimit_change", args=[pk]) if pk else reverse("admin:payments_refundlimit_add")
    )
    return client.post(address, {"group": group.pk, "currency": currency, "amount": amount})


@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        ("USD", "60", "already exists"),
        ("GBP", "-1", "greater than or equal to 0"),
        ("GBP", "1.005", "finer than GBP allows"),
        ("KRW", "10.50", "finer than KRW allows"),
        ("XAU", "1", "not a currency"),
        ("GBP", "much", "Enter a number"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(manager, currency, amount, said):
    before = RefundLimit.objects.count()
    response = edit(manager, Group.objects.get(name="cashier"), currency, amount)
    assert response.status_code == 200
    assert said in response.content.decode()
    assert RefundLimit.objects.count() == before


def test_a_manager_sets_a_limit_and_changes_it_but_not_its_currency(manager):
    group = Group.objects.get(name="cashier")
    assert edit(manager, group, "KWD", "12.345").status_code == 302
    made = RefundLimit.objects.get(currency="KWD")
    assert str(made).endswith("12.345")
    assert edit(manager, group, "USD", "9.5", pk=made.pk).status_code == 302
    made = RefundLimit.objects.get(pk=made.pk)
    assert (str(made.currency), made.amount.amount) == ("KWD", Decimal("9.500"))


def test_limits_are_edited_on_the_page_of_the_group_too(roles, admin_client):
    group = Group.objects.get(name="cashier")
    address = reverse("admin:auth_group_change", args=[group.pk])
    limits = {str(each.currency): each for each in group.refund_limits.all()}
    posted = {"name": "cashier", "permissions": [each.pk for each in group.permissions.all()]}
    posted |= {"refund_limits-TOTAL_FORMS": "4", "refund_limits-INITIAL_FORMS": "3"}
    amounts = (("EUR", "50.00"), ("JPY", "5000"), ("USD", "80.00"), ("GBP", "45"))
    for index, (currency, amount) in enumerate(amounts):
        name = f"refund_limits-{index}-"
        posted |= {f"{name}group": group.pk, f"{name}currency": currency, f"{name}amount": amount}
        posted[f"{name}id"] = limits[currency].pk if currency in limits else ""
    assert admin_client.post(address, posted).status_code == 302
    assert [str(each) for each in group.refund_limits.all()] == ["€50.00", "£45.00", "¥5,000", "$80.00"]

    posted |= {"refund_limits-INITIAL_FORMS": "3", "refund_limits-3-currency": "USD", "refund_limits-3-id": ""}
    refused = admin_client.post(address, posted)
    assert refused.status_code == 200 and "duplicate" in refused.content.decode()


def test_a_cashier_edits_no_limit(roles, client):
    client.force_login(member("cashier"))
    assert client.get(reverse("admin:payments_refundlimit_changelist")).status_code == 403
    assert edit(client, Group.objects.get(name="cashier"), "GBP", "1").status_code == 403
