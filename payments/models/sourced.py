"""What a row was paid with, or can be paid with: a word for the kind of source and its id (decision 0004)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from payments.models.credit_card import CreditCard
from payments.models.hosted_source import HostedSource

SOURCES: dict[str, type[models.Model]] = {"credit_card": CreditCard, "hosted_source": HostedSource}


def kind_of(source: Any) -> str:
    """The word for its kind, "" for what is no source."""
    return next((key for key, model in SOURCES.items() if isinstance(source, model)), "")


class Sourced(models.Model):
    """`source` reads and is assigned like a relation. Who mixes it in joins the commonest kind as `credit_card`."""

    source_type = models.CharField(_("source type"), max_length=20, blank=True, choices=[(k, k) for k in SOURCES])
    source_id = models.PositiveBigIntegerField(_("source id"), null=True, blank=True)

    class Meta:
        abstract = True

    def clean_fields(self, exclude: Any = None) -> None:
        """The join is no field to fill in: with a source of another kind there is no such card."""
        super().clean_fields(exclude={*(exclude or ()), "credit_card"})

    @property
    def source(self) -> Any:
        """What is paid with, or None."""
        if "_source" not in self.__dict__:
            if self.source_type == "credit_card":
                self.__dict__["_source"] = self.credit_card  # type: ignore[attr-defined]
            else:
                model = SOURCES.get(self.source_type)
                self.__dict__["_source"] = model._default_manager.filter(pk=self.source_id).first() if model else None
        return self.__dict__["_source"]

    @source.setter
    def source(self, source: Any) -> None:
        kind = kind_of(source)
        if source is not None and not kind:
            raise TypeError(f"{type(source).__name__} is no payment source.")
        self.source_type, self.source_id = kind, source.pk if source is not None else None
        self.__dict__["_source"] = source
