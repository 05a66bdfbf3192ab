"""`serve_demo_shop`: the site and the simulator come and go together."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

ROOT = Path(__file__).resolve().parents[2]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def answers(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return None


def wait_until(holds, seconds=40):
    ends = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_both_are_served_and_both_end(tmp_path, how):
    site, provider = free_port(), free_port()
    environment = {**os.environ, "DATABASE_URL": f"sqlite:///{tmp_path / 'shop.sqlite3'}", "DEBUG": "true"}
    command = [sys.executable, "manage.py", "serve_demo_shop", f"127.0.0.1:{site}", "--noreload"]
    command += ["--simulator-port", str(provider), "--books", str(tmp_path / "books.sqlite3")]
    with (tmp_path / "said").open("w+") as said:
        running = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        try:
            wait_until(lambda: answers(provider) == 200 and answers(site) is not None)
            running.send_signal(how)
            assert running.wait(timeout=20) == 0
        finally:
            if running.poll() is None:
                running.kill()
        wait_until(lambda: answers(provider) is None and answers(site) is None, seconds=10)
        text = (tmp_path / "said").read_text()
    assert "sk_test_everycent" in text  # The keys that the demo shop's payment method names.
    assert re.search(r"console +http://127\.0\.0\.1:\d+/console/", text)


def test_a_shop_that_sells_starts_no_simulator(settings):
    settings.DEBUG = False
    with pytest.raises(CommandError, match="DEBUG=true only"):
        call_command("serve_demo_shop")
