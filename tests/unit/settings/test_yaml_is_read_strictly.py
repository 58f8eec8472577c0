"""What YAML allows and a person would not expect is refused (ADR 0007, acceptance cases 46 and 47)."""

import subprocess
import sys

import pytest

from tests.unit.settings.texts import SETTINGS, changed, problems_of, settings_of


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0d",
        "-30d",
        "true",
        "30",
        '"30"',
        "30.5",
        "30.5d",
        ".inf",
        "inf",
        "030",
        "0o30",
        "1:30",
        "1_000",
        "1" + "0" * 30,
    ],
)
def test_a_period_that_is_no_number_with_a_unit_is_refused_on_its_line(text: str) -> None:
    (problem,) = problems_of(changed("30d", text))
    assert problem.startswith("f.yml:4: deletion_rules[0].deletion_period: ")
    assert "such as 30d" in problem


@pytest.mark.parametrize("text", ["59min", "3651d"])
def test_a_period_out_of_range_is_refused_on_its_line(text: str) -> None:
    (problem,) = problems_of(changed("30d", text))
    assert problem.startswith("f.yml:4: deletion_rules[0].deletion_period: ")
    assert "1h to 3650d" in problem


@pytest.mark.parametrize("text", ["", "[30d]", "{d: 30}"])
def test_a_period_that_is_empty_or_no_text_is_refused(text: str) -> None:
    (problem,) = problems_of(changed("30d", text))
    assert problem.startswith("f.yml:4: deletion_rules[0].deletion_period: ")


def test_there_is_no_default_period() -> None:
    (problem,) = problems_of(changed("    deletion_period: 30d\n", ""))
    assert problem.startswith("f.yml:3: deletion_rules[0].deletion_period: is missing; write it with its unit")


def test_an_unknown_key_is_refused_with_the_nearest_one() -> None:
    problems = problems_of(changed("deletion_period", "deletion_perod"))
    assert (
        "f.yml:4: deletion_rules[0].deletion_perod: is not a key of this file; did you mean deletion_period?"
        in problems
    )


def test_an_unknown_key_like_no_other_is_refused_with_all_that_are_known() -> None:
    problems = problems_of(SETTINGS + "zzz: 1\n")
    assert problems[0].startswith("f.yml:10: zzz: is not a key of this file; known here: controller, mode")


def test_a_key_that_stands_twice_is_refused_with_both_lines() -> None:
    (problem,) = problems_of(SETTINGS + "register: other.yml\n")
    assert problem == "f.yml:10: register: stands here twice, first in line 9; keep one"


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("state: &here /var/lib/other\n", 10, "anchor"),
        ("state: &here /var/lib/other\nsocket: *here\n", 11, "alias"),
        ("state: !!str /var/lib/other\n", 10, "tag"),
        ("state: ! /var/lib/other\n", 10, "tag"),
    ],
)
def test_anchors_aliases_and_tags_are_refused(text: str, line: int, what: str) -> None:
    assert any(item.startswith(f"f.yml:{line}: ") and what in item for item in problems_of(SETTINGS + text))


def test_a_merge_key_is_refused() -> None:
    assert problems_of(SETTINGS + "<<: {mode: enforce}\n")[0].startswith("f.yml:10: <<: is not a key")


@pytest.mark.parametrize("data", [b"", b"# nothing\n"])
def test_an_empty_file_is_refused(data: bytes) -> None:
    assert "is empty" in problems_of(data)[0]


@pytest.mark.parametrize("data", [b"---\n", b"word\n", b"- a\n"])
def test_a_file_that_holds_no_keys_is_refused(data: bytes) -> None:
    assert "write a mapping with the keys controller" in problems_of(data)[0]


def test_a_second_document_is_refused() -> None:
    (problem,) = problems_of(SETTINGS + "---\nmode: enforce\n")
    assert "exactly one document" in problem


def test_a_byte_order_mark_is_refused() -> None:
    assert problems_of("\ufeff" + SETTINGS) == ("f.yml:1: begins with a byte order mark; save it as UTF-8 without one",)


def test_a_byte_that_is_not_utf_8_is_refused_on_its_line() -> None:
    data = SETTINGS.encode().replace(b"motion", b"moti\xffn")
    assert problems_of(data) == ("f.yml:8: is not UTF-8 text; save it as UTF-8",)


@pytest.mark.parametrize("size", [1 << 20, (1 << 20) + 1])
def test_a_file_may_have_one_mebibyte_and_not_a_byte_more(size: int) -> None:
    data = SETTINGS.encode()
    data += b"#" * (size - len(data))
    if size == 1 << 20:
        settings_of(data.decode())
    else:
        assert problems_of(data) == ("f.yml:1: is larger than 1 MiB; no configuration of ours is",)


def test_what_is_no_yaml_is_refused_on_its_line() -> None:
    (problem,) = problems_of(changed("recorder: motion", "recorder: motion: template"))
    assert problem.startswith("f.yml:8: is no YAML: ")


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "True", "TRUE", "y", "1", "", '"true"', "'false'", "[true]"]
)
def test_only_true_and_false_without_quotes_are_booleans(text: str) -> None:
    assert problems_of(SETTINGS + f"watch: {text}\n") == ("f.yml:10: watch: write true or false",)


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_true_and_false_are_booleans(text: str, *, value: bool) -> None:
    assert settings_of(SETTINGS + f"watch: {text}\n").watch is value


@pytest.mark.parametrize(
    "text", ["no", "on", "030", "0o30", "1:30", "1_000", "30.5", ".inf", "2026-01-01", "~", "null"]
)
def test_a_text_that_yaml_reads_otherwise_has_to_be_quoted(text: str) -> None:
    assert problems_of(changed("Example Clinic OÜ", text))[0].startswith("f.yml:1: controller: ")


@pytest.mark.parametrize("text", ["no", "030", "1:30", "2026-01-01"])
def test_a_quoted_text_is_that_text(text: str) -> None:
    assert settings_of(changed("Example Clinic OÜ", f'"{text}"')).controller == text


def test_a_tab_is_refused() -> None:
    assert problems_of(changed("controller: ", "controller:\t"))[0].startswith("f.yml:1: ")


def test_a_directive_is_refused() -> None:
    problems_of("%YAML 1.1\n---\n" + SETTINGS)


def _read_in_a_process_of_its_own(depth: int) -> int:
    code = (
        "from retentiond.domain.errors import ConfigurationError\n"
        "from retentiond.settings.parse import parse_settings\n"
        f"data = b'a: ' + b'[' * {depth} + b']' * {depth}\n"
        "try:\n    parse_settings(data, 'f.yml', host_name='h')\n"
        "except ConfigurationError:\n    pass\n"
    )
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, timeout=120).returncode


def test_nesting_is_a_problem_of_the_file() -> None:
    assert _read_in_a_process_of_its_own(1_000) == 0


def test_no_nesting_ends_the_process() -> None:
    assert _read_in_a_process_of_its_own(200_000) == 0
