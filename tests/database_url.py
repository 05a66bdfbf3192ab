"""The address of the database that the tests run on, for a process of its own that is to see the same rows."""

from __future__ import annotations

from urllib.parse import quote

from django.db import connection


def here() -> str:
    """As DATABASE_URL is written, for PostgreSQL."""
    known = connection.get_connection_params()
    who, host = quote(known.get("user") or ""), known.get("host") or "localhost"
    secret = f":{quote(known['password'])}" if known.get("password") else ""
    query = f"?host={quote(host)}" if host.startswith("/") else ""
    place = "" if query else f"{host}:{known.get('port') or 5432}"
    return f"postgresql://{who}{secret}@{place}/{known['dbname']}{query}"
