"""The table of cases in docs/reliability.md is whole, and what it says is said stands in a test that it names."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| `([^`]+)` \| (.+) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "reliability.md").read_text(encoding="utf-8"))


def source_of(name: str) -> str:
    """Return the text of a test, with the decorators that hold its values."""
    path, _, function = name.partition("::")
    text = (ROOT / path).read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    pytest.fail(f"{path} has no test {function}")


def test_each_of_the_sixty_cases_is_there_once() -> None:
    assert [int(row[0]) for row in ROWS] == list(range(1, 61))


@pytest.mark.parametrize("row", ROWS, ids=[f"case {row[0]}" for row in ROWS])
def test_what_a_case_says_stands_in_one_of_its_tests(row: tuple[str, ...]) -> None:
    tests = re.findall(r"`(tests/[^`]+)`", row[4])
    assert tests
    assert any(row[3].lower() in source_of(name).lower() for name in tests), row[3]
