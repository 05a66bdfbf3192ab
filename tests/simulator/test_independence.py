"""The simulator is a program of its own: it can share neither our code nor our mistakes."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest
from moneyed import CURRENCIES

from payments.money import FOUR_DECIMALS, NOT_MONEY, exponent
from payments.simulator import money

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted((ROOT / "payments" / "simulator").glob("*.py"))


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.stem)
def test_it_imports_the_standard_library_and_itself(path):
    foreign = {
        name
        for name in imported(path)
        if not name.startswith("payments.simulator") and name.split(".")[0] not in sys.stdlib_module_names
    }
    assert foreign == set()


def test_only_its_command_imports_it():
    ours = [path for room in ("shop", "orders", "payments") for path in (ROOT / room).rglob("*.py")]
    users = {
        path.relative_to(ROOT).as_posix()
        for path in ours
        if path not in MODULES and any(name.startswith("payments.simulator") for name in imported(path))
    }
    assert users == {"payments/management/commands/payment_simulator.py"}


def test_it_runs_where_nothing_is_installed():
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import payments.simulator.server"
    ended = subprocess.run([sys.executable, "-S", "-I", "-c", code], check=False)
    assert ended.returncode == 0


def test_its_currencies_and_ours_were_written_apart_and_agree():
    theirs = {code: exponent(code) for code in CURRENCIES if code not in NOT_MONEY}
    both = money.EXPONENTS.keys() & theirs.keys()
    assert len(both) > 150 and {code for code in both if money.EXPONENTS[code] != theirs[code]} == set()
    assert both >= FOUR_DECIMALS


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123456, "USD", "1,234.56 USD"),
        (500, "JPY", "500 JPY"),
        (-5, "KWD", "-0.005 KWD"),
        (10**6, "CLF", "100.0000 CLF"),
    ],
)
def test_amounts_are_written_exactly(amount, currency, text):
    assert money.shown(amount, currency) == text
    if amount > 0:
        assert money.parsed(text.split()[0], currency) == amount
