"""What a list can be narrowed to: one form, whose wrong fields say so and narrow nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import BooleanField, F, Func, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from payments.errors import InvalidAmount
from payments.models import Operation, Payment, PaymentMethod
from payments.models.operation import UNANSWERED, UNSETTLED
from payments.money import LARGEST, exponent

ANY = ("", gettext_lazy("any"))
YES_NO = (ANY, ("yes", gettext_lazy("yes")), ("no", gettext_lazy("no")))
# Days since it was made, from and to; the second is open for "older than".
AGES = (
    ANY,
    ("0-1", gettext_lazy("under a day")),
    ("1-3", gettext_lazy("1 to 3 days")),
    ("3-6", gettext_lazy("3 to 6 days")),
    ("1-", gettext_lazy("over 1 day")),
    ("3-", gettext_lazy("over 3 days")),
    ("6-", gettext_lazy("over 6 days")),
)


def choice(label: Any, choices: Any) -> Any:
    return forms.ChoiceField(label=label, choices=choices, required=False)


def day(label: Any) -> Any:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        # What lies outside would leave the calendar where a time zone is applied.
        validators=[MinValueValidator(date(1971, 1, 1)), MaxValueValidator(date(2999, 12, 31))],
    )


def decimal(label: Any) -> Any:
    widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 10})
    return forms.DecimalField(
        label=label, required=False, widget=widget, min_value=-LARGEST, max_value=LARGEST, decimal_places=4
    )


def methods() -> list[tuple[str, Any]]:
    names = PaymentMethod._base_manager.order_by("position", "id").values_list("pk", "name")
    return [ANY, *((str(pk), name) for pk, name in names)]


def start_of(day: date) -> datetime:
    """Midnight where the reader is."""
    return timezone.make_aware(datetime.combine(day, time.min))


def window(column: str, first: date | None, last: date | None) -> Q:
    """From the beginning of one day to the end of another, either of them open."""
    condition = Q()
    if first:
        condition &= Q(**{f"{column}__gte": start_of(first)})
    if last:
        condition &= Q(**{f"{column}__lt": start_of(last + timedelta(days=1))})
    return condition


def aged(bounds: str) -> Q:
    youngest, _dash, oldest = bounds.partition("-")
    now = timezone.now()
    condition = Q(created_at__lte=now - timedelta(days=int(youngest)))
    return condition & Q(created_at__gt=now - timedelta(days=int(oldest))) if oldest else condition


class ListFilters(forms.Form):
    """The filters that every list has. `main` are always in sight, `ranges` and `more` behind a summary."""

    main: ClassVar[tuple[str, ...]] = ("state", "method", "currency", "age")
    more: ClassVar[tuple[str, ...]] = ()
    ranges: ClassVar[tuple[tuple[str, Any], ...]] = (
        ("amount", gettext_lazy("Amount")),
        ("created", gettext_lazy("Created")),
    )
    amount_column: ClassVar[str] = "amount"
    exact: ClassVar[dict[str, str]] = {"state": "state", "currency": "currency"}

    method = forms.ChoiceField(label=gettext_lazy("Payment method"), choices=methods, required=False)
    currency = forms.CharField(
        label=gettext_lazy("Currency"),
        required=False,
        max_length=3,
        widget=forms.TextInput(attrs={"size": 4, "placeholder": "USD", "autocapitalize": "characters"}),
    )
    age = choice(gettext_lazy("Age"), AGES)
    amount_from = decimal(gettext_lazy("from"))
    amount_to = decimal(gettext_lazy("to"))
    created_from = day(gettext_lazy("from"))
    created_to = day(gettext_lazy("to"))

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, auto_id="filter_%s")
        self.chosen: dict[str, Any] = {}

    def clean_currency(self) -> str:
        code: str = self.cleaned_data["currency"].upper()
        try:
            if code:
                exponent(code)
        except InvalidAmount:
            raise ValidationError(_("“%(code)s” is no currency code.") % {"code": code}) from None
        return code

    def clean(self) -> dict[str, Any]:
        values = self.cleaned_data
        for name, _label in self.ranges:
            first, last = values.get(f"{name}_from"), values.get(f"{name}_to")
            if first is not None and last is not None and first > last:
                self.add_error(f"{name}_to", _("This lies before the beginning."))
        return values

    def narrow(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """What all the valid fields leave of it."""
        self.full_clean()
        self.chosen = {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}
        for condition in self.conditions():
            queryset = queryset.filter(condition)
        return queryset

    def conditions(self) -> Iterator[Q]:
        chosen = self.chosen
        for name, column in self.exact.items():
            if name in chosen:
                yield Q(**{column: chosen[name]})
        if "age" in chosen:
            yield aged(chosen["age"])
        for end, operator in (("from", "gte"), ("to", "lte")):
            if f"amount_{end}" in chosen:
                yield Q(**{f"{self.amount_column}__{operator}": chosen[f"amount_{end}"]})
        yield window("created_at", chosen.get("created_from"), chosen.get("created_to"))

    # For the template

    @property
    def main_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.main]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.more]

    @property
    def range_fields(self) -> list[tuple[Any, forms.BoundField, forms.BoundField]]:
        return [(label, self[f"{name}_from"], self[f"{name}_to"]) for name, label in self.ranges]

    @property
    def shows_more(self) -> bool:
        """Whether the fields behind the summary are in use, or in error."""
        used = (self.chosen.keys() | self.errors.keys()) - {*self.main}
        return bool(used)


class PaymentFilters(ListFilters):
    main = ("state", "method", "currency", "age")
    more = ("operation", "review")
    ranges = (
        *ListFilters.ranges,
        ("ends", gettext_lazy("Hold ends")),
        ("captured", gettext_lazy("Captured")),
        ("refunded", gettext_lazy("Refunded")),
    )
    exact: ClassVar[dict[str, str]] = {**ListFilters.exact, "method": "payment_method"}

    state = choice(gettext_lazy("State"), [ANY, *Payment.State.choices])
    operation = choice(
        gettext_lazy("Has an operation"),
        [
            ANY,
            ("unanswered", gettext_lazy("open or unknown")),
            *[(s.value, s.label) for s in map(Operation.State, UNSETTLED)],
        ],
    )
    review = choice(gettext_lazy("Needs review"), YES_NO)
    ends_from = day(gettext_lazy("from"))
    ends_to = day(gettext_lazy("to"))
    captured_from = day(gettext_lazy("from"))
    captured_to = day(gettext_lazy("to"))
    refunded_from = day(gettext_lazy("from"))
    refunded_to = day(gettext_lazy("to"))

    def conditions(self) -> Iterator[Q]:
        yield from super().conditions()
        chosen = self.chosen
        if "operation" in chosen:
            state = chosen["operation"]
            operations = operations_among(UNANSWERED if state != "waiting" else UNSETTLED)
            yield Q(pk__in=operations if state == "unanswered" else operations.filter(state=state))
        if "review" in chosen:
            yield ~Q(review_reason="") if chosen["review"] == "yes" else Q(review_reason="")
        if chosen.keys() & {"ends_from", "ends_to"}:
            yield window("capture_by", chosen.get("ends_from"), chosen.get("ends_to")) & Q(state=Payment.State.PENDING)
        for name, kinds in (("captured", ("capture", "purchase")), ("refunded", ("refund",))):
            first, last = chosen.get(f"{name}_from"), chosen.get(f"{name}_to")
            if first or last:
                yield answered("succeeded", kinds, first, last)


def operations_among(states: tuple[str, ...]) -> QuerySet[Any]:
    """The payments of operations in these states, which are ours: UNANSWERED or UNSETTLED.

    They are written into the statement. Given as parameters, SQLite would not see that the small index of such
    operations has them all, and would read the journal.
    """
    words = ", ".join(f"'{state}'" for state in states)
    among = Func(F("state"), template=f"%(expressions)s IN ({words})", output_field=BooleanField())
    return Operation._base_manager.filter(among).values("payment")


def answered(state: str, kinds: tuple[str, ...], first: date | None, last: date | None) -> Q:
    """Payments with such an operation, answered on these days."""
    operations = Operation._base_manager.filter(window("answered_at", first, last), state=state, kind__in=kinds)
    condition = Q(pk__in=operations.values("payment"))
    if last:
        # It was made before it was answered: whoever looks at an old week is not to walk all that came since. A
        # day is allowed for clocks that differ.
        condition &= Q(created_at__lt=start_of(last + timedelta(days=2)))
    return condition
