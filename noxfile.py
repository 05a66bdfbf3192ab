"""The suite on every Python and Django that is promised: nox. Pin the requirements anew: nox -s lock."""

import nox

nox.options.sessions = ["tests"]
nox.options.error_on_missing_interpreters = False  # an interpreter that is not here is reported as skipped

DJANGO = {"3.11": "5.2", "3.12": "6.1", "3.13": "6.1"}


@nox.session(python=list(DJANGO))
def tests(session: nox.Session) -> None:
    """All tests on SQLite: Django 5.2 on Python 3.11, Django 6.1 on 3.12 and 3.13."""
    session.install("--require-hashes", "-r", "requirements/dev.txt")
    found = session.run("python", "-m", "django", "--version", silent=True, log=False)
    session.log(f"Python {session.python}, Django {str(found).strip()}")
    if not str(found).startswith(DJANGO[str(session.python)] + "."):
        session.error(f"expected Django {DJANGO[str(session.python)]}")
    session.run(
        *("python", "-m", "pytest", "-n", "2", "--dist", "worksteal"),
        *("-m", "not drill and not journey", *session.posargs),
        env={"DATABASE_URL": "sqlite:///test.sqlite3"},
    )


@nox.session
def lock(session: nox.Session) -> None:
    """Pin what pyproject.toml asks for, with hashes and without addresses."""
    session.install("uv")
    compile_pins = (
        *("uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--python-version", "3.11"),
        *("--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "nox -s lock"),
        *session.posargs,
    )
    session.run(*compile_pins, "-o", "requirements/run.txt")
    session.run(*compile_pins, "--group", "dev", "-c", "requirements/run.txt", "-o", "requirements/dev.txt")
