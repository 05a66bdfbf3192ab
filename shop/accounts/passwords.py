"""A forgotten password is replaced by mail, a known one in the account: Django's views in the shop's look."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.contrib.auth.views import PasswordChangeView, PasswordResetConfirmView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.generic import FormView

from payments.models import Reaction
from shop.accounts.forms import ChangePasswordForm, ForgottenForm
from shop.accounts.lockout import lift
from shop.checkout.visitor import ip_of
from shop.limiting import admit


class Forgotten(FormView):  # type: ignore[type-arg]
    """The answer is the same whether there is such an account or not; the letter is a reaction's work."""

    template_name = "shop/accounts/forgotten.html"
    form_class = ForgottenForm

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        admit("PASSWORD_RESETS_PER_IP", ip_of(request))
        return super().post(request, *args, **kwargs)

    def form_valid(self, form: ForgottenForm) -> HttpResponse:
        email = form.cleaned_data["email"]
        admit("PASSWORD_RESETS_PER_EMAIL", email)
        for user in User.objects.filter(email__iexact=email, is_active=True):
            if user.has_usable_password():
                Reaction.objects.queue("account.password_reset", f"{user.pk}:{timezone.now():%y%m%dT%H%M%S%f}")
        return render(self.request, "shop/accounts/forgotten_sent.html", {"email": email})


class Renewed(PasswordResetConfirmView):
    """Behind the link of the letter. The token is taken out of the address before the page is shown."""

    template_name = "shop/accounts/renewed.html"
    success_url = reverse_lazy("login")

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        lift(form.user.get_username())
        messages.success(self.request, _("Your new password is set. Sign in with it."))
        return response


class Changed(PasswordChangeView):
    """Other browsers are signed out by it."""

    template_name = "shop/accounts/password.html"
    form_class = ChangePasswordForm
    success_url = reverse_lazy("account_details")

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("Your password is changed."))
        return super().form_valid(form)
