"""The addresses that an account has used, kept so that nobody types them twice."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from orders.models import Address

PARTS = ("name", "address1", "address2", "city", "state", "zip", "country", "phone")


class SavedAddressQuerySet(models.QuerySet["SavedAddress"]):
    def of(self, user: Any) -> SavedAddressQuerySet:
        """The user's addresses: the one that goods go to by choice, then those used last. None of a guest."""
        if not user.is_authenticated:
            return self.none()
        chosen = models.F("ships_first").desc(nulls_last=True)
        return self.filter(user=user).select_related("address", "bills_first").order_by(chosen, "-used_at", "-id")

    def remember(self, user: Any, address: Address) -> SavedAddress | None:
        """Keep a copy of `address` for the user, or say that it was used again; None for a guest."""
        if not user.is_authenticated:
            return None
        wanted = {name: getattr(address, name) for name in PARTS}
        with transaction.atomic():
            # Under the user's row, so that two requests do not both find it missing.
            get_user_model()._base_manager.select_for_update(no_key=True).get(pk=user.pk)
            same = {f"address__{name}": value for name, value in wanted.items()}
            kept: SavedAddress | None = self.filter(user=user, **same).first()
            if kept is None:
                return self.create(user=user, address=Address.objects.create(**wanted))
            kept.used_at = timezone.now()
            kept.save(update_fields=["used_at"])
            return kept


class SavedAddress(models.Model):
    """A copy of its own: what is changed here changes no order, and the other way round."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="addresses")
    address = models.OneToOneField(Address, models.PROTECT, related_name="saved", verbose_name=_("address"))
    used_at = models.DateTimeField(_("used last"), default=timezone.now)

    objects: ClassVar[Any] = SavedAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("saved address")
        verbose_name_plural = _("saved addresses")
        ordering = ("-used_at", "-id")
        indexes = (models.Index(fields=["user", "-used_at"], name="saved_address_of_user"),)

    def __str__(self) -> str:
        return str(self.address)
