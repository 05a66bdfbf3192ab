"""Something that must happen after a fact: the outbox. A broken receiver never touches the money."""

from __future__ import annotations

import logging
from datetime import timedelta
from functools import partial
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)
LONGEST_PAUSE = timedelta(hours=6)
TASK = "payments.tasks.deliver_reaction"


class ReactionQuerySet(models.QuerySet["Reaction"]):
    def due(self) -> ReactionQuerySet:
        """Undelivered, and not just being delivered by somebody."""
        return self.filter(delivered_at=None, next_attempt_at__lte=timezone.now())

    def queue(self, topic: str, key: str) -> None:
        """Write the reaction, once per (topic, key), in the caller's transaction; deliver it after the commit."""
        if not settings.REACTIONS.get(topic):
            return
        reaction = Reaction(topic=topic, key=key)
        self.bulk_create([reaction], ignore_conflicts=True)
        transaction.on_commit(partial(_deliver_soon, topic, key), robust=True)

    def rename(self, topic: str, before: str, after: str) -> None:
        """The fact is known by another key, in the caller's transaction: whoever was told of it is not told again."""
        if not settings.REACTIONS.get(topic):
            return
        if self.filter(topic=topic, key=after).exists():
            self.filter(topic=topic, key=before, delivered_at=None).delete()
        else:
            self.filter(topic=topic, key=before).update(key=after)


class Reaction(models.Model):
    """One fact to react to: `settings.REACTIONS[topic]` are called with it, each until it succeeds."""

    topic = models.CharField(_("topic"), max_length=64)
    key = models.CharField(_("key"), max_length=64)
    done = models.JSONField(_("receivers that are done"), default=list, blank=True)
    attempts = models.PositiveIntegerField(_("attempts"), default=0)
    last_error = models.TextField(_("last error"), blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    next_attempt_at = models.DateTimeField(_("next attempt at"), default=timezone.now)
    delivered_at = models.DateTimeField(_("delivered at"), null=True, blank=True)

    objects: ClassVar[Any] = ReactionQuerySet.as_manager()

    class Meta:
        verbose_name = _("reaction")
        verbose_name_plural = _("reactions")
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=["topic", "key"], name="reaction_once_per_fact"),)
        indexes = (
            models.Index(fields=["next_attempt_at"], condition=models.Q(delivered_at=None), name="reaction_due"),
        )

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"

    def deliver(self) -> bool:
        """Call the receivers that have not succeeded yet; True once all have. Two deliverers never overlap.

        A receiver that raises is logged and tried again, later each time; the others are called all the same.
        """
        leased = Reaction.objects.due().filter(pk=self.pk)
        # While somebody delivers there is no last error: so `try_now` can tell the lease from a pause.
        lease = {"next_attempt_at": timezone.now() + LEASE, "attempts": models.F("attempts") + 1, "last_error": ""}
        if not leased.update(**lease):
            return False
        self.refresh_from_db()
        errors = []
        for path in settings.REACTIONS.get(self.topic, ()):
            if path in self.done:
                continue
            try:
                import_string(path)(self)
            except Exception as error:
                logger.warning("Reaction %s: %s failed", self, path, exc_info=True)
                errors.append(f"{path}: {type(error).__name__}")
            else:
                self.done.append(path)
                Reaction.objects.filter(pk=self.pk).update(done=self.done)
        self._finish(errors)
        return not errors

    def try_now(self) -> bool:
        """`deliver`, without waiting until the pause after a failure is over.

        False, with nobody called, where it is delivered already or somebody is delivering it.
        """
        pausing = Reaction.objects.filter(pk=self.pk, delivered_at=None).exclude(last_error="")
        pausing.update(next_attempt_at=timezone.now())
        return self.deliver()

    @property
    def receivers(self) -> list[str]:
        """Who is called for this topic now, and who was called before and no longer is."""
        wanted = list(settings.REACTIONS.get(self.topic, ()))
        return wanted + [path for path in self.done if path not in wanted]

    def _finish(self, errors: list[str]) -> None:
        now = timezone.now()
        self.last_error = "; ".join(errors)
        self.delivered_at = None if errors else now
        self.next_attempt_at = now + min(timedelta(minutes=1) * 2 ** min(self.attempts - 1, 10), LONGEST_PAUSE)
        self.save(update_fields=["last_error", "delivered_at", "next_attempt_at"])


def _deliver_soon(topic: str, key: str) -> None:
    """Right after the commit, as a task: in this process or in a queue's worker, as settings.TASKS says.

    A queue that takes nothing loses nothing: what is left over is swept by `deliver_reactions`.
    """
    for pk in Reaction.objects.due().filter(topic=topic, key=key).values_list("pk", flat=True):
        try:
            import_string(TASK).enqueue(pk)
        except Exception:
            logger.warning("Reaction %s %s is left to the sweep: the queue did not take it", topic, key, exc_info=True)
