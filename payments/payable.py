"""What payments wants of an order, and no more. `orders.Order` fulfils it; a test holds it to that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from payments.actors import Actor
from payments.money import Money

if TYPE_CHECKING:
    from payments.models import Payment, PaymentMethod


class PayableAddress(Protocol):
    def gateway_hash(self) -> dict[str, str]: ...


class Payable(Protocol):
    """An order as a payment sees it. Amounts are Money in the order's currency."""

    pk: Any
    number: str
    email: str
    currency: str
    user_id: int | None
    last_ip_address: str | None
    state: str
    payment_state: str

    @property
    def total(self) -> Money: ...
    @property
    def payment_total(self) -> Money: ...
    @property
    def outstanding_balance(self) -> Money: ...
    @property
    def item_total(self) -> Money: ...
    @property
    def shipment_total(self) -> Money: ...
    @property
    def additional_tax_total(self) -> Money: ...
    @property
    def promo_total(self) -> Money: ...
    @property
    def bill_address(self) -> PayableAddress | None: ...
    @property
    def ship_address(self) -> PayableAddress | None: ...

    def get_state_display(self) -> str: ...
    def get_payment_state_display(self) -> str: ...

    def lines_for_gateway(self) -> Sequence[Mapping[str, Any]]:
        """The lines as plain data, amounts in whole minor units."""

    @staticmethod
    def payments_changed(orders: Sequence[Any], *, by: Actor) -> None:
        """`payment_changed` of several locked orders."""

    def payment_changed(self, *, by: Actor, note: str = "") -> None:
        """A payment of this order has changed: database work only, in the caller's transaction, the order locked.

        `note` says what happened where no operation does: nobody was asked.
        """


class Buyable(Payable, Protocol):
    """An order as a payment backend sees it: handed in by its caller, with the verbs by which it is placed and paid."""

    completed_at: datetime | None

    @property
    def payment_required(self) -> bool: ...
    def bill_to(self, given: Mapping[str, str]) -> None: ...
    def add_payment(
        self, method: PaymentMethod, source: Any = None, amount: Any = None, *, by: Actor = ...
    ) -> Payment: ...
    def complete(self, *, by: Actor = ...) -> None: ...
    def cancel(self, reason: str = "", *, by: Actor = ...) -> None: ...
    def issue_invoice(self) -> Any: ...
