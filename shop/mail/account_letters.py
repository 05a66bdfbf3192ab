"""What the letters to an account say. Called in the reader's language."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.utils import timezone
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from shop.mail.links import renewal_link
from shop.mail.sending import Letter


def password_reset(user: Any) -> Letter:
    """With a link that works once and for a day: the token is drawn when the letter is written."""
    uid = urlsafe_base64_encode(force_bytes(user.pk))
    return Letter(
        "password_reset",
        _("Choose a new password"),
        {
            "name": user.first_name,
            "link": renewal_link(uid, default_token_generator.make_token(user)),
            "until": timezone.now() + timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT),
        },
    )


def email_changed(user: Any) -> Letter:
    """To the former address: from now on the account has another."""
    return Letter(
        "email_changed",
        _("Your e-mail address was changed"),
        {"name": user.first_name},
    )
