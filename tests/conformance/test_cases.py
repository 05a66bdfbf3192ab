"""Every case of Solidus is accounted for, once."""

from __future__ import annotations

from collections import Counter

from tests.conformance.cases.catalogue import AREAS, every_case, modules, numbers


def test_every_number_appears_once() -> None:
    found = Counter((case.area, case.number) for case in every_case())
    assert set(found) == set(numbers())
    assert not [number for number, times in found.items() if times > 1]


def test_every_test_is_a_case_of_its_area() -> None:
    for module in modules():
        tests = [test for name, test in vars(module).items() if name.startswith("test_")]
        assert tests
        assert {vars(test)["case"].area for test in tests} == {module.AREA}
    assert {module.AREA for module in modules()} == set(AREAS) == {area for area, _ in numbers()}


def test_every_case_to_be_decided_is_decided() -> None:
    """A quirk of Solidus is decided otherwise, kept knowingly, or not applicable; nothing is left to chance."""
    kept = [
        (case.area, case.number)
        for case in every_case()
        if "Q" in numbers()[case.area, case.number] and case.outcome == "kept"
    ]
    assert kept == [("E", 60), ("E", 62), ("E", 67)]  # design §6: process() is kept, also the part that surprises.
