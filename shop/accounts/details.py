"""What we know of a customer: the address to sign in with, the password, and the language of our letters."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from payments.models import Reaction
from shop.accounts.forms import TAKEN, EmailForm
from shop.accounts.names import plain
from shop.models import Preferences


@require_safe
@never_cache
@login_required
def details(request: HttpRequest) -> HttpResponse:
    return render(request, "shop/accounts/details.html")


@sensitive_post_parameters("password")
@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def email(request: HttpRequest) -> HttpResponse:
    form = EmailForm(request.POST if request.method == "POST" else None, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            change_email(request.user, form.cleaned_data["email"])
        except IntegrityError:  # Somebody was quicker with the same address.
            form.add_error("email", TAKEN)
        else:
            messages.success(request, _("From now on you sign in with your new e-mail address."))
            return redirect("account_details")
    return render(request, "shop/accounts/email.html", {"form": form}, status=400 if form.is_bound else 200)


def change_email(user: Any, email: str) -> None:
    """The former address is written to, for whoever learns by that letter that it was not them.

    Raises IntegrityError where another account has it.
    """
    names = {"email": email}
    if "@" in user.get_username():  # The names of staff stay what they are.
        names["username"] = email
    with transaction.atomic():
        User.objects.filter(pk=user.pk).update(**names)
        if user.email and plain(user.email) != email:
            Preferences.objects.update_or_create(user=user, defaults={"former_email": user.email})
            Reaction.objects.queue("account.email_changed", f"{user.pk}:{timezone.now():%y%m%dT%H%M%S%f}")
