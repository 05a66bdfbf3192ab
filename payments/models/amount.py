"""The model fields for money: several amounts of one row share its one currency, and nothing relabels them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models.expressions import BaseExpression
from django.db.models.query_utils import DeferredAttribute
from djmoney.forms import MoneyField as MoneyFormField
from djmoney.models.fields import CurrencyField, MoneyField, MoneyFieldProxy
from djmoney.models.managers import _expand_money_args, _expand_money_kwargs

from payments.money import Money, shown

CURRENCY = "currency"


def _refuse_relabelling(instance: models.Model, currency: str) -> None:
    """Assigning another currency to one amount would silently turn the row's other dollars into yen."""
    held = instance.__dict__.get(CURRENCY)
    if held is None or str(held) == currency:
        return
    loaded = (
        instance.__dict__.get(field.attname)
        for field in instance._meta.concrete_fields
        if isinstance(field, AmountField)
    )
    if any(getattr(amount, "amount", amount) for amount in loaded):
        raise ValueError(
            f"This {instance._meta.verbose_name} is in {held}; an amount in {currency} cannot be assigned."
        )


class AmountDescriptor(MoneyFieldProxy):
    """Reads as Money with exactly the currency's decimals; refuses another currency on a row that has amounts."""

    def __get__(self, obj: models.Model | None, type: type | None = None) -> Any:
        if obj is None:
            return self
        value = obj.__dict__.get(self.field.attname, obj)
        if value is obj:  # Deferred: load it as Django does.
            value = DeferredAttribute(self.field).__get__(obj, type)
        if value is None or isinstance(value, (Money, BaseExpression)):
            return value
        currency = str(getattr(obj, self.currency_field_name))
        money = obj.__dict__[self.field.attname] = Money(shown(Decimal(value), currency), currency)
        return money

    def __set__(self, obj: models.Model, value: Any) -> None:
        if isinstance(value, Money):
            code = value.currency.code
            _refuse_relabelling(obj, code)
            obj.__dict__[self.currency_field_name] = code
            value = value.amount
        if not isinstance(value, BaseExpression):
            value = self.field.to_python(value)
        obj.__dict__[self.field.attname] = value


class CurrencyDescriptor(DeferredAttribute):
    def __set__(self, obj: models.Model, value: Any) -> None:
        _refuse_relabelling(obj, str(value))
        obj.__dict__[self.field.attname] = value


class SharedCurrencyField(CurrencyField):
    """The row's one currency: ISO 4217 code."""

    descriptor_class = CurrencyDescriptor


class AmountField(MoneyField):
    """An amount in the row's currency, kept with four decimals and read as Money with the currency's own."""

    _pyi_private_set_type: Any  # Money, or a plain number in the row's currency.
    _pyi_private_get_type: Any

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 19)
        kwargs.setdefault("decimal_places", 4)
        kwargs.setdefault("currency_field_name", CURRENCY)
        kwargs.setdefault("money_descriptor_class", AmountDescriptor)
        super().__init__(*args, **kwargs)

    def setup_default(self, default: Any, default_currency: Any, nullable: bool) -> Any:
        return default  # A bare Decimal: a Money default would overwrite the row's currency.

    def formfield(self, **kwargs: Any) -> Any:
        return models.DecimalField.formfield(
            self, form_class=MoneyFormField, currency_choices=self.currency_choices, **kwargs
        )


class AmountQuerySet(models.QuerySet[Any]):
    """Comparing with Money compares the currency too, however the query set was reached.

    django-money patches the managers for that, but not those that Django copied before its patch.
    """

    def _filter_or_exclude_inplace(self, negate: bool, args: Any, kwargs: Any) -> None:
        args, kwargs = _expand_money_kwargs(self.model, _expand_money_args(self.model, args), dict(kwargs))
        super()._filter_or_exclude_inplace(negate, args, kwargs)  # type: ignore[misc]

    def update(self, **kwargs: Any) -> int:
        """Plain decimals only: an UPDATE cannot see whether the rows are in the currency of a Money."""
        if CURRENCY in kwargs or any(isinstance(value, Money) for value in kwargs.values()):
            raise TypeError("update() takes plain decimals for amounts: Money would relabel the rows' other amounts.")
        return super().update(**kwargs)
