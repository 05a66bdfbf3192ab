"""The signed token between a preview and its confirmation: exactly what was shown, and nothing else, is done."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from django.core import signing
from django.utils.translation import gettext as _

from payments.display import money_text
from payments.models import Operation, Payment
from payments.models.rehearsing import Rehearsal
from payments.money import Money

SALT = "payments.confirming"
VALID_FOR = 60 * 60  # Seconds: whoever comes back later looks again.


class StaleToken(Exception):
    """The token is broken, too old, or was made for somebody or something else; `str()` says it to staff."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a member of staff has seen and may confirm: for one payment, one errand, one amount.

    `amount` and `sums` are decimal strings in major units. `key` and `asked` are the idempotency key and the amount
    of the first operation that the errand would open, so that whoever confirms it again finds it.
    """

    user: int
    payment: int
    errand: str
    amount: str
    final: bool
    fingerprint: str
    state: str
    sums: tuple[str, ...]
    key: str = ""
    asked: str = ""

    def sign(self) -> str:
        return signing.dumps(asdict(self), salt=SALT, compress=True)

    @classmethod
    def read(cls, token: str, *, user: int, payment: int, errand: str) -> Shown:
        """Raises StaleToken."""
        try:
            found = signing.loads(token, salt=SALT, max_age=VALID_FOR)
        except signing.SignatureExpired:
            raise StaleToken(_("This preview is more than an hour old. Here is how it stands now.")) from None
        except signing.BadSignature:
            raise StaleToken(_("This confirmation is incomplete. Here is how it stands now.")) from None
        shown = cls(**{**found, "sums": tuple(found["sums"])})
        if (shown.user, shown.payment, shown.errand) != (user, payment, errand):
            raise StaleToken(_("This confirmation was made for somebody or something else."))
        return shown

    def is_of(self, amount: Decimal | None, *, final: bool) -> bool:
        """Whether this amount (None: all) is the one that was shown."""
        seen = Decimal(self.amount) if self.amount else None
        return (amount, final) == (seen, self.final)

    def begun(self) -> Operation | None:
        """The operation that this confirmation, or a colleague's of the same sight, has opened."""
        if not self.key:
            return None
        same = Operation.objects.filter(payment=self.payment, idempotency_key=self.key, amount=Decimal(self.asked))
        found: Operation | None = same.select_related("user").first()
        return found

    def changes(self, payment: Payment) -> list[str]:
        """What is no longer as it was shown, a sentence each."""
        changed = []
        if payment.state != self.state:
            states = dict(Payment.State.choices)
            changed.append(
                _("State: %(before)s was shown, it is %(after)s now.")
                % {"before": states.get(Payment.State(self.state)), "after": payment.get_state_display()}
            )
        for (name, label), before in zip(labelled_sums(), self.sums, strict=True):
            after = getattr(payment, name)
            if str(after.amount) != before:
                was = money_text(Money(before, payment.currency))
                changed.append(
                    _("%(sum)s: %(before)s was shown, it is %(after)s now.")
                    % {"sum": label, "before": was, "after": money_text(after)}
                )
        return changed or [_("Something was asked of the provider, or answered, since you looked.")]


def shown(rehearsal: Rehearsal, *, user: int, errand: str, amount: Any, final: bool) -> Shown:
    """What the preview of this rehearsal lets its reader confirm; `amount` as it was typed, None for all."""
    payment = rehearsal.before
    first = rehearsal.asked[0] if rehearsal.asked else None
    return Shown(
        user=user,
        payment=payment.pk,
        errand=errand,
        amount="" if amount is None else str(amount),
        final=final,
        fingerprint=rehearsal.fingerprint,
        state=payment.state,
        sums=sums_of(payment),
        key=first.idempotency_key if first else "",
        asked=str(first.amount.amount) if first else "",
    )


def labelled_sums() -> list[tuple[str, str]]:
    return [
        ("amount", _("Amount")),
        ("authorized_amount", _("Authorized")),
        ("captured_amount", _("Captured")),
        ("refunded_amount", _("Refunded")),
    ]


def sums_of(payment: Payment) -> tuple[str, ...]:
    return tuple(str(getattr(payment, name).amount) for name, _label in labelled_sums())
