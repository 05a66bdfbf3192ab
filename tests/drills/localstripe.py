"""localstripe, a Stripe that somebody else wrote, in an environment and a process of its own.

It is under the GPL: it is installed beside us and started, never imported and never shipped.
"""

from __future__ import annotations

import fcntl
import http.client
import json
import os
import subprocess
import sys
import time
import venv
from hashlib import sha256
from pathlib import Path
from socket import socket
from typing import Any
from urllib.parse import urlencode

ROOT = Path(__file__).resolve().parent.parent.parent
HOME, PINNED = ROOT / ".localstripe", ROOT / "requirements" / "localstripe.txt"
PYTHON = HOME / "bin" / "python"


class NotInstalled(Exception):
    """It is not there, and cannot be fetched."""


def install() -> Path:
    """Its interpreter, with exactly what is pinned. Raises NotInstalled where pip reaches no index."""
    HOME.mkdir(exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # Tests run side by side, and one of them installs.
        return _install()


def _install() -> Path:
    wanted, stamp = sha256(PINNED.read_bytes()).hexdigest(), HOME / "installed"
    if stamp.exists() and stamp.read_text("utf-8") == wanted and PYTHON.exists():
        return PYTHON
    stamp.unlink(missing_ok=True)
    venv.create(HOME, with_pip=True)
    asked = ["install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r", str(PINNED)]
    run = subprocess.run([str(PYTHON), "-m", "pip", *asked], capture_output=True, text=True, check=False, timeout=300)
    if run.returncode:
        lines = [line for line in run.stderr.splitlines() if "ERROR" in line] or run.stderr.splitlines() or ["no word"]
        raise NotInstalled(f"pip could not install requirements/localstripe.txt: {lines[-1][:200]}")
    stamp.write_text(wanted, encoding="utf-8")
    return PYTHON


class LocalStripe:
    """Started from scratch on a free port, with a folder of its own for what it writes."""

    key = "sk_test_localstripe"
    secret = "whsec_localstripe"

    def __init__(self, folder: Path) -> None:
        with socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [str(install()), "-m", "localstripe", "--from-scratch", "--port", str(self.port)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "PYTHON"))}
        with (folder / "localstripe.log").open("wb") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, env={**clean, "TMPDIR": str(folder)}, stdout=log, stderr=log
            )
        self._wait()

    def _wait(self) -> None:
        for _ in range(200):
            try:
                self.ask("GET", "/v1/customers")
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("localstripe did not start")

    def ask(self, method: str, path: str, **form: Any) -> dict[str, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/x-www-form-urlencoded"}
            connection.request(method, path, urlencode(form) if method == "POST" else None, headers)
            return dict(json.loads(connection.getresponse().read() or b"{}"))
        finally:
            connection.close()

    def report_to(self, url: str) -> None:
        self.ask("POST", "/_config/webhooks/everycent", url=url, secret=self.secret)

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(10)


if __name__ == "__main__":
    print(install())
    sys.exit(0)
