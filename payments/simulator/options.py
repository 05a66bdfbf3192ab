"""What can be set when the provider is started. Durations end in their unit."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field


def new_key(prefix: str) -> str:
    return f"{prefix}_{secrets.token_hex(16)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything the engine needs to know beside its books."""

    secret_key: str = field(default_factory=lambda: new_key("sk_test"))
    webhook_secret: str = field(default_factory=lambda: new_key("whsec"))
    live: bool = False
    base_url: str = "http://simulator.invalid"  # Where its pages are; the server puts its own address here.
    webhook_delay_ms: int = 0  # How long an event waits, so that the answer arrives first.
    webhook_url: str = ""  # Where events go that name no address of their own.
    authorization_lifetime_s: int = 7 * 86_400
    session_lifetime_s: int = 3_600
    settle_after_s: int = 86_400  # Until then a capture can be voided; afterwards it is available for payout.
    processing_s: int = 5  # How long the cards that are decided later take.
    key_lifetime_s: int = 86_400
    visibility_ms: int = 0  # How long lookups and lists do not see what was just done.
    latency_ms: int = 0
    rate: int = 0  # Requests a second; 0 is no limit.
    late_by_ms: int = 30_000  # How late the fault `late_answer` answers.
    seed: int = 0
    fee_per_mille: int = 14
    fee_fixed: int = 25  # Hundredths of the currency's unit.
    over_capture_percent: int = 15  # How much more than the hold a final capture may take.
    test_amounts: bool = True
