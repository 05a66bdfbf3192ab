"""Who acts: handed down explicitly from the door to the row that records it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Origin(StrEnum):
    CHECKOUT = "checkout"
    STAFF = "staff"
    BATCH = "batch"
    WEBHOOK = "webhook"
    RECOVERY = "recovery"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Actor:
    """One who acts: the door that was used (`origin`) and the signed-in user, if any.

    Raises ValueError for an origin that is not one of ours.
    """

    origin: str
    user: User | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "origin", Origin(self.origin))

    def __str__(self) -> str:
        return f"{self.user} ({self.origin})" if self.user else str(self.origin)


SYSTEM = Actor(Origin.SYSTEM)
