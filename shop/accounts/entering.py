"""Signing up, signing in and signing out. A cart comes along, and so does the language."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.views import LoginView, LogoutView, RedirectURLMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.decorators import method_decorator
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView

from shop import cart, languages
from shop.accounts.forms import SignInForm, SignUpForm
from shop.checkout.visitor import ip_of
from shop.limiting import admit
from shop.models import Preferences

BACKEND = "django.contrib.auth.backends.ModelBackend"


class SignIn(LoginView):
    """Where it leads is kept to this site. Attempts are counted by django-axes, as those of the admin's own login."""

    template_name = "shop/accounts/sign_in.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponse:
        response = super().form_valid(form)
        cart.merge(self.request, self.request.user)
        return languages.speak(response, languages.of_user(self.request.user))


@method_decorator([sensitive_post_parameters(), csrf_protect, never_cache], name="dispatch")
class SignUp(RedirectURLMixin, FormView):  # type: ignore[type-arg]
    template_name = "shop/accounts/sign_up.html"
    form_class = SignUpForm
    next_page = settings.LOGIN_REDIRECT_URL

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.user.is_authenticated:
            return redirect(self.get_success_url())
        return super().dispatch(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        admit("SIGN_UPS_PER_IP", ip_of(request))
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**kwargs) | {"next": self.get_redirect_url()}

    def form_valid(self, form: SignUpForm) -> HttpResponse:
        user = form.save()
        if user is None:
            return self.form_invalid(form)
        Preferences.objects.create(user=user, language=get_language() or settings.LANGUAGE_CODE)
        enter(self.request, user)
        messages.success(self.request, _("Welcome! Your account is ready."))
        return super().form_valid(form)


class SignOut(LogoutView):
    """A form's work, so that no picture and no link signs anybody out. The cart waits in the account."""

    next_page = "home"

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        response = super().post(request, *args, **kwargs)
        messages.success(request, _("You are signed out."))
        return response


def enter(request: HttpRequest, user: User) -> None:
    """Sign somebody in who has just proved who they are, with a session of a new name."""
    login(request, user, backend=BACKEND)
    cart.merge(request, user)
