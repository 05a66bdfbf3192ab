"""Finding by number, e-mail, response code and last four: each through its own index, with a limit."""

from __future__ import annotations

from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from payments.models import CreditCard, Payment

MOST = 500
# Fewer letters than this begin too many numbers: they have to be the whole of one.
SHORTEST_BEGINNING = 3
LONGEST_TERM = 254


class Hits:
    """The ids that a search found, the newest of each sort; what was left out is said."""

    def __init__(self) -> None:
        self.pks: set[int] = set()
        self.is_capped = False

    def take(self, found: QuerySet[Any], column: str = "pk") -> list[int]:
        """The newest of these rows, and no more than MOST."""
        ids = list(found.order_by("-id").values_list(column, flat=True)[: MOST + 1])
        self.is_capped = self.is_capped or len(ids) > MOST
        return ids[:MOST]

    @property
    def remarks(self) -> list[str]:
        if not self.is_capped:
            return []
        text = _("Too much was found: of each kind only the newest %(most)s are shown. Type more of it.")
        return [text % {"most": number_format(MOST)}]


def find_payments(term: str) -> Hits:
    hits = Hits()
    if not term or len(term) > LONGEST_TERM:
        return hits
    payments: QuerySet[Any] = Payment._base_manager.all()
    orders: QuerySet[Any] = order_model()._base_manager.all()
    if "@" in term:
        order_ids = hits.take(orders.filter(same_email(term)))
    else:
        order_ids = hits.take(orders.filter(begins("number", term)))
        hits.pks.update(hits.take(payments.filter(begins("number", term))))
    hits.pks.update(hits.take(payments.filter(response_code=term)))
    if order_ids:
        hits.pks.update(hits.take(payments.filter(order__in=order_ids)))
    card_ids = find_cards(term, hits)
    if card_ids:
        hits.pks.update(hits.take(payments.filter(source_id__in=card_ids, source_type="credit_card")))
    return hits


def find_cards(term: str, hits: Hits) -> list[int]:
    """Cards by their last four digits."""
    if len(term) != 4 or not (term.isascii() and term.isdigit()):
        return []
    return hits.take(CreditCard._base_manager.filter(last_four=term))


def begins(column: str, term: str) -> Q:
    """Rows whose number is `term`, or begins with it, as typed or in capitals."""
    terms = {term, term.upper()}
    if len(term) < SHORTEST_BEGINNING:
        return Q(**{f"{column}__in": terms})
    condition = Q()
    for each in sorted(terms):
        if connection.vendor == "sqlite":  # Its LIKE with ESCAPE does not use an index; a range does.
            condition |= Q(**{f"{column}__gte": each, f"{column}__lt": each + chr(0x10FFFF)})
        else:
            condition |= Q(**{f"{column}__startswith": each})
    return condition


def same_email(term: str) -> Exact:
    """Orders of this e-mail, however it was capitalized."""
    return Exact(Lower("email"), Lower(Value(term)))


def order_model() -> Any:
    """Orders import payments and not the other way round; a payment knows what it belongs to."""
    return Payment._meta.get_field("order").remote_field.model
