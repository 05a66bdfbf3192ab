"""A customer's wallet: what they asked us to keep, which of it is the default, and having a card forgotten."""

from __future__ import annotations

import logging
from typing import Any, cast

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from payments.actors import SYSTEM, Actor
from payments.models import CreditCard, PaymentMethod, Reaction, WalletEntry
from payments.models.sourced import kind_of

logger = logging.getLogger(__name__)


class Wallet:
    """The kept sources of one user. Changes go one after the other: each holds the user's row.

    There is one default as long as there are entries, unless its owner took it away with `make_default(None)`.
    """

    def __init__(self, user: Any) -> None:
        if getattr(user, "pk", None) is None:
            raise ValueError("A wallet belongs to a user who has an account.")
        self.user = user

    def entries(self) -> QuerySet[WalletEntry]:
        """The default first, then the newest."""
        found = WalletEntry.objects.filter(user=self.user.pk).select_related("credit_card__address", "payment_method")
        return found.order_by("-is_default", "-created_at", "-id")

    def find(self, entry_pk: Any) -> WalletEntry | None:
        """The user's own entry of that id, else None."""
        text = str(entry_pk or "")
        if not (text.isascii() and text.isdecimal() and len(text) < 19):
            return None
        return self.entries().filter(pk=int(text)).first()

    @property
    def default(self) -> WalletEntry | None:
        return self.entries().filter(is_default=True).first()

    def add(self, source: Any, payment_method: PaymentMethod | None = None) -> WalletEntry:
        """Its entry, made if there is none; the first of a wallet is its default. Nobody is asked for anything.

        Raises PermissionDenied for somebody else's source, ValidationError for one that cannot be charged again,
        TypeError for what is no source.
        """
        with transaction.atomic():
            self._lock()
            if known := self._entry_of(source):
                return known
            kept = self._held(source)
            entry = WalletEntry(
                user=self.user,
                payment_method=payment_method or kept.payment_method,
                is_default=not self.entries().filter(is_default=True).exists(),
            )
            entry.source = kept
            entry.clean()
            if kept.user_id is None:
                CreditCard.objects.filter(pk=kept.pk).update(user=self.user)
                source.user_id = kept.user_id = self.user.pk
            entry.save(force_insert=True)
        return entry

    def remove(self, source_or_entry: Any) -> None:
        """Take it out; the newest of the rest becomes the default where this was it. The provider keeps what it has.

        Raises WalletEntry.DoesNotExist where it is not in this wallet.
        """
        with transaction.atomic():
            self._lock()
            entry = self._own(source_or_entry)
            if entry is None:
                raise WalletEntry.DoesNotExist("This is not in the wallet.")
            self._take_out(entry)

    def make_default(self, source_or_entry: Any) -> WalletEntry | None:
        """Prefer this one; None prefers nothing, until something else is chosen or added.

        Raises PermissionDenied for what is not in this wallet.
        """
        with transaction.atomic():
            self._lock()
            entry = None if source_or_entry is None else self._own(source_or_entry)
            if entry is None and source_or_entry is not None:
                raise PermissionDenied(_("This is not in your wallet."))
            if entry is None or not entry.is_default:
                WalletEntry.objects.filter(user=self.user.pk, is_default=True).update(is_default=False)
            if entry is not None and not entry.is_default:
                WalletEntry.objects.filter(pk=entry.pk).update(is_default=True)
                entry.is_default = True
        return entry

    def forget(self, source_or_entry: Any, *, by: Actor = SYSTEM) -> None:
        """Take a card out and have its provider forget it: see `forget`. Raises WalletEntry.DoesNotExist."""
        entry = self._own(source_or_entry)
        if entry is None:
            raise WalletEntry.DoesNotExist("This is not in the wallet.")
        forget(entry.source, by=by)

    # Behind the verbs

    def _lock(self) -> None:
        """On SQLite, whoever writes holds the whole database anyway."""
        users = cast("Any", get_user_model())._base_manager
        users.select_for_update(no_key=True).only("pk").get(pk=self.user.pk)

    def _entry_of(self, source: Any) -> WalletEntry | None:
        kind = kind_of(source)
        return self.entries().filter(source_type=kind, source_id=source.pk).first() if kind and source.pk else None

    def _own(self, source_or_entry: Any) -> WalletEntry | None:
        """As the database has it; None for anything that is not in this wallet."""
        if isinstance(source_or_entry, WalletEntry):
            return self.entries().filter(pk=source_or_entry.pk).first()
        return self._entry_of(source_or_entry)

    def _held(self, source: Any) -> Any:
        """The source as the database has it, held: so nobody forgets it while it is added."""
        if not kind_of(source):
            raise TypeError(f"{type(source).__name__} is no payment source.")
        held = type(source)._default_manager.select_for_update(no_key=True).filter(pk=source.pk).first()
        if held is None or not getattr(held, "is_reusable", False):
            raise ValidationError({"source_id": _("This cannot be used for another payment.")})
        if held.user_id not in (None, self.user.pk):
            raise PermissionDenied(_("This belongs to somebody else."))
        return held

    def _take_out(self, entry: WalletEntry) -> None:
        WalletEntry.objects.filter(pk=entry.pk).delete()
        if entry.is_default:
            newest = self.entries().first()
            if newest is not None:
                WalletEntry.objects.filter(pk=newest.pk).update(is_default=True)


def forget(card: CreditCard, *, by: Actor = SYSTEM) -> None:
    """Never charge this card again: it leaves every wallet at once, and its provider is asked to forget it.

    The provider is asked by a reaction, after the commit and until it succeeds: here nothing waits for it, and an
    outage undoes nothing. A card that is forgotten already stays that. Payments made with it keep it on their receipts.
    """
    with transaction.atomic():
        held = Q(wallet_entries__in=_entries_of(card)) | Q(pk__in=CreditCard.objects.filter(pk=card.pk).values("user"))
        for owner in get_user_model().objects.filter(held).order_by("pk"):
            Wallet(owner)._lock()
        if CreditCard.objects.filter(pk=card.pk, forgotten_at=None).update(forgotten_at=timezone.now(), to_keep=False):
            logger.info("Card %s is forgotten, asked by %s", card.pk, by)
            queue_forgetting(card.pk)
        for entry in _entries_of(card).select_related("user"):
            Wallet(entry.user)._take_out(entry)
    card.refresh_from_db(fields=["forgotten_at", "to_keep"])


def queue_forgetting(pk: int) -> None:
    """Have the provider asked to forget a card that it keeps for us; written with whatever decided it."""
    kept = CreditCard.objects.filter(pk=pk, payment_method__isnull=False).exclude(token="").first()
    if kept is not None:
        # A card that was kept anew and is forgotten once more is another fact.
        Reaction.objects.queue("card.forgotten", f"{pk}:{timezone.now():%y%m%dT%H%M%S%f}")


def _entries_of(card: CreditCard) -> QuerySet[WalletEntry]:
    return WalletEntry.objects.filter(source_type="credit_card", source_id=card.pk)
