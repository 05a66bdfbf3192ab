"""What can be set of Stripe for one payment method, and how long its gateway waits."""

from __future__ import annotations

from payments.gateways.base import ConfigField
from payments.gateways.http import Patience

PATIENCE = Patience(connect_ms=3_000, answer_ms=15_000, tries=2, longest_pause_s=1)
API_VERSION = "2026-10-28.endive"  # What our words are written for. It is sent with every request.
SCRIPT = "https://js.stripe.com/v3/"
FIELDS = (
    ConfigField(name="secret_key", label="Secret key", required=True, secret=True, help="sk_live_… or rk_live_…"),
    ConfigField(name="publishable_key", label="Publishable key", help="pk_live_…; the customer's browser has it."),
    ConfigField(name="webhook_secret", label="Webhook secret", secret=True, help="whsec_…, of our own endpoint."),
    ConfigField(
        name="multiple_captures",
        label="Several captures",
        type=bool,
        help="Only where Stripe has enabled multicapture for the account.",
    ),
    ConfigField(
        name="challenge",
        label="3-D Secure",
        help="“redirect” (if empty) sends the customer to the bank's page; “script” asks within ours.",
    ),
    ConfigField(
        name="extra_params",
        label="Extra parameters",
        type=dict,
        help='By call, laid over ours: {"create": {"statement_descriptor_suffix": "TEES"}}; null leaves one out.',
    ),
    ConfigField(name="answer_seconds", label="Patience", type=int, help="15 seconds for an answer if empty."),
    ConfigField(name="retries", label="Retries", type=int, help="After silence, with the same key: 0, or 1."),
    ConfigField(name="base_url", label="Address", help="Of a stand-in for Stripe; Stripe's own if empty."),
    ConfigField(name="script_url", label="Script", help=f"Of a stand-in; {SCRIPT} if empty."),
    ConfigField(name="api_version", label="Version of events", help=f"{API_VERSION} if empty."),
)
