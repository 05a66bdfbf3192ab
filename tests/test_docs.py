"""The pages say what is so: examples run, generated parts are up to date, and what is named is there."""

from __future__ import annotations

import ast
import doctest
import re
from io import StringIO
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command, get_commands

from payments import errors
from payments.errors import GatewayUnavailable
from payments.gateways.base import Capabilities, Gateway
from shop.management.commands import generate_docs
from tests.factories import make_method, make_payment
from tests.scripted import NarrowGateway, ok

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])
OURS = ("shop", "orders", "payments")
LAWS = DOCS / "explanation" / "the-laws.md"


def text(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def blocks(path: Path | str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text(path), re.DOTALL | re.MULTILINE)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# Examples


@pytest.mark.django_db
def test_the_example_of_the_readme_runs(capsys):
    [example] = blocks("README.md", "python")
    assert len(example.splitlines()) <= 16

    names = {}
    exec(compile(example, "README.md", "exec"), names)

    assert capsys.readouterr().out.splitlines() == [
        "authorize #1 £48.00 succeeded by checkout",
        "capture #2 £30.00 succeeded by staff",
        "refund #3 £5.00 succeeded by staff",
    ]
    assert names["payment"].state == "completed"


@pytest.mark.django_db
@pytest.mark.parametrize("page", [page for page in PAGES if "\n```pycon\n" in page.read_text("utf-8")], ids=name_of)
def test_a_session_goes_as_it_is_shown(page):
    session = "\n".join(blocks(page, "pycon"))
    shown = doctest.DocTestParser().get_doctest(session, {}, name_of(page), str(page), 0)
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    said = StringIO()
    runner.run(shown, out=said.write)
    assert runner.tries > 0
    assert runner.failures == 0, said.getvalue()


@pytest.mark.django_db
def test_what_is_unknown_is_settled_as_the_page_says(capsys):
    see, recover, decide = blocks("docs/how-to/settle-what-is-unknown.md", "python")
    NarrowGateway.script["authorize"] = ok("AUTH-1", amount_minor=6000)
    payment = make_payment(method=make_method(gateway="narrow"))
    with pytest.raises(GatewayUnavailable):
        payment.authorize()

    exec(see)
    assert payment.number in capsys.readouterr().out
    exec(recover)
    payment.refresh_from_db()
    assert (payment.state, payment.operations.get().state) == ("processing", "unknown")
    exec(decide)
    payment.refresh_from_db()
    assert (payment.state, payment.operations.get().state) == ("pending", "succeeded")
    assert payment.operations.get().idempotency_key


@pytest.mark.django_db
def test_a_payment_method_is_made_as_the_page_says():
    names = {}
    exec(blocks("docs/how-to/configure-a-payment-method.md", "python")[0], names)
    assert names["method"].pk


def test_every_public_name_can_be_imported():
    [imports] = blocks("docs/reference/public-api.md", "python")
    names = {}
    exec(imports, names)
    ours = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert ours <= set(names)


# Generated parts


@pytest.fixture(scope="module")
def generated():
    return dict(generate_docs.pages())


@pytest.mark.parametrize("page", list(generate_docs.PAGES))
def test_generated_parts_are_up_to_date(generated, page):
    assert text(DOCS / page) == generated[Path(settings.BASE_DIR) / "docs" / page], "run: make docs"


def test_every_generated_part_is_somewhere():
    found = [part["name"] for page in PAGES for part in generate_docs.GENERATED.finditer(text(page))]
    assert sorted(found) == sorted(generate_docs.PARTS)


def test_the_check_says_what_is_out_of_date(tmp_path, settings):
    for name in generate_docs.PAGES:
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_text(text(DOCS / name), encoding="utf-8")
    stale = tmp_path / "docs" / "reference" / "order-states.md"
    stale.write_text(stale.read_text("utf-8").replace("Called off", "Shipped"), encoding="utf-8")
    for package in OURS:
        (tmp_path / package).symlink_to(ROOT / package)
    settings.BASE_DIR = tmp_path

    with pytest.raises(CommandError, match=r"order-states\.md"):
        call_command("generate_docs", check=True)
    call_command("generate_docs", stdout=StringIO())
    call_command("generate_docs", check=True, stdout=StringIO())
    assert stale.read_text("utf-8") == text(DOCS / "reference" / "order-states.md")


# What is named is there


def test_the_map_names_every_module():
    shown = text("docs/explanation/the-rooms.md")
    modules = [path for package in OURS for path in (ROOT / package).rglob("*.py") if "migrations" not in path.parts]
    missing = [name_of(path) for path in modules if path.read_bytes().strip() and f"`{name_of(path)}`" not in shown]
    assert missing == []


def test_every_test_named_by_the_laws_exists():
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text(LAWS))
    missing = [f"{path}::{name}" for path, name in named if name not in functions(path)]
    assert missing == []


def test_every_law_names_its_tests():
    _, *laws = re.split(r"^## ", text(LAWS), flags=re.MULTILINE)
    assert [law.split(".")[0] for law in laws] == [str(number) for number in range(1, 10)]
    assert all("::test_" in law for law in laws)


def functions(path: str) -> set[str]:
    if not (ROOT / path).is_file():
        return set()
    return {node.name for node in ast.walk(ast.parse(text(path))) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text(page))
    broken = [each for each in targets if "://" not in each and not (page.parent / each).exists()]
    assert broken == []


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent != ROOT], ids=name_of)
def test_every_page_is_reached_from_the_index(page):
    index = DOCS / "index.md"
    reached = {(DOCS / each).resolve() for each in re.findall(r"\]\(([^)#\s]+)\)", text(index))}
    assert page == index or page in reached


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_page_names_a_place_on_somebodys_machine(page):
    assert not re.search(r"(?<![\w.])/(home|work|tmp|root|Users)/", text(page))


def test_the_readme_has_the_plain_commands():
    makefile = text("Makefile").replace("$(PY)", ".venv/bin/python").replace("$(PYTHON)", "python3")
    plain = text("README.md")
    for target in ("demo", "run", "test"):
        recipe = re.search(rf"^{target}: .*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
        assert recipe
        for line in recipe[1].splitlines():
            assert line.strip().removesuffix(" $(ARGS)") in plain
    for words in ("-m venv .venv", "-m pip install --quiet --disable-pip-version-check --require-hashes"):
        assert words in makefile and words in plain


def test_the_readme_has_every_target_and_fits():
    plain = text("README.md")
    targets = re.findall(r"^([a-z]+):.*## ", text("Makefile"), re.MULTILINE)
    assert [target for target in targets if target != "help" and f"make {target}" not in plain] == []
    assert len(plain.splitlines()) <= 130


def test_every_command_of_ours_is_described():
    shown = text("docs/reference/commands.md")
    ours = [name for name, app in get_commands().items() if app in OURS]
    assert [name for name in ours if f"\n## `{name}" not in shown] == []


def test_every_variable_that_is_read_is_described():
    shown = text("docs/reference/settings.md")
    read = re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', text("shop/settings.py"))
    assert read
    assert [name for name in read if f"| `{name}` |" not in shown] == []


def test_every_capability_and_method_of_a_gateway_is_described():
    shown = text("docs/reference/gateway-contract.md")
    assert [name for name in Capabilities.__dataclass_fields__ if f"`{name}`" not in shown] == []
    public = [name for name in vars(Gateway) if not name.startswith("_") and name != "require"]
    assert [name for name in public if f"`{name}" not in shown] == []
