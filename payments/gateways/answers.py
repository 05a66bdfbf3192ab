"""The only shapes in which a gateway is asked and may answer: frozen, in our words, never a provider's own object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal, Protocol, TypedDict

Kind = Literal["authorize", "purchase", "capture", "void", "refund"]
RecordKind = Literal[
    "authorize",
    "purchase",
    "capture",
    "capture_voided",
    "void",
    "refund",
    "refund_failed",
    "dispute",
    "dispute_won",
]


class Outcome(StrEnum):
    """The answers there are. Silence is none of them: it is the exception GatewayUnavailable."""

    APPROVED = "approved"
    DECLINED = "declined"
    ACTION_REQUIRED = "action_required"  # The customer must act: see next_action.
    PROCESSING = "processing"  # The provider will say later.


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """A provider's answer in our words; never a provider's own object.

    `authorization` is the handle for later actions and may repeat; `reference` names this one action at the
    provider. `amount_minor` (whole minor units) is what the provider says it did, None if it does not say.
    `params` is what may be kept for staff: by allow-list, never a secret or a card number. `occurred_at` is when it
    happened by the provider's clock, None if that is not said.
    """

    outcome: Outcome
    authorization: str = ""
    reference: str = ""
    message: str = ""
    error_code: str = ""
    avs_code: str = ""
    cvv_code: str = ""
    cvv_message: str = ""
    amount_minor: int | None = None
    next_action: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None

    @property
    def success(self) -> bool:
        return self.outcome is Outcome.APPROVED


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What a provider says happened, in our words, whoever brought it: the only thing that a payment applies."""

    kind: Kind
    outcome: Outcome
    amount_minor: int | None = None
    currency: str = ""
    authorization: str = ""
    reference: str = ""
    idempotency_key: str = ""
    order_id: str = ""
    message: str = ""
    error_code: str = ""
    avs_code: str = ""
    cvv_code: str = ""
    cvv_message: str = ""
    next_action: Mapping[str, Any] | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    occurred_at: datetime | None = None
    # A refund that the card's owner takes: PROCESSING while it is open, APPROVED when it is lost, DECLINED when won.
    disputed: bool = False

    @classmethod
    def from_response(cls, kind: Kind, response: Response, *, idempotency_key: str) -> Fact:
        """The answer to the request that carried `idempotency_key`, as a fact."""
        return cls(
            kind=kind,
            outcome=response.outcome,
            amount_minor=response.amount_minor,
            authorization=response.authorization,
            reference=response.reference,
            idempotency_key=idempotency_key,
            message=response.message,
            error_code=response.error_code,
            avs_code=response.avs_code,
            cvv_code=response.cvv_code,
            cvv_message=response.cvv_message,
            next_action=response.next_action,
            params=response.params,
            occurred_at=response.occurred_at,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookNotice:
    """A provider's notification in our words: its id, its own type, the facts it states, what may be stored.

    `facts` is empty for what we have no word for, such as a payout, and for a type that nobody knows.
    """

    event_id: str
    type: str
    facts: Sequence[Fact]
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What a provider holds for one authorization now, in whole minor units."""

    authorization: str
    authorized_minor: int
    captured_minor: int
    refunded_minor: int
    voided: bool
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line of a provider's own books, in whole minor units: `kind` says which way; a fee below 0 is given back."""

    kind: RecordKind
    reference: str
    amount_minor: int
    fee_minor: int
    currency: str
    authorization: str
    order_id: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """One line of the checklist before going live. `state`: `warning` is for a person to judge, `problem` stops."""

    name: str
    state: Literal["ok", "warning", "problem"]
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What a gateway can do. What it does not declare is refused before anything is sent.

    `visibility_window`: how late after the deed a lookup may still not see it. `currencies`: None means all.
    """

    idempotency_keys: bool = False
    lookup: bool = False
    fetch: bool = False
    partial_capture: bool = False
    multiple_captures: bool = False
    over_capture: bool = False
    capture_without_authorization: bool = False
    void_after_capture: bool = False
    partial_refund: bool = False
    hosted_page: bool = False
    saved_sources: bool = False
    webhooks: bool = False
    listing: bool = False
    authorization_lifetime: timedelta | None = None
    visibility_window: timedelta = timedelta(minutes=10)
    currencies: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigField:
    """One setting of a gateway. A `secret` is kept in settings or the environment; the row holds its name only."""

    name: str
    label: str
    type: type = str
    required: bool = False
    secret: bool = False
    help: str = ""


class Source(Protocol):
    """What the customer pays with, as far as a gateway may look."""

    @property
    def token(self) -> str: ...


class GatewayOptions(TypedDict, total=False):
    """What we tell a provider about an order beside the amount; see `payments.gateway_options`."""

    email: str
    customer: str
    customer_id: int | None
    ip: str | None
    order_id: str
    originator: Any
    shipping: int
    tax: int
    subtotal: int
    discount: int
    currency: str
    billing_address: dict[str, str] | None
    shipping_address: dict[str, str] | None
    idempotency_key: str
    final: bool
    return_url: str
    notification_url: str
    description: str
    line_items: Sequence[Mapping[str, Any]]
    initiator: str
