"""The doctor of the vault: every law as a question about all rows. The counter adds its own in `orders.doctor`."""

from payments.doctor.books import BOOKS
from payments.doctor.findings import Check, Finding, Seen, Severity
from payments.doctor.rows import ROWS
from payments.doctor.unfinished import UNFINISHED

CHECKS: tuple[Check, ...] = (*BOOKS, *ROWS, *UNFINISHED)

__all__ = ["CHECKS", "Check", "Finding", "Seen", "Severity"]
