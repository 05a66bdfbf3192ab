"""Lists of any length: a page is found by the row where it begins, never by counting the rows before it."""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ORDER_VAR, SEARCH_VAR, ChangeList
from django.db.models import BooleanField, F, Func, Model, QuerySet, Value
from django.db.models.lookups import GreaterThan, LessThan
from django.http import HttpRequest
from django.utils.formats import date_format, number_format
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.admin.filters import ListFilters
from payments.admin.search import Hits
from payments.display import NO_BREAK_SPACE
from payments.money import LARGEST

if TYPE_CHECKING:
    ModelAdmin = Any
    BaseChangeList = Any
else:
    ModelAdmin, BaseChangeList = object, ChangeList

VIEW_VAR, AFTER_VAR, BEFORE_VAR, LAST_VAR = "view", "after", "before", "last"
PLACE_VARS = frozenset({AFTER_VAR, BEFORE_VAR, LAST_VAR})
OWN_VARS = PLACE_VARS | {VIEW_VAR, ORDER_VAR, SEARCH_VAR}
# Rows are counted up to here; beyond, a list says that there are more.
COUNTED = 10_000


def moment_text(moment: datetime) -> str:
    """Day and time where the reader is, short enough for a column."""
    here = localtime(moment)
    time = date_format(here, "TIME_FORMAT").replace(" ", NO_BREAK_SPACE)
    return f"{date_format(here, 'SHORT_DATE_FORMAT')} {time}"


@dataclass(frozen=True, slots=True)
class Key:
    """Where a row stands in a sorted list."""

    value: datetime | Decimal
    pk: int


@dataclass(frozen=True, slots=True)
class Sort:
    """By one column that has an index together with the id, so that every row has a place of its own."""

    field: str
    descending: bool = True

    def order(self) -> tuple[str, str]:
        sign = "-" if self.descending else ""
        return f"{sign}{self.field}", f"{sign}id"

    def reverse(self) -> Sort:
        return replace(self, descending=not self.descending)

    def beyond(self, key: Key) -> LessThan | GreaterThan:
        """The rows behind `key`: one comparison of pairs, for which both databases enter the index at that place."""
        here = Pair(F(self.field), F("id"), output_field=BooleanField())
        there = Pair(Value(key.value), Value(key.pk), output_field=BooleanField())
        return LessThan(here, there) if self.descending else GreaterThan(here, there)

    def encode(self, row: Model) -> str:
        value = getattr(row, self.field)
        text = value.isoformat() if isinstance(value, datetime) else str(value.amount)
        return urlsafe_b64encode(json.dumps([self.field, text, row.pk]).encode()).decode().rstrip("=")

    def decode(self, text: str) -> Key | None:
        """None for anything that `encode` has not written for this column."""
        try:
            field, value, pk = json.loads(urlsafe_b64decode(text.encode() + b"=="))
            if field != self.field or type(pk) is not int or not 0 <= pk < 2**63:
                return None
            if field.endswith(("_at", "_by")):
                moment = datetime.fromisoformat(value)
                return Key(moment, pk) if moment.utcoffset() is not None and 1970 < moment.year < 9000 else None
            amount = Decimal(value)
            return Key(amount, pk) if amount.is_finite() and abs(amount) <= LARGEST else None
        except (ValueError, TypeError, AttributeError, InvalidOperation, binascii.Error, RecursionError):
            return None


class Pair(Func):
    function = ""
    template = "(%(expressions)s)"


@dataclass(frozen=True, slots=True)
class SavedView:
    """A question that staff ask every day, as a tab above the list."""

    name: str
    label: Any
    narrow: Callable[[QuerySet[Any]], QuerySet[Any]]
    sort: Sort | None = None


@dataclass(frozen=True, slots=True)
class Tab:
    label: Any
    address: str
    current: bool


class KeysetChangeList(BaseChangeList):
    """The admin's change list with filters as one form, saved views, and pages by key."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, *args, **kwargs)
        self.bulk_offers = self.model_admin.offered_in_bulk(request)
        if not self.is_popup:
            self.title = capfirst(self.opts.verbose_name_plural)

    def get_query_string(self, new_params: Any = None, remove: Iterable[str] | None = None) -> str:
        """This list with other parameters. Whatever changes leads to a first page: places belong to one list."""
        dropped = PLACE_VARS | set(remove or ())
        kept = {name: value for name, value in self.filter_params.items() if name not in dropped}
        kept |= new_params or {}
        pairs = sorted((name, value) for name, value in kept.items() if value not in (None, ""))
        return "?" + urlencode(pairs, doseq=True)

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        lists: KeysetList = self.model_admin
        self.problems: list[str] = []
        self.filters = lists.filters(self.params)
        self.view = self._chosen_view(lists.views)
        self.sort = self._chosen_sort(lists.sorts)
        queryset = self.filters.narrow(self.root_queryset.order_by())
        if self.view:
            queryset = self.view.narrow(queryset)
        self.hits = lists.find(self.query.strip()) if self.query.strip() else None
        if self.hits:
            queryset = queryset.filter(pk__in=self.hits.pks)
            self.problems += self.hits.remarks
        self._name_what_is_unknown()
        return queryset

    def _chosen_view(self, views: Iterable[SavedView]) -> SavedView | None:
        wanted = self.params.get(VIEW_VAR, "")
        chosen = next((view for view in views if view.name == wanted), None)
        if wanted and not chosen:
            self.problems.append(_("There is no saved view “%(name)s”: all are shown.") % {"name": wanted})
        return chosen

    def _chosen_sort(self, sorts: dict[str, str]) -> Sort:
        default = (self.view.sort if self.view else None) or Sort("created_at")
        first = self.params.get(ORDER_VAR, "").partition(".")[0]
        try:
            column = self.list_display[abs(int(first))]
        except (ValueError, IndexError):
            return default
        return Sort(sorts[column], descending=first.startswith("-")) if column in sorts else default

    def _name_what_is_unknown(self) -> None:
        known = OWN_VARS | self.filters.fields.keys()
        self.problems += [
            _("This list has no filter “%(name)s”.") % {"name": name}
            for name in self.filter_params
            if name not in known and not name.startswith("_")  # Those are the admin's own.
        ]

    def get_ordering_field_columns(self) -> dict[int, str]:
        sorts = self.model_admin.sorts
        how = "desc" if self.sort.descending else "asc"
        return {index: how for index, column in enumerate(self.list_display) if sorts.get(column) == self.sort.field}

    def get_results(self, request: HttpRequest) -> None:
        rows, has_newer, has_older = self._page()
        self.result_list = rows
        self.newer = self.get_query_string({BEFORE_VAR: self.sort.encode(rows[0])}) if has_newer else ""
        self.older = self.get_query_string({AFTER_VAR: self.sort.encode(rows[-1])}) if has_older else ""
        self.first = self.get_query_string() if has_newer else ""
        self.last = self.get_query_string({LAST_VAR: "1"}) if has_older else ""
        self.count_text = self._count(complete=not (has_newer or has_older))
        self.result_count = len(rows)  # What the admin's own view asks for: of rows that can be selected.
        self.show_full_result_count = self.can_show_all = self.multi_page = False
        self.full_result_count = self.paginator = None
        self.show_admin_actions = bool(rows)

    def _page(self) -> tuple[list[Any], bool, bool]:
        """The rows of this page; whether there are any before, and behind. A place that is no more is the first."""
        after, before = (self.sort.decode(self.params.get(name, "")) for name in (AFTER_VAR, BEFORE_VAR))
        if after:
            rows, more = self._rows(self.sort, after)
            if rows:
                return rows, True, more
        elif before or LAST_VAR in self.params:
            rows, more = self._rows(self.sort.reverse(), before)
            # Nearer to the top than one page: the first page, a full one, is shown instead.
            if more or (before is None and rows):
                return rows[::-1], more, before is not None
        rows, more = self._rows(self.sort, None)
        return rows, False, more

    def _rows(self, sort: Sort, key: Key | None) -> tuple[list[Any], bool]:
        """The page is found among the narrow rows first: only what is shown is joined with what it is shown with."""
        queryset = self.queryset.filter(sort.beyond(key)) if key else self.queryset
        page = queryset.order_by(*sort.order()).values("pk")[: self.list_per_page + 1]
        shown = self.root_queryset.filter(pk__in=page).select_related(*self.list_select_related)
        rows = list(shown.order_by(*sort.order()))
        return rows[: self.list_per_page], len(rows) > self.list_per_page

    def _count(self, *, complete: bool) -> str:
        """How many rows there are, in words; "" where it would cost another statement of a search."""
        if complete:
            return number_format(len(self.result_list), force_grouping=True)
        if self.hits:
            return "" if self.view or self.filters.chosen else number_format(len(self.hits.pks))
        # Along the index that the amounts chosen are together in, or else the one that the list is sorted by.
        by_amount = {"amount_from", "amount_to"} & self.filters.chosen.keys()
        sort = Sort(self.filters.amount_column) if by_amount else self.sort
        counted = self.queryset.order_by(*sort.order()).values("pk")[: COUNTED + 1].count()
        shown = number_format(min(counted, COUNTED), force_grouping=True)
        return _("more than %(count)s") % {"count": shown} if counted > COUNTED else shown

    @property
    def tabs(self) -> list[Tab]:
        """The saved views, beginning with no view at all; each keeps the filters."""
        views = [("", gettext_lazy("All")), *((view.name, view.label) for view in self.model_admin.views)]
        current = self.view.name if self.view else ""
        return [
            Tab(label, self.get_query_string({VIEW_VAR: name}, [ORDER_VAR]), name == current) for name, label in views
        ]

    @property
    def kept(self) -> list[tuple[str, str]]:
        """What the form of filters carries along unseen."""
        return [
            (name, value)
            for name, value in self.params.items()
            if name in (VIEW_VAR, ORDER_VAR) or name.startswith("_")
        ]

    @property
    def cleared(self) -> str:
        return self.get_query_string(remove=[SEARCH_VAR, *self.filters.fields])


class KeysetList(ModelAdmin):
    """A model admin whose change list works at any size: `views`, `filters` and `sorts` say what it offers."""

    views: ClassVar[tuple[SavedView, ...]] = ()
    filters: ClassVar[type[ListFilters]] = ListFilters
    # Column of the list → model field with an index.
    sorts: ClassVar[dict[str, str]] = {"created_column": "created_at"}
    list_select_related: Any = ()
    show_full_result_count = False
    list_per_page = 50

    @admin.display(description=gettext_lazy("created"), ordering="created_at")
    def created_column(self, row: Any) -> str:
        return moment_text(row.created_at)

    def offered_in_bulk(self, request: HttpRequest) -> list[Any]:
        """What may be done to the rows that are selected."""
        return []

    def find(self, term: str) -> Hits:
        """The ids that a search is about, through indexes alone."""
        raise NotImplementedError

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[KeysetChangeList]:
        return KeysetChangeList

    def get_sortable_by(self, request: HttpRequest) -> tuple[str, ...]:
        return tuple(self.sorts)

    def get_search_results(self, request: Any, queryset: QuerySet[Any], term: str) -> tuple[QuerySet[Any], bool]:
        """For fields that complete what is typed: found the same way."""
        term = term.strip()
        return (queryset.filter(pk__in=self.find(term).pks) if term else queryset), False
