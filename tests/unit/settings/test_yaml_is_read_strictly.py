"""What YAML allows and a person would not expect is refused (ADR 0007, acceptance cases 46 and 47)."""

import subprocess
import sys

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.settings.as_editors_read import data_of
from tests.unit.settings.texts import (
    REGISTER,
    SETTINGS,
    changed,
    problems_of,
    register_of,
    register_problems_of,
    settings_of,
)


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
        assert problems_of(data) == ("f.yml:1: is larger than 1 MiB; no file of ours is",)


def test_what_is_no_yaml_is_refused_on_its_line() -> None:
    (problem,) = problems_of(changed("recorder: motion", "recorder: motion: template"))
    assert problem.startswith("f.yml:8: is no YAML: ")


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "True", "TRUE", "y", "1", "", '"true"', "'false'", "[true]"]
)
def test_only_true_and_false_without_quotes_are_booleans(text: str) -> None:
    assert problems_of(SETTINGS + f"watch: {text}\n") == (
        "f.yml:10: watch: is no boolean; write true or false, without quotes",
    )


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False)])
def test_true_and_false_are_booleans(text: str, *, value: bool) -> None:
    assert settings_of(SETTINGS + f"watch: {text}\n").watch is value


@pytest.mark.parametrize(
    "text",
    [
        *("no", "No", "NO", "on", "off", "yes", "y", "N", "true", "False", "~", "null", "Null", "=", "<<"),
        *("0", "030", "0o30", "0x1F", "0b11", "1_000", "-1", "+1", "1:30", "1:5", "1:2:3", "1:30.5", "0190", "08"),
        *("30.5", ".5", "5.", "1e3", "0190e345", "-1.5E+3", ".inf", "-.INF", ".nan"),
        *("2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-01-01 00:00:00 +2", "2001-12-14t21:59:43.10-05:00"),
    ],
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


plain_texts = st.text("0123456789.:_+-eExXobTtZznyNOfaul~=< ", min_size=1, max_size=12) | st.text(max_size=8)


@settings(deadline=None, database=None, max_examples=500)
@given(plain_texts)
@example("1e3").via("a number in YAML 1.2 only")
@example("2026-01-01 10:00:00 +2")
def test_what_yaml_does_not_read_as_a_text_has_to_be_quoted(text: str) -> None:
    try:
        read = yaml.safe_load(f"- {text}\n")
    except (yaml.YAMLError, ValueError):
        return
    core = data_of(f"- {text}\n")
    if isinstance(read, list) and len(read) == 1 and not (read == [text] and core == [text]) and text == text.strip():
        problems_of(changed("Example Clinic OÜ", text))


@pytest.mark.parametrize("text", ["192.0.2.10", "30d", "1.2.3", "v1", "no entry", "2026-01-05 decided", "-x"])
def test_a_text_that_only_begins_like_a_number_or_a_word_stays(text: str) -> None:
    assert settings_of(changed("Example Clinic OÜ", text)).controller == text


@pytest.mark.parametrize("text", ["no", "030", "1:30", "2026-01-01", "~"])
@pytest.mark.parametrize("place", ["cameras", "rooms"])
def test_names_in_lists_have_to_be_quoted_too(text: str, place: str) -> None:
    def with_name(name: str) -> str:
        return changed("    deletion_period", f"    {place}: [{name}]\n    deletion_period")

    (problem,) = problems_of(with_name(text))
    assert problem.startswith(f"f.yml:4: deletion_rules[0].{place}[0]: ")
    assert f'write "{text}"' in problem
    settings_of(with_name(f'"{text}"'))


def test_a_key_that_yaml_reads_otherwise_has_to_be_quoted_where_keys_are_free() -> None:
    (problem,) = register_problems_of(changed("{main: entrance}", "{no: entrance}", REGISTER))
    assert problem.startswith("r.yml:9: devices[0].known_as.no: no without quotes")
    assert register_of(changed("{main: entrance}", '{"no": entrance}', REGISTER)).devices[0].known_as[0].source == "no"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("# a\tcomment\n", 10),
        ("mode:\u00a0enforce\n", 10),
        ("# harmless\u2028mode: enforce\n", 10),
        ("# harmless\rmode: enforce\n", 10),
        ("mode: enforce\r\r\n", 10),
        ("# harmless\u0085mode: enforce\n", 10),
        ("mode: observe # \u202eecrofne\n", 10),
        ("\nmode: \u200benforce\n", 11),
    ],
)
def test_what_cannot_be_seen_is_refused_on_its_line(text: str, line: int) -> None:
    (problem,) = problems_of(SETTINGS + text)
    assert problem.startswith(f"f.yml:{line}: holds ")


def test_lines_may_end_as_on_windows() -> None:
    assert settings_of(SETTINGS.replace("\n", "\r\n")) == settings_of(SETTINGS)


@pytest.mark.parametrize("text", ["%YAML 1.1\n---\n", "%TAG ! tag:x,2000:\n---\n", "%FOO\n---\n"])
def test_every_directive_is_refused_on_its_line(text: str) -> None:
    assert problems_of(text + SETTINGS) == ("f.yml:1: begins with %, a directive; leave the line out",)


def test_a_start_of_the_document_may_be_marked() -> None:
    assert settings_of(f"---\n{SETTINGS}...\n") == settings_of(SETTINGS)


@pytest.mark.parametrize("text", ["[a, b]", "{a: b}", "[[a]]"])
def test_a_key_is_one_word(text: str) -> None:
    assert "a list or a mapping for a key" in problems_of(SETTINGS + f"? {text}\n: b\n")[0]


def test_an_alias_is_one_problem_and_hides_none() -> None:
    problems = problems_of(changed("30d", "*x") + "mode: *y\nwatch: *z\nmargin: 5\n")
    assert [int(problem.split(":")[1]) for problem in problems] == [4, 10, 11, 12]


def test_a_key_stands_once_wherever_it_is() -> None:
    text = REGISTER + "    approval: {reference: a, reference: b}\n"
    (problem,) = register_problems_of(text)
    assert problem.startswith("r.yml:10: devices[0].approval.reference: stands here twice")


@pytest.mark.parametrize(("depth", "reason"), [(14, "write "), (15, "write "), (16, "nested deeper than 16 levels")])
def test_sixteen_levels_are_enough(depth: int, reason: str) -> None:
    assert reason in problems_of(SETTINGS + f"mode: {'[' * depth}{']' * depth}\n")[-1]


def test_a_text_has_an_end() -> None:
    settings_of(changed("Example Clinic OÜ", "x" * 1_000))
    (problem,) = problems_of(changed("Example Clinic OÜ", "x" * 1_001))
    assert problem == "f.yml:1: controller: is 1,001 characters long; write at most 1,000"


@pytest.mark.parametrize("text", ['"a\\nb"', '"a\\0b"', "|\n  a\n  b", '"\\u202Eb"'])
def test_a_text_is_one_line(text: str) -> None:
    (problem,) = problems_of(changed("Example Clinic OÜ", text))
    assert problem.startswith("f.yml:1: controller: holds a line break or a character that cannot be seen")


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
