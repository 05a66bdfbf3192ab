"""PayPlug on this machine: its REST API and its page, written from the public documentation, without our gateway."""

from tests.providers.payplug_server.books import CARDS, GOOD, NUMBERS
from tests.providers.payplug_server.server import SECRET_KEY, PayPlugServer

__all__ = ["CARDS", "GOOD", "NUMBERS", "SECRET_KEY", "PayPlugServer"]
