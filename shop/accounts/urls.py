"""The account's pages, and how to find an order without one."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.urls import path

from shop.accounts import addresses, cards, details, entering, finding, orders, passwords
from shop.limiting import limited

urlpatterns = [
    path("", orders.home, name="account"),
    path("sign-in/", entering.SignIn.as_view(), name="login"),
    path("sign-up/", limited(entering.SignUp.as_view()), name="sign_up"),
    path("sign-out/", entering.SignOut.as_view(), name="logout"),
    path("forgotten/", limited(passwords.Forgotten.as_view()), name="password_forgotten"),
    path("forgotten/<uidb64>/<token>/", passwords.Renewed.as_view(), name="password_renew"),
    path("find-order/", limited(finding.find_order), name="find_order"),
    path("orders/<str:number>/", orders.order_page, name="account_order"),
    path("orders/<str:number>/invoices/<str:invoice>/", orders.invoice, name="account_invoice"),
    path("cards/", cards.cards, name="account_cards"),
    path("cards/add/", limited(cards.add), name="account_card_add"),
    path("cards/<int:pk>/first", cards.prefer, name="account_card_first"),
    path("cards/<int:pk>/remove/", cards.remove, name="account_card_remove"),
    path("addresses/", addresses.addresses, name="account_addresses"),
    path("addresses/add/", addresses.add, name="account_address_add"),
    path("addresses/<int:pk>/", addresses.edit, name="account_address"),
    path("addresses/<int:pk>/first", addresses.prefer, name="account_address_first"),
    path("addresses/<int:pk>/remove/", addresses.remove, name="account_address_remove"),
    path("details/", details.details, name="account_details"),
    path("details/email/", details.email, name="account_email"),
    path("details/password/", login_required(passwords.Changed.as_view()), name="account_password"),
]
