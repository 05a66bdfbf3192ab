"""How much of one payment the members of a group may give back."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib.auth.models import Group
from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.display import money_text
from payments.models.amount import AmountField, AmountQuerySet, SharedCurrencyField
from payments.models.operation import UNSETTLED, Operation
from payments.money import Money

if TYPE_CHECKING:
    from payments.models.payment import Payment


class RefundLimitManager(models.Manager.from_queryset(AmountQuerySet)):  # type: ignore[misc]
    def get_by_natural_key(self, group: str, currency: str) -> RefundLimit:
        return self.get(group__name=group, currency=currency)  # type: ignore[no-any-return]


class RefundLimit(models.Model):
    """One currency's limit. A group that has limits may refund in their currencies only; one without has no limit.

    It bounds what one member gives back of one payment in all, so that several small refunds do not pass it.
    """

    group = models.ForeignKey(Group, models.CASCADE, related_name="refund_limits", verbose_name=_("group"))
    currency = SharedCurrencyField(_("currency"), default="USD")
    amount = AmountField(_("at most, of one payment"))

    objects: ClassVar[Any] = RefundLimitManager()

    class Meta:
        verbose_name = _("refund limit")
        verbose_name_plural = _("refund limits")
        ordering = ("group_id", "currency")
        constraints = (
            models.UniqueConstraint(fields=["group", "currency"], name="refund_limit_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="refund_limit_not_negative"),
        )

    def __str__(self) -> str:
        return money_text(self.amount)

    def natural_key(self) -> tuple[str, str]:
        """By which a fixture names it."""
        return self.group.name, str(self.currency)


def refundable_by(user: Any, payment: Payment) -> Money | None:
    """What this member of staff may still give back of the payment; None means no limit.

    Whoever is in several groups that may refund has the largest of their limits.
    """
    if user.is_superuser or user.user_permissions.filter(codename="refund_payment").exists():
        return None
    groups = user.groups.filter(permissions__codename="refund_payment").distinct().prefetch_related("refund_limits")
    allowed = Decimal(0)
    for group in groups:
        limits = list(group.refund_limits.all())
        if not limits:
            return None
        allowed = max(
            [allowed, *[each.amount.amount for each in limits if str(each.currency) == str(payment.currency)]]
        )
    mine = Operation._base_manager.filter(
        payment=payment.pk, kind="refund", user=user.pk, state__in=("succeeded", *UNSETTLED)
    )
    given = mine.aggregate(total=models.Sum("amount"))["total"] or Decimal(0)
    return Money(max(allowed - given, Decimal(0)), payment.currency)
