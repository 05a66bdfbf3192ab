"""The worked example of docs/how-to/write-a-gateway.md, as it stands there, passes the kit."""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

import pytest

from payments.gateways.codes import DeclineCode
from payments.gateways.conformance import GatewayConformance, broken_rules, rules_of

PAGE = Path(__file__).resolve().parents[2] / "docs/how-to/write-a-gateway.md"


@pytest.fixture(scope="module")
def example():
    """The names of the page's code, with the gateway under the name that the page gives it."""
    gateway, kit, _settings = re.findall(r"(?ms)^```python\n(.*?)^```$", PAGE.read_text("utf-8"))
    module = types.ModuleType("payments.gateways.acme")
    exec(compile(gateway, "acme.py", "exec"), vars(module))
    sys.modules[module.__name__] = module
    try:
        names = {"__name__": "test_acme"}
        exec(compile(kit, "test_acme.py", "exec"), names)
        yield gateway, names["TestAcme"]
    finally:
        del sys.modules[module.__name__]


def test_it_passes_the_kit(example):
    assert broken_rules(example[1]) == {}


def test_it_is_short(example):
    code = [line for line in example[0].splitlines() if line.strip()]
    assert len(code) <= 62


def test_every_rule_is_in_the_contract():
    contract = (PAGE.parents[1] / "reference/gateway-contract.md").read_text("utf-8")
    assert [name for name in rules_of(GatewayConformance) if f"| `{name}` |" not in contract] == []


def test_every_standard_code_is_in_the_contract():
    contract = (PAGE.parents[1] / "reference/gateway-contract.md").read_text("utf-8")
    assert [code for code in DeclineCode if f"`{code}`" not in contract] == []
