"""A customer with a browser: forms sent to the provider's pages, and a browser that is closed too early."""

from __future__ import annotations

from http.client import HTTPConnection
from urllib.parse import urlencode, urljoin, urlsplit

PATIENCE_S = 10
CARD = {"number": "4000 0000 0000 3220", "expiry": "12 / 30", "cvc": "123", "name": "Ada Byron"}


def meet_challenge(page: str) -> str:
    """Type a card that asks for a challenge, and approve it. The address to come back to, where nobody ever goes."""
    return submit(submit(page, **CARD), passed="yes")


def submit(url: str, **form: str) -> str:
    """Send a form of the page at `url`, as a browser does. Where it leads."""
    parts = urlsplit(url)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"{parts.scheme}://{parts.netloc}"}
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", parts.path, urlencode(form), headers)
        answer = connection.getresponse()
        answer.read()
    finally:
        connection.close()
    return urljoin(url, answer.headers.get("Location", ""))
