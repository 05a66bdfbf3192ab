"""The house rules that a machine can check: who imports whom, what may not be there, and how long things grow."""

from __future__ import annotations

import ast
import subprocess
import sys
import weakref
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import signals as model_signals
from django_fsm import signals as fsm_signals

ROOT = Path(__file__).resolve().parent.parent
OURS = ("shop", "orders", "payments")
LONGEST_FILE, LONGEST_FUNCTION = 300, 40
SAYS_NOTHING = {"services", "utils", "helpers", "common", "core", "signals"}


def sources(*packages: str) -> list[Path]:
    found = (path for package in packages or OURS for path in sorted((ROOT / package).rglob("*.py")))
    return [path for path in found if "migrations" not in path.parts]


LOOKED_AT = ast.Call | ast.alias | ast.Constant | ast.FunctionDef | ast.AsyncFunctionDef


@cache
def parsed(path: Path) -> list[ast.AST]:
    """What the rules below are about."""
    return [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, LOOKED_AT)]


def nodes(*packages: str) -> Iterator[tuple[str, ast.AST]]:
    """Every such node of our source, with its place."""
    for path in sources(*packages):
        for node in parsed(path):
            yield f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}", node


def called(node: ast.AST) -> str:
    """The last part of what is called: `connect` for `signal.connect(…)`; "" for anything but a call."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def takes_anything(call: ast.AST) -> bool:
    """Whether a call has arguments: a signal is connected to a receiver, a network connection to nothing."""
    return isinstance(call, ast.Call) and bool(call.args or call.keywords)


def test_the_import_contracts_hold():
    # A process of its own: it sets up logging anew, and switches every logger off that is there.
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-logo", "--no-cache"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_no_module_has_a_name_that_says_nothing():
    named = [path for path in sources() if {path.stem, *path.relative_to(ROOT).parts} & SAYS_NOTHING]
    assert named == []


def test_our_source_connects_no_signal():
    found = [
        place
        for place, node in nodes()
        if (called(node) == "connect" and takes_anything(node))
        or called(node) == "receiver"
        or (isinstance(node, ast.alias) and node.name == "receiver")
    ]
    assert found == []


@pytest.mark.parametrize(
    "signal",
    [
        *(each for each in vars(model_signals).values() if isinstance(each, model_signals.ModelSignal)),
        fsm_signals.pre_transition,
        fsm_signals.post_transition,
    ],
)
def test_no_receiver_of_ours_hears_a_signal(signal):
    heard = (entry[1] for entry in signal.receivers)
    receivers = [each() if isinstance(each, weakref.ref) else each for each in heard]
    assert [each for each in receivers if each and each.__module__.split(".")[0] in OURS] == []


@pytest.mark.parametrize("package", OURS)
def test_no_model_overrides_save_or_delete(package):
    models = apps.get_app_config(package).get_models()
    found = [
        f"{base.__module__}.{base.__name__}.{name}"
        for model in models
        for base in model.__mro__
        for name in ("save", "delete")
        if base.__module__.split(".")[0] in OURS and name in vars(base)
    ]
    assert found == []


# Seconds, and requests a second, are no money.
TIMED = ("capturing", "pacing", "recovery", "management/progress", "management/selecting")
ABOUT_TIME = {f"payments/{name}.py" for name in TIMED}


def test_no_binary_float_comes_near_money():
    floats, allowed = set(), set()
    for place, node in nodes("orders", "payments"):
        if place.partition(":")[0] in ABOUT_TIME:
            continue
        if called(node) == "float":
            floats.add(place)
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            floats.add(place)
        if called(node) == "sleep":  # Seconds are no money.
            allowed.add(place)
    assert floats - allowed == set()


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_fits_a_sitting_and_a_function_a_screen(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE
    functions = (node for node in parsed(path) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    long = {node.name: (node.end_lineno or 0) - node.lineno + 1 for node in functions}
    assert {name: length for name, length in long.items() if length > LONGEST_FUNCTION} == {}
