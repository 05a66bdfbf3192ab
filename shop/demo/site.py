"""The site in a thread of the demo, on a free port of this machine: so that the provider has somebody to tell."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler


class Quiet(WSGIRequestHandler):
    def log_message(self, *_said: Any) -> None:
        """The story is told on the page."""


def make_server(port: int = 0) -> ThreadedWSGIServer:
    """The site at 127.0.0.1, on a free port unless one is given; it listens, and `serve_forever` answers."""
    server = ThreadedWSGIServer(("127.0.0.1", port), Quiet)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="No directory at", category=UserWarning)  # No page is shown.
        server.set_app(WSGIHandler())
    return server


@contextmanager
def served() -> Iterator[str]:
    """The site's address, from which return and notification addresses are made for as long as it lasts."""
    server = make_server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    origin, before = f"http://127.0.0.1:{server.server_port}", settings.PAYMENTS
    settings.PAYMENTS = {**before, "PUBLIC_ORIGIN": origin}
    requests = logging.getLogger("django.request")
    level = requests.level
    requests.setLevel(logging.ERROR)  # A notice that is refused is part of the story, and told there.
    try:
        yield origin
    finally:
        requests.setLevel(level)
        settings.PAYMENTS = before
        server.shutdown()
        server.server_close()
        thread.join()
