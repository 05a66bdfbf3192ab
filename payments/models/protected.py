"""`refresh_from_db` for a model with a protected state.

django-fsm-2's own mixin opens the protection for the whole class while it reloads; this one opens nothing.
"""

from __future__ import annotations

from typing import Any

from django.db import models


class SafeRefresh(models.Model):
    class Meta:
        abstract = True

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Django's, the state included. Other threads never see an unprotected field; a failure restores it."""
        deferred = self.get_deferred_fields()
        everything = fields is None
        if everything:  # Popping the state makes it look deferred, so what is to be loaded is named.
            fields = [each.attname for each in self._meta.concrete_fields if each.attname not in deferred]
            for each in self._meta.related_objects:
                if each.is_cached(self):
                    each.delete_cached_value(self)
        held = {name: self.__dict__.pop(name) for name in ("state",) if name in self.__dict__ and name in fields}
        try:
            super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        finally:
            for name, value in held.items():
                self.__dict__.setdefault(name, value)
        if everything:
            self.__dict__.get("_prefetched_objects_cache", {}).clear()
