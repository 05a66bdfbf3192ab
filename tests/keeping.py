"""Rows that all tests of a module look at: committed once, and gone when the module is over.

    @pytest.fixture(scope="module")
    def shop(django_db_setup, django_db_blocker):
        with kept(django_db_blocker, healthy_shop):
            yield

Not for a module with a test of `transaction=True`, which empties the tables: it gets a module of its own.

Each test's own changes, also those of these rows, are rolled back as always.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.db import connection
from django.test import override_settings

OURS = ("auth", "axes", "shop", "orders", "payments")
LEFT_ALONE = ("auth_permission",)  # Made with the tables.


@contextmanager
def kept(blocker: Any, make: Callable[[], Any]) -> Iterator[Any]:
    """What `make` makes, without reactions."""
    with blocker.unblock():
        try:
            with override_settings(REACTIONS={}):
                made = make()
            yield made
        finally:
            empty()


def empty() -> None:
    models = [model for label in OURS for model in apps.get_app_config(label).get_models(include_auto_created=True)]
    tables = [model._meta.db_table for model in models if model._meta.db_table not in LEFT_ALONE]
    emptied = connection.ops.sql_flush(no_style(), tables, allow_cascade=True)
    connection.ops.execute_sql_flush(emptied)
