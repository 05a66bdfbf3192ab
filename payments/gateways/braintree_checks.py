"""What has to be right before real money goes through an account at Braintree."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from payments.gateways import braintree_words as words
from payments.gateways.base import Checkpoint
from payments.gateways.scrubbing import clean


def accounts(known: Mapping[str, str], find: Callable[[str], Any], wanted: frozenset[str]) -> Iterator[Checkpoint]:
    """Whether each merchant account is there, is active, and is of its currency. `find` gives None where it is not."""
    for currency, id in sorted(known.items()):
        said = find(id)
        theirs, status = str(words.get(said, "currency_iso_code") or ""), str(words.get(said, "status") or "")
        if said is None:
            state, says = "problem", f"Braintree does not know a merchant account {id}."
        elif theirs != currency:
            state, says = "problem", f"The merchant account {id} is in {clean(theirs)}."
        elif status != "active":
            state, says = "problem", f"The merchant account {id} is {clean(status)}."
        else:
            state, says = "ok", f"The merchant account {id} is active."
        yield Checkpoint(name=f"currency {currency}", state=state, says=says)  # type: ignore[arg-type]
    for currency in sorted(wanted - set(known)):
        yield Checkpoint(name=f"currency {currency}", state="warning", says="The shop has it, and no merchant account.")


def webhook(address: str) -> Checkpoint:
    """Braintree's API does not say where it reports to."""
    if not address:
        says = "PAYMENTS_PUBLIC_ORIGIN is not set: we have no address."
        return Checkpoint(name="webhook", state="problem", says=says)
    says = f"Look in the Control Panel whether {address} is told of settlements, refunds and disputes."
    return Checkpoint(name="webhook", state="warning", says=says)
