"""Test cards and test amounts: what each makes happen. No other card is ever taken, so no real one can get in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

FIRST_TEST_AMOUNT = 900_000  # The test amount of outcome `nn` is 9000nn minor units, in any currency.

MESSAGES = {
    "generic_decline": "Your card was declined.",
    "insufficient_funds": "Your card has insufficient funds.",
    "lost_card": "Your card was declined.",
    "stolen_card": "Your card was declined.",
    "expired_card": "Your card has expired.",
    "incorrect_cvc": "Your card's security code is incorrect.",
    "incorrect_number": "Your card number is incorrect.",
    "processing_error": "An error occurred while processing your card. Try again in a little bit.",
    "do_not_honor": "Your card was declined.",
    "fraudulent": "Your card was declined.",
    "card_velocity_exceeded": "Your card was declined for making repeated attempts too often.",
    "test_mode_live_card": "Your card was declined. Only test cards are taken here.",
    "authentication_failed": "The card's owner could not be authenticated.",
    "canceled_by_customer": "The customer canceled.",
    "session_expired": "The page was not paid in time.",
    "capture_declined": "The issuer refused the capture.",
    "refund_declined": "The issuer refused the refund.",
    "void_declined": "The issuer refused the void.",
    "refund_failed": "The card's bank sent the refund back.",
}
# These are codes of their own; every other decline has the code `card_declined`.
OWN_CODES = {
    "expired_card",
    "incorrect_cvc",
    "incorrect_number",
    "processing_error",
    "authentication_failed",
    "canceled_by_customer",
    "session_expired",
    "capture_declined",
    "refund_declined",
    "void_declined",
    "refund_failed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a test card does. `stage`: the action it shows in; `result`: what that action comes to."""

    name: str
    number: str
    says: str
    stage: str = "authorize"
    result: str = "approved"
    reason: str = ""  # The decline code.
    avs: str = "Y"
    cvc: str = "M"
    amount: int | None = None  # The two digits of its test amount.

    @property
    def token(self) -> str:
        return f"tok_{self.name}"

    @property
    def test_amount(self) -> int | None:
        return None if self.amount is None else FIRST_TEST_AMOUNT + self.amount


def declined(name: str, number: str, amount: int, says: str, reason: str = "") -> Outcome:
    cvc = "N" if name == "incorrect_cvc" else "M"
    return Outcome(
        name=name, number=number, says=says, result="declined", reason=reason or name, amount=amount, cvc=cvc
    )


def later(
    name: str, number: str, amount: int, result: str, says: str, reason: str = "", stage: str = "authorize"
) -> Outcome:
    return Outcome(name=name, number=number, says=says, stage=stage, result=result, reason=reason, amount=amount)


OUTCOMES = (
    Outcome(name="visa", number="4242424242424242", says="Approved."),
    Outcome(name="mastercard", number="5555555555554444", says="Approved."),
    Outcome(name="amex", number="378282246310005", says="Approved."),
    Outcome(name="discover", number="6011111111111117", says="Approved."),
    declined("declined", "4000000000000002", 2, "Declined without a reason.", "generic_decline"),
    declined("insufficient_funds", "4000000000009995", 3, "Declined: not enough money."),
    declined("lost_card", "4000000000009987", 4, "Declined: reported lost."),
    declined("stolen_card", "4000000000009979", 5, "Declined: reported stolen."),
    declined("expired_card", "4000000000000069", 6, "Declined: expired."),
    declined("incorrect_cvc", "4000000000000127", 7, "Declined: wrong security code."),
    declined("processing_error", "4000000000000119", 8, "Declined: the network failed; may be tried again."),
    declined("do_not_honor", "4000009900001002", 9, "Declined: do not honor."),
    declined("fraudulent", "4100000000000019", 10, "Declined: suspected fraud."),
    declined("velocity", "4000000000006975", 11, "Declined: too many attempts.", "card_velocity_exceeded"),
    later("challenge", "4000000000003220", 20, "requires_action", "Asks for 3-D Secure; the customer decides."),
    later(
        "challenge_declined",
        "4000008260003178",
        21,
        "requires_action",
        "Asks for 3-D Secure, then declined.",
        "insufficient_funds",
    ),
    later("processing", "4000009900002000", 22, "processing", "Processing; later it succeeds."),
    later(
        "processing_declined", "4000009900003008", 23, "processing", "Processing; later declined.", "generic_decline"
    ),
    Outcome(
        name="avs_fails",
        number="4000000000000010",
        says="Approved; street and post code do not match.",
        avs="N",
        amount=30,
    ),
    Outcome(
        name="avs_street", number="4000000000000028", says="Approved; the street does not match.", avs="Z", amount=31
    ),
    Outcome(
        name="avs_zip", number="4000000000000036", says="Approved; the post code does not match.", avs="A", amount=32
    ),
    Outcome(
        name="avs_unavailable", number="4000000000000044", says="Approved; address not checked.", avs="U", amount=33
    ),
    Outcome(
        name="cvc_fails",
        number="4000000000000101",
        says="Approved; the security code does not match.",
        cvc="N",
        amount=34,
    ),
    later(
        "capture_declined",
        "4000009900004006",
        40,
        "declined",
        "Approved; every capture is declined.",
        "capture_declined",
        "capture",
    ),
    later(
        "void_declined",
        "4000009900005003",
        41,
        "declined",
        "Approved; every void is declined.",
        "void_declined",
        "void",
    ),
    later(
        "refund_declined",
        "4000009900006001",
        42,
        "declined",
        "Approved; every refund is declined.",
        "refund_declined",
        "refund",
    ),
    later(
        "refund_pending",
        "4000000000007726",
        43,
        "processing",
        "Approved; a refund is processing, then succeeds.",
        "",
        "refund",
    ),
    later(
        "refund_pending_fails",
        "4000009900007009",
        44,
        "processing",
        "Approved; a refund is processing, then fails.",
        "refund_failed",
        "refund",
    ),
    later(
        "refund_bounces",
        "4000000000005126",
        45,
        "bounces",
        "Approved; a refund succeeds and comes back later.",
        "refund_failed",
        "refund",
    ),
    Outcome(
        name="disputed",
        number="4000000000000259",
        says="Approved; once captured, the owner disputes it.",
        stage="capture",
        result="disputed",
        amount=46,
    ),
)
BY_NAME = {each.name: each for each in OUTCOMES}
BY_NUMBER = {each.number: each for each in OUTCOMES}
BY_AMOUNT = {each.test_amount: each for each in OUTCOMES if each.test_amount is not None}
APPROVED = BY_NAME["visa"]


def of_number(number: str) -> Outcome:
    """The outcome of a card number; wrong digits and cards that are not for tests are declined."""
    if number in BY_NUMBER:
        return BY_NUMBER[number]
    reason = "test_mode_live_card" if passes_luhn(number) else "incorrect_number"
    return Outcome(name=reason, number="", says="", result="declined", reason=reason)


def named(name: str) -> Outcome:
    """The outcome that was kept under this name."""
    return BY_NAME.get(name) or Outcome(name=name, number="", says="", result="declined", reason=name)


def at(stage: str, card: str, amount: int, *, test_amounts: bool) -> Outcome:
    """What happens at this stage, with the card of this outcome and this amount. An amount's own word goes first."""
    candidates: Iterator[Outcome] = iter((BY_AMOUNT.get(amount, APPROVED) if test_amounts else APPROVED, named(card)))
    wanted = (each for each in candidates if each.stage == stage and each is not APPROVED)
    found = next(wanted, None)
    return found or Outcome(name="approved", number="", says="", stage=stage)


def code_of(reason: str) -> str:
    """The error's code for a decline code."""
    return reason if reason in OWN_CODES else "card_declined"


def passes_luhn(number: str) -> bool:
    """Whether the last digit is the check digit that the others ask for."""
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(number)))
    return number.isdigit() and sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def brand_of(number: str) -> str:
    for start, brand in (("4", "visa"), ("5", "mastercard"), ("2", "mastercard"), ("3", "amex"), ("6", "discover")):
        if number.startswith(start):
            return brand
    return "unknown"
