"""What a queue's worker may do for this process. A task carries an id only: the row says what is to be done."""

from __future__ import annotations

try:
    from django.tasks import task
except ImportError:  # Before Django 6.0.
    from django_tasks import task  # type: ignore[no-redef]

from payments.models import Reaction


@task()
def deliver_reaction(pk: int) -> bool:
    """Deliver one reaction of the outbox; False where that is done, under way, failed, or the row is gone."""
    reaction = Reaction.objects.filter(pk=pk).first()
    return reaction is not None and reaction.deliver()
