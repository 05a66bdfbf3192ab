"""Our Braintree server and the vendor's SDK, which know nothing of each other, use the same words; and the SDK's own
signed samples of webhooks are understood."""

from __future__ import annotations

import re
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from payments.errors import InvalidSignature
from payments.gateways.base import Outcome
from payments.gateways.braintree_notices import DONE, UNDONE
from payments.gateways.braintree_wire import sdk
from payments.gateways.conformance import Source
from tests.gateways.braintree_bench import BraintreeBench
from tests.providers.braintree_server import xml
from tests.providers.braintree_server.notices import dispute, told_of
from tests.providers.braintree_server.says import ERRORS

pytestmark = pytest.mark.once

SDK = Path(sdk().__file__).parent
KINDS = sorted(value for name, value in vars(sdk().WebhookNotification.Kind).items() if not name.startswith("_"))
OUTCOMES = {
    **dict.fromkeys(DONE, Outcome.APPROVED),
    **dict.fromkeys((*UNDONE, "dispute_won"), Outcome.DECLINED),
    **{f"dispute_{word}": Outcome.APPROVED for word in ("lost", "accepted", "auto_accepted", "expired")},
}
# Documented, and of no use to the SDK's Python classes, which pass them through.
DOCUMENTED = set(
    "errors error attribute code message params search_results ids page_size item notification subject".split()
)
DOCUMENTED |= set("current_page_number total_items client_token value last_four last_two consumed details".split())
DOCUMENTED |= set(
    "partial_settlement_transaction_ids authorized_transaction_id refund_ids processor_response_type".split()
)
DOCUMENTED |= set("processor_settlement_response_code processor_settlement_response_text default expired".split())
DOCUMENTED |= set("card_type customer_location prepaid unique_number_identifier".split())


@pytest.fixture(scope="module")
def bench():
    made = BraintreeBench()
    made.setup_method()
    yield made
    made.teardown_method()


def sample(gateway, kind, id="my_id"):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return gateway.client().webhook_testing.sample_notification(kind, id)


def form(made):
    from urllib.parse import urlencode

    return urlencode(made).encode()


def words_of_the_sdk():
    """Every name that the SDK reads, writes or has in its samples."""
    found = set()
    for path in SDK.rglob("*.py"):
        source = path.read_text("utf-8")
        found |= set(re.findall(r"""["']([a-z][a-z0-9_-]*)["']""", source))
        found |= set(re.findall(r"<([a-z][a-z0-9-]*)[ >/]", source))
        found |= set(re.findall(r"\.([a-z][a-z0-9_]*)", source))
    return {name.replace("-", "_") for name in found}


def names(content):
    return {each.tag.replace("-", "_") for each in ET.fromstring(content).iter()}


def test_the_server_says_nothing_that_the_sdk_has_never_heard_of(bench, monkeypatch):
    said = []
    write = xml.write
    for module in ("server", "notices"):
        monkeypatch.setattr(
            f"tests.providers.braintree_server.{module}.write",
            lambda name, content: said.append(write(name, content)) or said[-1],
        )
    held = bench.hold()
    bench.gateway.capture(400, held, bench.options(final=False))
    bench.gateway.capture(600, held, bench.options())
    bench.server.books.settle()
    bench.gateway.credit(700, held, bench.options())
    bench.gateway.void("nobody", bench.options())
    bench.gateway.authorize(200_000, Source(token="fake-valid-nonce"), bench.options())
    bench.gateway.authorize(1_000, Source(token="fake-consumed-nonce"), bench.options())
    bench.look("authorize", bench.options())
    kept = bench.gateway.store(Source(token="fake-valid-nonce"), bench.options())
    bench.gateway.describe(kept)
    bench.gateway.describe("fake-valid-nonce")
    bench.gateway.client_config({"currency": "EUR"})
    child = bench.server.books.children(held)[0]
    told_of(child, child["updated_at"])
    dispute("lost", child, child["updated_at"])
    used = set().union(*map(names, said))
    assert len(used) > 80
    assert used - words_of_the_sdk() - DOCUMENTED == set()


def test_its_refusals_are_numbers_of_the_sdk():
    known = set(re.findall(r'"(\d{5,6})"', (SDK / "error_codes.py").read_text("utf-8")))
    assert set(ERRORS) - known == set()


def test_what_we_translate_are_numbers_and_reasons_of_the_sdk():
    from payments.gateways.braintree_codes import EXISTS_ALREADY, KEY_WAS_USED, REJECTION, VALIDATION

    known = set(re.findall(r'"(\d{5,6})"', (SDK / "error_codes.py").read_text("utf-8")))
    assert ({*VALIDATION} | KEY_WAS_USED | EXISTS_ALREADY) - known == set()
    reasons = vars(sdk().Transaction.GatewayRejectionReason)
    assert {value for name, value in reasons.items() if not name.startswith("_")} == set(REJECTION)


def test_every_status_of_the_sdk_is_known():
    from payments.gateways.braintree_words import OUTCOMES

    statuses = {value for name, value in vars(sdk().Transaction.Status).items() if not name.startswith("_")}
    assert statuses == set(OUTCOMES["authorize"])
    assert statuses == set(OUTCOMES["purchase"])


@pytest.mark.parametrize("kind", KINDS)
def test_a_signed_sample_is_understood(bench, kind):
    [notice] = bench.gateway.parse_webhook({}, form(sample(bench.gateway, kind)))
    assert notice.type == kind
    assert notice.event_id.startswith(f"{kind}:")
    facts = list(notice.facts)
    settles = kind in (*DONE, *UNDONE) and kind != "transaction_disbursed"  # Whose sample does not say of what.
    assert bool(facts) == (settles or kind.startswith("dispute_"))
    for fact in facts:
        known = (None, "") if kind == "refund_failed" else (10_000, "USD")  # Whose sample has no currency.
        assert (fact.reference, fact.amount_minor, fact.currency) == ("my_id", *known)
        assert fact.kind == ("capture" if kind.startswith("transaction_") else "refund")
        assert fact.disputed == kind.startswith("dispute_")
        assert fact.outcome is OUTCOMES.get(kind, Outcome.PROCESSING)


def test_a_sample_of_a_dispute_keeps_what_staff_need(bench):
    [notice] = bench.gateway.parse_webhook({}, form(sample(bench.gateway, "dispute_opened", "dp1")))
    assert notice.payload["dispute"] == {
        "id": "dp1",
        "status": "open",
        "kind": "chargeback",
        "reason": "fraud",
        "amount": "100.00",
        "currency_iso_code": "USD",
        "reply_by_date": "2016-02-22",
        "transaction": "dp1",
    }


def test_a_sample_signed_by_somebody_else_is_refused(bench):
    made = sample(bench.gateway, "transaction_settled")
    other = {**made, "bt_signature": made["bt_signature"].replace("local_public_key", "another")}
    with pytest.raises(InvalidSignature):
        bench.gateway.parse_webhook({}, form(other))
