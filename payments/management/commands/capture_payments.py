"""The everyday batch: capture what is authorized."""

from payments.management.batching import BatchCommand


class Command(BatchCommand):
    verb, done = "capture", "captured"
    help = (
        "Captures authorized payments, those first whose hold ends soonest. Held back, with the reason: payments with "
        "a missing answer, in review, or risky in an order that nobody approved. Killed at any moment and run again, "
        "it captures nothing twice and forgets nothing. "
        "Exit code: 0 everything was captured, 1 something was declined or held back, 2 something is unknown, "
        "3 it could not run."
    )
