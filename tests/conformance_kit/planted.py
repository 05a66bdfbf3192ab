"""Gateways with one bug each: for every rule, the mistake that it is there to find."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

from payments.errors import GatewayUnavailable, InvalidSignature, UnreadableNotice
from payments.gateways.base import ConfigField, Gateway, Outcome, Response
from payments.gateways.simulator import SimulatorGateway

PLANTED: dict[str, type[Gateway]] = {}
THREE_DECIMALS = ("BHD", "KWD", "TND")


def breaks(rule):
    def plant(gateway):
        assert rule not in PLANTED
        PLANTED[rule] = gateway
        return gateway

    return plant


def refused(code="processing_error"):
    return Response(outcome=Outcome.DECLINED, message="Declined.", error_code=code)


# The shape


@breaks("answers-have-the-shape")
class KeepsATime(SimulatorGateway):
    def void(self, authorization, options):
        return replace(super().void(authorization, options), params={"when": datetime.now(UTC)})


@breaks("an-approval-has-a-handle")
class ForgetsTheHandle(SimulatorGateway):
    def purchase(self, amount_minor, source, options):
        answer = super().purchase(amount_minor, source, options)
        return replace(answer, authorization="") if answer.success else answer


@breaks("a-reference-names-one-deed")
class NamesEveryVoidAlike(SimulatorGateway):
    def void(self, authorization, options):
        return replace(super().void(authorization, options), reference="void")


@breaks("it-keeps-nothing-between-calls")
class KnowsOnlyItsOwn(SimulatorGateway):
    def __init__(self, config, *, test):
        super().__init__(config, test=test)
        self.mine = set()

    def authorize(self, amount_minor, source, options):
        answer = super().authorize(amount_minor, source, options)
        self.mine.add(answer.authorization)
        return answer

    def lookup(self, **asked):
        found = super().lookup(**asked)
        self.mine.add(found.authorization if found else "")
        return found

    def capture(self, amount_minor, authorization, options):
        known = not authorization or authorization in self.mine
        return super().capture(amount_minor, authorization, options) if known else refused("not_found")


@breaks("its-settings-are-described")
class KeepsTheSecretItself(SimulatorGateway):
    config_fields = (ConfigField(name="secret_key", label="Secret key"), *SimulatorGateway.config_fields[3:])


@breaks("its-longest-call-is-true")
class SaysItIsQuick(SimulatorGateway):
    longest_call = timedelta(seconds=1)


@breaks("it-knows-its-sources")
class TakesAnything(SimulatorGateway):
    def supports(self, source):
        return True


# Arithmetic


@breaks("minor-units-are-exact")
class HasTwoDecimalsEverywhere(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        return self.as_cents(super().authorize, amount_minor, source, options)

    def capture(self, amount_minor, authorization, options):
        return self.as_cents(super().capture, amount_minor, authorization, options)

    def as_cents(self, verb, amount_minor, subject, options):
        cents = amount_minor // 10 if options["currency"] in THREE_DECIMALS else amount_minor
        answer = verb(cents, subject, options)
        return replace(answer, amount_minor=amount_minor) if answer.amount_minor == cents else answer


@breaks("a-part-is-captured")
class NeverLetsTheRestGo(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        return super().capture(
            amount_minor, authorization, {**options, "final": options["final"] and amount_minor >= 1_000}
        )


@breaks("captures-add-up")
class AlwaysLetsTheRestGo(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        return super().capture(amount_minor, authorization, {**options, "final": True})


@breaks("more-than-is-held-is-captured")
class TakesNoTip(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        return super().capture(1_000 if amount_minor == 1_100 else amount_minor, authorization, options)


@breaks("a-capture-may-stand-alone")
class LosesWhatStandsAlone(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        answer = super().capture(amount_minor, authorization, options)
        return answer if authorization else replace(answer, authorization="")


@breaks("refunds-add-up")
class RefundsTheRestInstead(SimulatorGateway):
    def credit(self, amount_minor, authorization, options):
        answer = super().credit(amount_minor, authorization, options)
        if answer.error_code != "invalid_amount":
            return answer
        again = {**options, "idempotency_key": options["idempotency_key"] + "-rest"}
        return self._commit(f"/v1/payments/{authorization}/refunds", {}, again)


@breaks("a-void-lets-go")
class TakesACentFirst(SimulatorGateway):
    def void(self, authorization, options):
        answer = self.capture(1, authorization, {**options, "final": True})
        again = {**options, "idempotency_key": options["idempotency_key"] + "-void"}
        return answer if answer.success else super().void(authorization, again)


@breaks("the-void-window-closes")
class RefundsWhatItCannotVoid(SimulatorGateway):
    def void(self, authorization, options):
        answer = super().void(authorization, options)
        if answer.error_code != "already_settled":
            return answer
        return self.credit(1_000, authorization, {**options, "idempotency_key": options["idempotency_key"] + "-back"})


@breaks("a-hold-expires-as-declared")
class PromisesAMonth(SimulatorGateway):
    capabilities = replace(SimulatorGateway.capabilities, authorization_lifetime=timedelta(days=30))


# Answers


@breaks("a-decline-has-a-standard-code")
class PassesCodesOn(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        answer = super().authorize(amount_minor, source, options)
        return replace(answer, error_code="do_not_honor") if answer.error_code == "call_issuer" else answer


@breaks("what-is-not-there-is-declined")
class TakesNoForSilence(SimulatorGateway):
    def credit(self, amount_minor, authorization, options):
        answer = super().credit(amount_minor, authorization, options)
        if answer.error_code == "not_found":
            raise GatewayUnavailable("It is not there.")
        return answer


@breaks("a-challenge-waits")
class SendsTheCustomerNowhere(SimulatorGateway):
    def purchase(self, amount_minor, source, options):
        answer = super().purchase(amount_minor, source, options)
        return replace(answer, next_action={}) if answer.outcome is Outcome.ACTION_REQUIRED else answer


@breaks("later-is-not-now")
class IsSureTooSoon(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        answer = super().authorize(amount_minor, source, options)
        return replace(answer, outcome=Outcome.APPROVED) if answer.outcome is Outcome.PROCESSING else answer


# Silence


@breaks("silence-is-unknown")
class TakesATimeOutForNo(SimulatorGateway):
    def _commit(self, path, params, options):
        try:
            return super()._commit(path, params, options)
        except GatewayUnavailable as silence:
            if isinstance(silence.__cause__, TimeoutError):
                return refused()
            raise


@breaks("a-server-error-is-unknown")
class TakesA500ForNo(SimulatorGateway):
    def void(self, authorization, options):
        try:
            return super().void(authorization, options)
        except GatewayUnavailable as silence:
            if "status 50" in silence.message:
                return refused()
            raise


@breaks("what-is-not-understood-is-unknown")
class ReadsNoCurrency(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        return super().capture(amount_minor, authorization, {**options, "currency": ""} if authorization else options)


@breaks("another-amount-is-told")
class SaysWhatWasAsked(SimulatorGateway):
    def capture(self, amount_minor, authorization, options):
        answer = super().capture(amount_minor, authorization, options)
        return replace(answer, amount_minor=amount_minor)


@breaks("too-many-requests-is-no-answer")
class TakesBusyForNo(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        try:
            return super().authorize(amount_minor, source, options)
        except GatewayUnavailable as silence:
            if silence.retry_after is not None:
                return refused()
            raise


# Repeating


@breaks("the-same-key-is-the-same-deed")
class DrawsItsOwnKey(SimulatorGateway):
    def void(self, authorization, options):
        return super().void(authorization, {**options, "idempotency_key": uuid.uuid4().hex})


@breaks("a-lost-answer-is-asked-for-again")
class AsksAgainUnderANewKey(SimulatorGateway):
    def __init__(self, config, *, test):
        super().__init__(config, test=test)
        self.lost = set()

    def capture(self, amount_minor, authorization, options):
        key = options["idempotency_key"]
        try:
            return super().capture(
                amount_minor, authorization, {**options, "idempotency_key": key + "-2" if key in self.lost else key}
            )
        except GatewayUnavailable:
            self.lost.add(key)
            raise


@breaks("nothing-is-repeated-without-a-key")
class TriesAgainAnyway(SimulatorGateway):
    def purchase(self, amount_minor, source, options):
        try:
            return super().purchase(amount_minor, source, options)
        except GatewayUnavailable:
            if options["idempotency_key"]:
                raise
            return super().purchase(amount_minor, source, options)


# Evidence


@breaks("a-lost-answer-is-found")
class FindsNoCapture(SimulatorGateway):
    def lookup(self, *, kind, **asked):
        return None if kind == "capture" else super().lookup(kind=kind, **asked)


@breaks("a-lost-decline-is-found")
class FindsNoDecline(SimulatorGateway):
    def lookup(self, **asked):
        found = super().lookup(**asked)
        return found if found and found.success else None


@breaks("nothing-is-found-where-nothing-was-done")
class TakesNothingForNo(SimulatorGateway):
    def lookup(self, *, kind, **asked):
        found = super().lookup(kind=kind, **asked)
        return refused("not_found") if found is None and kind == "authorize" else found


@breaks("deeds-are-told-apart")
class TakesTheNewestRefund(SimulatorGateway):
    def lookup(self, *, kind, idempotency_key, order_id, authorization):
        key = "" if kind == "refund" else idempotency_key
        found = super().lookup(kind=kind, idempotency_key=key, order_id=order_id, authorization=authorization)
        if kind == "refund":
            newest = [each["action"] for each in self._actions(kind=kind, order_id=order_id)][-1]
            return Response(outcome=Outcome.APPROVED, authorization=newest["payment"], reference=newest["id"])
        return found


@breaks("a-failed-look-is-unknown")
class TakesSilenceForNothing(SimulatorGateway):
    def lookup(self, **asked):
        try:
            return super().lookup(**asked)
        except GatewayUnavailable:
            return None


@breaks("what-is-held-is-told")
class TellsWhatIsLeft(SimulatorGateway):
    def fetch(self, authorization):
        told = super().fetch(authorization)
        return replace(told, captured_minor=told.captured_minor - told.refunded_minor)


@breaks("the-list-is-whole")
class ReadsOnePage(SimulatorGateway):
    def list_records(self, since, until) -> Iterator:
        return islice(super().list_records(since, until), self.page)


@breaks("the-list-keeps-its-bounds")
class ReadsOn(SimulatorGateway):
    def list_records(self, since, until):
        return super().list_records(since, until + timedelta(hours=2))


# Notices


class Rereading(SimulatorGateway):
    """One that changes what it reads."""

    def parse_webhook(self, headers, body):
        return [self.reread(notice) for notice in super().parse_webhook(headers, body)]


@breaks("a-notice-tells-its-deed")
class TakesTheNoticeForTheDeed(Rereading):
    def reread(self, notice):
        return replace(notice, facts=[replace(fact, reference=notice.event_id) for fact in notice.facts])


@breaks("a-forged-notice-is-refused")
class LooksAtTheTimeOnly(SimulatorGateway):
    def _verify(self, header, body):
        if "t=" not in header:
            raise InvalidSignature("Not signed.")
        if abs(datetime.now(UTC).timestamp() - int(header.split(",")[0][2:])) > self.tolerance_s:
            raise InvalidSignature("Too old.")


@breaks("an-old-notice-is-refused")
class HasAllTheTime(SimulatorGateway):
    tolerance_s = 10**9


@breaks("the-same-notice-is-the-same")
class GivesItsOwnNumber(Rereading):
    def reread(self, notice):
        return replace(notice, event_id=uuid.uuid4().hex)


@breaks("notices-come-in-any-order")
class WaitsForTheFirst(Rereading):
    def __init__(self, config, *, test):
        super().__init__(config, test=test)
        self.known = set()

    def reread(self, notice):
        self.known |= {fact.authorization for fact in notice.facts if fact.kind == "authorize"}
        return replace(notice, facts=[self.known_fact(fact) for fact in notice.facts])

    def known_fact(self, fact):
        return fact if fact.authorization in self.known else replace(fact, authorization="")


@breaks("a-strange-notice-is-kept")
class KnowsEveryType(Rereading):
    def reread(self, notice):
        if not notice.facts:
            raise UnreadableNotice(f"Unknown type {notice.type}.")
        return notice


@breaks("a-signed-riddle-is-unreadable")
class ShrugsAtRiddles(SimulatorGateway):
    def parse_webhook(self, headers, body):
        try:
            return super().parse_webhook(headers, body)
        except UnreadableNotice:
            return []


# Secrecy


@breaks("no-secret-is-told")
class ShowsItsKey(SimulatorGateway):
    def purchase(self, amount_minor, source, options):
        try:
            return super().purchase(amount_minor, source, options)
        except GatewayUnavailable as silence:
            raise GatewayUnavailable(f"No answer to {dict(self.http.headers)}") from silence


@breaks("no-card-number-is-told")
class KeepsTheNumber(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        answer = super().authorize(amount_minor, source, options)
        spaced = " ".join((source.number[:4], source.number[4:8], source.number[8:12], source.number[12:]))
        return replace(answer, params={**answer.params, "card": spaced}) if answer.success else answer


# Abilities


@breaks("what-is-declared-is-there")
class PromisesAList(SimulatorGateway):
    list_records = Gateway.list_records


@breaks("what-is-not-declared-is-refused")
class ReadsNoticesInSecret(SimulatorGateway):
    capabilities = replace(SimulatorGateway.capabilities, webhooks=False)


@breaks("a-saved-source-is-charged-until-forgotten")
class ForgetsNothing(SimulatorGateway):
    def forget(self, source):
        """It says so."""


@breaks("a-page-takes-the-customer-over")
class SendsAwayForGood(SimulatorGateway):
    def authorize(self, amount_minor, source, options):
        nowhere = "https://nowhere.example/"
        return super().authorize(amount_minor, source, {**options, "return_url": options["return_url"] or nowhere})
