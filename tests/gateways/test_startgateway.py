"""`startgateway`: three files that fit the house, in a copy of the project, and nothing overwritten."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from payments.management.commands.startgateway import FILES

ROOT = Path(__file__).resolve().parents[2]
COPIED = ("payments", "orders", "shop", "tests", "templates", "manage.py", "pyproject.toml")


def start(name, root, settings):
    settings.BASE_DIR = root
    out = StringIO()
    call_command("startgateway", name, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The project, with a gateway that somebody has just started by hand."""
    folder = tmp_path_factory.mktemp("project")
    for name in COPIED:
        source, ignored = ROOT / name, shutil.ignore_patterns("__pycache__", "*.sqlite3*", ".mypy_cache")
        shutil.copytree(source, folder / name, ignore=ignored) if source.is_dir() else shutil.copy(source, folder)
    made = run(folder, "manage.py", "startgateway", "acme_pay")
    assert made.returncode == 0, made.stderr
    return folder, made.stdout


def run(folder, *arguments):
    environment = {**os.environ, "DATABASE_URL": "sqlite://:memory:", "DEBUG": "true"}
    environment.pop("PYTEST_ADDOPTS", None)
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300
    )


@pytest.mark.slow
def test_it_makes_three_files_and_says_what_is_next(copy):
    folder, said = copy
    for path in FILES.values():
        assert (folder / path.format(name="acme_pay")).is_file()
        assert f"made {path.format(name='acme_pay')}" in said
    for words in ("Next:", "-m pytest tests/gateways/test_acme_pay.py", "payments.gateways.acme_pay.AcmePayGateway"):
        assert words in said


@pytest.mark.slow
def test_what_it_makes_passes_the_checks_of_the_house(copy):
    folder, _ = copy
    made = [str(folder / path.format(name="acme_pay")) for path in FILES.values() if path.endswith(".py")]
    for check in (("check",), ("format", "--check")):
        ruff = subprocess.run(
            [Path(sys.executable).with_name("ruff"), *check, *made],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ruff.returncode == 0, ruff.stdout


@pytest.mark.slow
def test_its_kit_runs_and_says_what_is_missing(copy):
    folder, _ = copy
    result = run(folder, "-m", "pytest", "tests/gateways/test_acme_pay.py", "-q", "-p", "no:randomly")
    assert result.returncode == 1, result.stdout + result.stderr
    assert "NotImplementedError: Give a source that will do this: approve." in result.stdout
    assert "error" not in result.stdout.splitlines()[-1]
    passed = int(result.stdout.splitlines()[-1].split(" passed")[0].split()[-1])
    assert passed >= 10  # What it does not declare is refused by name already.


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Acme",
        "acme-pay",
        "1acme",
        "acme pay",
        "_acme",
        "acme_",
        "acme__pay",
        "class",
        "match",
        "../acme",
        "äcme",
        "a" * 41,
    ],
)
def test_a_bad_name_is_refused(name, tmp_path, settings):
    with pytest.raises(CommandError):
        start(name, tmp_path, settings)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_a_gateway_that_is_there_is_refused(tmp_path, settings):
    with pytest.raises(CommandError, match=r"already: payments\.gateways\.bogus"):
        start("bogus", tmp_path, settings)


@pytest.mark.parametrize("name", ["base", "http", "conformance"])
def test_a_module_of_ours_is_not_overwritten(name, settings):
    path = ROOT / "payments/gateways" / f"{name}.py"
    before = path.read_text() if path.exists() else None
    with pytest.raises(CommandError, match="is there already"):
        start(name, ROOT, settings)
    assert before is None or path.read_text() == before
    assert not (ROOT / f"tests/gateways/test_{name}.py").exists() or name == "http"


@pytest.mark.parametrize("path", FILES.values())
def test_one_file_that_is_there_keeps_all_from_being_made(path, tmp_path, settings):
    theirs = tmp_path / path.format(name="acme")
    theirs.parent.mkdir(parents=True)
    theirs.write_text("precious")
    with pytest.raises(CommandError, match="Nothing was made"):
        start("acme", tmp_path, settings)
    assert [each for each in tmp_path.rglob("*") if each.is_file()] == [theirs]
    assert theirs.read_text() == "precious"
