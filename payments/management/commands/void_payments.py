"""Let go of what is authorized, many at once."""

from payments.management.batching import BatchCommand


class Command(BatchCommand):
    verb, done = "void", "voided"
    help = (
        "Voids authorized payments: their holds are let go, and their orders become payable again. Held back, with the "
        "reason: payments with a missing answer or in review. Killed at any moment and run again, it forgets nothing. "
        "Exit code: 0 everything was voided, 1 something was declined or held back, 2 something is unknown, "
        "3 it could not run."
    )
