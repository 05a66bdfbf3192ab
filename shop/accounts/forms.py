"""What an account asks for: an address and a password, each looked at before it is taken."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate, password_validation
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils.translation import gettext_lazy as _

from shop.accounts.names import LONGEST, plain

TAKEN = _("There is an account with this e-mail address already. Sign in, or choose a new password.")
NEW_PASSWORD = {"autocomplete": "new-password"}


class SignInForm(AuthenticationForm):
    """Wrong address and wrong password are one answer, which Django's backend also takes the same time for."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _(
            "E-mail address and password do not match. Capital and small letters of the password count."
        ),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.fields["username"].label = _("E-mail")
        self.fields["username"].widget.attrs |= {"inputmode": "email", "autocomplete": "username"}
        self.fields["username"].widget.attrs.pop("autofocus", None)

    def clean_username(self) -> str:
        return plain(self.cleaned_data["username"])


class SignUpForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), max_length=LONGEST)
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs=NEW_PASSWORD),
        help_text=password_validation.password_validators_help_text_html(),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.fields["email"].widget.attrs["autocomplete"] = "username"

    def clean_email(self) -> str:
        email = plain(self.cleaned_data["email"])
        if User.objects.filter(username=email).exists():
            raise forms.ValidationError(TAKEN, code="taken")
        return email

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        if "password" in said:
            user = User(username=said.get("email", ""), email=said.get("email", ""))
            try:
                password_validation.validate_password(said["password"], user)
            except forms.ValidationError as wrong:
                self.add_error("password", wrong)
        return said

    def save(self) -> User | None:
        """The new account; None, with an error in the form, if somebody was quicker with the same address."""
        said = self.cleaned_data
        try:
            with transaction.atomic():
                return User.objects.create_user(said["email"], said["email"], said["password"])
        except IntegrityError:
            self.add_error("email", TAKEN)
            return None


class EmailForm(forms.Form):
    """Another address to sign in with. The password is asked for, so that an unlocked screen is not enough."""

    email = forms.EmailField(label=_("New e-mail"), max_length=LONGEST)
    password = forms.CharField(
        label=_("Your password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, request: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.request, self.user = request, request.user
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def clean_email(self) -> str:
        email = plain(self.cleaned_data["email"])
        if User.objects.filter(username=email).exclude(pk=self.user.pk).exists():
            raise forms.ValidationError(TAKEN, code="taken")
        return email

    def clean_password(self) -> str:
        return same_password(self.request, self.cleaned_data["password"])


class ChangePasswordForm(PasswordChangeForm):
    def __init__(self, *args: Any, request: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.request = request

    def clean_old_password(self) -> str:
        return same_password(self.request, self.cleaned_data["old_password"])


def same_password(request: Any, password: str) -> str:
    """By the door that counts: an unlocked screen is no place to guess at leisure. Raises ValidationError."""
    user = request.user
    if authenticate(request, username=user.get_username(), password=password) != user:
        raise forms.ValidationError(_("This is not your password."), code="wrong")
    return password


class ForgottenForm(forms.Form):
    email = forms.EmailField(label=_("E-mail"), max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.fields["email"].widget.attrs["autocomplete"] = "email"

    def clean_email(self) -> str:
        return plain(self.cleaned_data["email"])


class LookUpForm(forms.Form):
    number = forms.CharField(label=_("Order number"), max_length=32)
    email = forms.EmailField(label=_("E-mail of the order"), max_length=254)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.use_required_attribute = False
        self.fields["email"].widget.attrs["autocomplete"] = "email"
        self.fields["number"].widget.attrs |= {"autocomplete": "off", "placeholder": "R123456789"}

    def clean_number(self) -> str:
        return str(self.cleaned_data["number"]).strip().upper()

    def clean_email(self) -> str:
        return plain(self.cleaned_data["email"])
