"""python -m tests.providers.stripe_server [--port PORT] [--webhook-url URL]: says its address on the first line."""

from __future__ import annotations

import argparse

from tests.providers.stripe_server.post import Post
from tests.providers.stripe_server.server import Server
from tests.providers.stripe_server.world import Options

parser = argparse.ArgumentParser(prog="stripe_server", description=__doc__)
parser.add_argument("--port", type=int, default=0)
parser.add_argument("--secret-key", default=Options.secret_key)
parser.add_argument("--webhook-secret", default=Options.webhook_secret)
parser.add_argument("--webhook-url", default="")
parser.add_argument("--search-lag", type=int, default=60)
parser.add_argument("--late", type=int, default=1)
parser.add_argument("--seed", type=int, default=1)
said = parser.parse_args()
keys = {"secret_key": said.secret_key, "webhook_secret": said.webhook_secret}
server = Server(Options(**keys, late_s=said.late, seed=said.seed, search_lag_s=said.search_lag), port=said.port)
if said.webhook_url:
    server.engine.world.heard.append(Post(said.webhook_url, said.webhook_secret))
print(server.url, flush=True)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
