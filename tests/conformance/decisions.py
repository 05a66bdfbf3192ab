"""The decisions of the design that the rules stand on."""

from __future__ import annotations

from tests.conformance.rule import Decision

NOBODY_ASKED = Decision(
    "nothing held, nobody asked",
    "§6",
    "Credit of payments that never captured and void of payments that hold nothing reach no gateway: checkout and "
    "processing end void, void stays, failed and invalid refuse as an illegal state.",
)
CAPTURE_NEEDS_AUTHORIZATION = Decision(
    "a capture needs an authorization",
    "§4",
    "Capture without an authorization is UnsupportedAction unless the gateway declares it.",
)
UNKNOWN = Decision(
    "no answer is unknown",
    "§6, law 3",
    "A lost connection is not left unlogged: the operation is unknown, blocks its payment and is recovered by "
    "evidence.",
)
ALWAYS_GATEWAY_ERROR = Decision(
    "a lost connection is always a GatewayError",
    "§6",
    "Raw connection errors do not escape from cancel.",
)
DECLINED_CAPTURE = Decision(
    "a declined capture records nothing",
    "§6",
    "No captured amount and no smaller amount is left behind by a capture that was declined.",
)
DECLINED_VOID = Decision(
    "a declined void of a hold is an error",
    "§4",
    "Cancel of a pending payment whose void is declined raises; nothing was captured, so no credit is asked for.",
)
EVERY_REQUEST_KEPT = Decision(
    "every request is an operation",
    "§5 law 1",
    "Also the void that cancel tries before it refunds is kept in the journal.",
)
MONEY_STAYS = Decision(
    "money counts wherever it is",
    "§6",
    "A second attempt on a completed payment hides nothing: declined, it stays completed; payment_total counts what "
    "was captured whatever the state, and all of it.",
)
SOURCE_GONE = Decision(
    "a hold needs its authorization, not its source",
    "§4",
    "Capture and void take the authorization: a payment whose source is gone can still be captured and voided.",
)
TRANSITION_MOVES_NO_MONEY = Decision(
    "a transition moves no money",
    "§5 law 9",
    "What was captured counts, not the state's name: an event alone neither pays an order nor takes a payment away.",
)
CODES = Decision(
    "void and credit take the authorization alone",
    "§4",
    "void(authorization, options) and credit(amount_minor, authorization, options): no source, also where a gateway "
    "stores profiles.",
)
PARTLY_REFUNDED = Decision(
    "a sale partly refunded is not voided",
    "§4",
    "Cancel of a completed payment tries a void only while nothing was refunded, else it refunds what is left.",
)
NOTHING_LEFT = Decision(
    "nothing left, nothing done",
    "§4",
    "Cancel of a completed payment that was given back in full asks nobody and returns None.",
)
REFUND_WITHOUT_MONEY = Decision(
    "a refund of money that was never taken is counted",
    "§5 law 5",
    "A proven refund that exceeds what was captured is recorded and flagged; sums are sums whatever the state.",
)
FAILED_REFUND = Decision(
    "a failed refund reserves nothing",
    "§6",
    "Only refunds under way or succeeded reserve money; none is counted as given back before it succeeded.",
)
NOT_POSITIVE = Decision(
    "nothing to pay, nothing done",
    "§4",
    "A verb on a payment of zero or less asks nobody and returns None.",
)
EXPLICIT_AMOUNT = Decision(
    "an explicit amount is checked",
    "§4, §6",
    "An amount of zero or less, or above the authorization, is InvalidAmount unless the gateway declares over-capture.",
)
NEW_PAYMENT = Decision(
    "every payment begins in checkout",
    "§4",
    "A new payment makes older checkout payments invalid; that it fails later brings none of them back.",
)
EXCEPTIONS = Decision(
    "exceptions, not booleans",
    "§6",
    "process_payments and its kin raise the GatewayError and else return None, also when the total was covered early.",
)
PAYMENT_BY_PAYMENT = Decision(
    "an order is called off payment by payment",
    "§6",
    "Every payment is tried, each in a transaction of its own; what failed stays visible, the sums are told at once, "
    "and payments in checkout become invalid.",
)

# Of single cases

JOURNAL = Decision(
    "the journal is the history",
    "§3",
    "An Operation keeps the payment's state before and after, so the operations are its history; what moves no "
    "money is told on the order's timeline.",
)
ACTOR = Decision("the actor is recorded", "§6", "Who acts is handed down explicitly and recorded on the operation.")
TOKENS = Decision(
    "a card is a token",
    "§4",
    "add_payment lets bogus turn the card number into a stored token at once; every other gateway's card has one from "
    "its provider. Number and code live in memory only.",
)
SOURCE_WHEN_ASKED = Decision(
    "a missing source is an error of the verb", "§4", "A missing source is a GatewayError when the money is asked for."
)
EXACT_AMOUNT = Decision(
    "an amount is exact or refused",
    "§5 law 6",
    "Money is Money or a decimal string in the domain; what is no number, or does not fit the currency, is an error.",
)
NEVER_NEGATIVE = Decision("nothing is left below zero", "§4", "uncaptured_amount = amount − captured, never below 0.")
MESSAGE = Decision(
    "one message, chosen by the adapter", "§4", "PaymentDeclined has the .message and .error_code of the Response."
)
CODES_KEPT = Decision(
    "codes are not wiped", "§6", "A response without AVS/CVV or authorization keeps the earlier ones."
)
VOID_OF_A_SALE = Decision(
    "a sale is voided where the gateway says so",
    "§4",
    "Void of a completed payment asks where the gateway declares void_after_capture, else it is an illegal state.",
)
CHECKS_REFUNDED = Decision(
    "a cashed check is refunded", "§6", "Check payments are refunded, up to what was captured, and not voided."
)
NONE_IS_EMPTY = Decision(
    "no answer is the empty text",
    "left to the builder",
    "Text columns hold no NULL: a check without an answer is empty, and no risk.",
)
MINOR_UNITS = Decision(
    "minor units by the currency", "§6", "Totals are exponent-aware, not times 100: yen are yen in every key."
)
ALL_OPTIONS = Decision(
    "every call gets all options",
    "§4",
    "Void and credit get the same options as the other verbs; for a refund the originator is the refund.",
)
SUMS_OF_ROWS = Decision("sums are sums", "§5 law 5", "Sums are computed from succeeded operations, refunds alike.")
GAP = Decision(
    "payments must cover the total", "§6", "Valid payments must cover the total, or completion is refused with the gap."
)
WRITTEN_FIRST = Decision(
    "intent before action", "§5 law 1", "A refund and its operation are committed before the provider is asked."
)
NEW_REFUND = Decision(
    "trying again is a new refund", "§3", "A refund has exactly one operation, from which its state is read."
)
REASON_IS_FREE = Decision("a reason may be left out", "§4", 'payment.refund(amount=None, *, reason="").')
SECRETS = Decision(
    "secrets are named, not kept",
    "§4",
    "A gateway is built from the row's config and the secrets it names, which live in settings or the environment.",
)
ONE_REGISTRY = Decision(
    "settings are the only registry", "§4", "settings.PAYMENT_GATEWAYS names the gateways; there is no type to load."
)
A_TOKEN_IS_SUPPORTED = Decision(
    "a token is what a gateway takes",
    "§4",
    "Only bogus takes raw numbers; every other gateway takes a source that its provider gave a token.",
)
KEEPING_IS_ASKED_FOR = Decision(
    "a card is kept for whoever asked for it",
    "decision 0016",
    "Nothing is kept unless its customer asked; what is new in the wallet becomes the default, and paying with what is "
    "there changes nothing.",
)
DATES_ARE_NUMBERS = Decision("a card's date is numbers", "§4", "month and year are whole numbers: month=12, year=2030.")
MADE_AT_ONCE = Decision(
    "a payment is made at once, or not at all",
    "decision 0017",
    "What is filled in is checked first: a field that does not fit is a ValidationError that names it, and no row is "
    "left behind.",
)
