"""retentiond.yml: defaults, ranges, how entries fit together, and all problems at once."""

import re
from datetime import timedelta
from typing import Any

import pytest
import yaml

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.recording import Category
from retentiond.settings.keys import RECORDERS
from retentiond.settings.parse import parse_settings
from retentiond.settings.values import CONTROLLER_TO_WRITE
from tests.unit.settings.as_editors_read import data_of
from tests.unit.settings.texts import FULL_SETTINGS, SETTINGS, changed, problems_of, settings_of

SECOND_STORE = "    recorder: motion\n  - {name: other, path: /srv/other, recorder: motion}\n"


def test_what_is_not_written_has_its_default() -> None:
    settings = settings_of(SETTINGS)
    assert settings.enforcing is False
    assert settings.policy.margin == timedelta(seconds=60)
    assert settings.state == "/var/lib/retentiond"
    assert settings.socket == "/run/retentiond/control.sock"
    assert settings.scan_interval == timedelta(minutes=15)
    assert settings.scan_rate is None
    assert settings.dispute_grace == timedelta(hours=24)
    assert settings.incident_period == timedelta(days=30)
    assert settings.watch is True
    assert (settings.http.host, settings.http.port) == ("127.0.0.1", 9723)
    assert (settings.audit.origin, settings.audit.keep_months) == ("nvr1/retentiond", 24)
    assert settings.audit.on_failure is OnAuditFailure.HOLD_UNTIL_DEADLINE
    (store,) = settings.stores
    assert (store.timezone, store.layouts, store.recorder_config, store.winding_down) == ("UTC", (), None, False)


def test_relative_files_lie_beside_the_configuration() -> None:
    settings = settings_of(changed("recorder: motion", "recorder: motion\n    recorder_config: motion.conf"))
    assert settings.register == "/etc/retentiond/register.yml"
    assert settings.stores[0].recorder_config == "/etc/retentiond/motion.conf"


def test_rules_are_numbered_from_one_unless_they_have_a_name() -> None:
    text = changed("stores:\n", "  - {name: short, categories: [still, derived], deletion_period: 72h}\nstores:\n")
    first, second = settings_of(text).policy.rules
    assert (first.name, set(first.categories)) == ("rule-1", {Category.VIDEO})
    assert first.deletion_period == timedelta(days=30)
    assert (second.name, set(second.categories)) == ("short", {Category.STILL, Category.DERIVED})


def test_selectors_are_kept_as_written() -> None:
    text = changed(
        "    deletion_period", "    stores: [main]\n    cameras: [entrance]\n    rooms: [hall]\n    deletion_period"
    )
    (rule,) = settings_of(text).policy.rules
    assert (set(rule.stores), set(rule.cameras), set(rule.rooms)) == ({"main"}, {"entrance"}, {"hall"})


@pytest.mark.parametrize("selector", ["cameras", "stores", "rooms"])
def test_an_empty_selector_is_refused(selector: str) -> None:
    (problem,) = problems_of(changed("    deletion_period", f"    {selector}: []\n    deletion_period"))
    assert problem.startswith(f"f.yml:4: deletion_rules[0].{selector}: write a list that is not empty")


def test_a_rule_for_a_store_that_is_not_there_is_refused() -> None:
    (problem,) = problems_of(changed("    deletion_period", "    stores: [mian]\n    deletion_period"))
    assert problem.startswith("f.yml:4: deletion_rules[0].stores: 'mian' is no store")


@pytest.mark.parametrize("key", ["controller", "deletion_rules", "stores", "register"])
def test_what_is_needed_and_missing_is_told(key: str) -> None:
    lines = SETTINGS.splitlines(keepends=True)
    begin = next(number for number, line in enumerate(lines) if line.startswith(key))
    end = next((n for n in range(begin + 1, len(lines)) if not lines[n].startswith(" ")), len(lines))
    assert any(f"{key}: is missing; write " in item for item in problems_of("".join(lines[:begin] + lines[end:])))


@pytest.mark.parametrize("key", ["deletion_rules", "stores"])
def test_at_least_one_rule_and_one_store_are_needed(key: str) -> None:
    other = {"deletion_rules": "stores", "stores": "register"}[key]
    before, _, rest = SETTINGS.partition(f"{key}:\n")
    text = f"{before}{key}: []\n{other}:{rest.partition(f'{other}:')[2]}"
    assert any(f": {key}: write a list that is not empty" in item for item in problems_of(text))


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("margin", ["1s", "1h"], ["0s", "61min", "60", "-1s"]),
        ("scan_interval", ["1min", "7d"], ["59s", "8d", "15"]),
        (
            "scan_rate",
            ["unlimited", "100/s", "10000000/s"],
            ["99/s", "10000001/s", "20000", "200/min", "0200/s", "²00/s"],
        ),
        ("dispute_grace", ["0s", "24h", "7d"], ["8d", "0", "0d"]),
        ("incident_period", ["72h", "30d"], ["71h", "31d", "30"]),
        ("mode", ["observe", "enforce"], ["delete", "Enforce", "true"]),
    ],
)
def test_each_key_has_its_range(key: str, good: list[str], bad: list[str]) -> None:
    for text in good:
        settings_of(SETTINGS + f"{key}: {text}\n")
    for text in bad:
        (problem,) = problems_of(SETTINGS + f"{key}: {text}\n")
        assert problem.startswith(f"f.yml:10: {key}: ")


def test_the_margin_has_to_be_shorter_than_each_period() -> None:
    settings_of(changed("30d", "61min") + "margin: 1h\n")
    (problem,) = problems_of(changed("30d", "1h") + "margin: 1h\n")
    assert "deletion period of rule-1 has to be longer than the margin, 1h" in problem


@pytest.mark.parametrize("text", ["24", "0mo", "2y", "1000mo"])
def test_the_trail_is_kept_for_a_number_of_months(text: str) -> None:
    assert settings_of(SETTINGS + "audit: {keep: 36mo}\n").audit.keep_months == 36
    assert problems_of(SETTINGS + f"audit: {{keep: {text}}}\n")[0].startswith("f.yml:10: audit.keep: ")


@pytest.mark.parametrize("text", ["127.0.0.1:9723", "127.0.0.1:0", "localhost:80", '"[::1]:9723"', "127.0.0.2:65535"])
def test_the_endpoint_listens_on_this_machine(text: str) -> None:
    assert settings_of(SETTINGS + f"http: {{listen: {text}}}\n").http.listen == text.strip('"')


def test_the_endpoint_can_be_switched_off() -> None:
    assert settings_of(SETTINGS + "http: {listen: none}\n").http.listen is None


@pytest.mark.parametrize(
    "text", ["0.0.0.0:9723", "192.0.2.1:9723", '"[::]:9723"', "127.0.0.1", "127.0.0.1:65536", "false"]
)
def test_any_other_address_is_refused(text: str) -> None:
    assert problems_of(SETTINGS + f"http: {{listen: {text}}}\n")[0].startswith("f.yml:10: http.listen: ")


def test_a_template_needs_a_layout() -> None:
    (problem,) = problems_of(changed("motion", "template"))
    assert problem.startswith("f.yml:6: stores[0].layout: is missing")


@pytest.mark.parametrize(
    ("text", "layouts"),
    [('"%s.mp4"', ("%s.mp4",)), ('["%s.mp4", "%s.jpg"]', ("%s.mp4", "%s.jpg"))],
)
def test_layouts_are_one_or_a_list(text: str, layouts: tuple[str, ...]) -> None:
    (store,) = settings_of(changed("recorder: motion", f"recorder: template\n    layout: {text}")).stores
    assert store.layouts == layouts


@pytest.mark.parametrize("text", ["Mars/Olympus", "Europe", "../etc/passwd", "/etc/passwd", '"a\\0b"'])
def test_a_time_zone_has_to_be_known(text: str) -> None:
    settings_of(changed("recorder: motion", "recorder: motion\n    timezone: Europe/Tallinn"))
    (problem,) = problems_of(changed("recorder: motion", f"recorder: motion\n    timezone: {text}"))
    assert problem.startswith("f.yml:9: stores[0].timezone: ")


def test_two_stores_have_two_names() -> None:
    text = changed("    recorder: motion\n", SECOND_STORE.replace("other,", "main,"))
    assert problems_of(text)[0].startswith("f.yml:9: stores[1]: the name 'main' is taken")


def test_copies_of_a_store_may_be_declared() -> None:
    declared = "recorder: motion\n    copies: [nightly to backup1, weekly to tape]"
    assert settings_of(changed("recorder: motion", declared)).stores[0].copies == (
        "nightly to backup1",
        "weekly to tape",
    )
    assert settings_of(changed("recorder: motion", "recorder: motion")).stores[0].copies == ()


def test_a_store_may_be_winding_down() -> None:
    assert settings_of(changed("recorder: motion", "recorder: motion\n    winding_down: true")).stores[0].winding_down


def test_several_problems_are_told_at_once_in_the_order_of_lines() -> None:
    text = changed("30d", "30").replace("recorder: motion", "recorder: moton").replace("[video]", "[vidoe]")
    text = text.replace("path: /srv/recordings", "path: relative")
    assert [int(problem.split(":")[1]) for problem in problems_of(text + "marign: 5s\n")] == [3, 4, 7, 8, 10]


@pytest.mark.parametrize(
    "line",
    [
        *("mode: maybe", "scan_interval: 5", "dispute_grace: 5", "watch: maybe", "socket: here", "state: here"),
        *("margin: 5", "http: {listen: here}", "audit: {keep: 5}", "audit: {key: here}"),
    ],
)
def test_a_problem_elsewhere_hides_none(line: str) -> None:
    problems = problems_of(changed("30d", "30") + line + "\n")
    assert [int(problem.split(":")[1]) for problem in problems] == [4, 10]


def test_every_value_of_a_file_is_looked_at_before_any_problem_is_told() -> None:
    tree, free = (
        data_of(FULL_SETTINGS),
        {"controller", "register", "recorder_config", "layout", "cameras", "rooms"}
        | {"credentials", "copies", "ca_file", "file"},
    )
    keys = {line.partition(": ")[2].partition(": ")[0] for line in problems_of(yaml.safe_dump(_questions(tree)))}
    missing = {key for key in _keys(tree) if key not in keys and free.isdisjoint(re.split(r"[\[.]", key))}
    assert missing == {"deletion_rules[0].stores[0]", "sources[2].categories[0]"}  # told at the list; any text
    assert "deletion_rules[0].stores" in keys


def _questions(tree: Any) -> Any:
    """Return a tree with a question mark for every value."""
    if isinstance(tree, dict):
        return {key: _questions(value) for key, value in tree.items()}
    return [_questions(value) for value in tree] if isinstance(tree, list) else "?"


def _keys(tree: Any, at: str = "") -> list[str]:
    if isinstance(tree, dict):
        return [found for key, value in tree.items() for found in _keys(value, f"{at}.{key}".lstrip("."))]
    if isinstance(tree, list):
        return [found for number, value in enumerate(tree) for found in _keys(value, f"{at}[{number}]")]
    return [at]


@pytest.mark.parametrize("entry", ["name: rule-1, categories: [still]", "categories: [still], name: rule-1"])
def test_two_rules_have_two_names(entry: str) -> None:
    (problem,) = problems_of(changed("stores:\n", f"  - {{{entry}, deletion_period: 1d}}\nstores:\n"))
    assert problem.startswith("f.yml:5: deletion_rules[1].name: the name 'rule-1' is taken by another rule")


def test_a_rule_without_a_name_takes_none_that_is_given() -> None:
    text = changed("  - categories: [video]\n", "  - name: rule-2\n    categories: [video]\n")
    (problem,) = problems_of(changed("stores:\n", "  - {categories: [still], deletion_period: 1d}\nstores:\n", text))
    assert problem.startswith("f.yml:6: deletion_rules[1]: the name 'rule-2' is taken by another rule")


@pytest.mark.parametrize(
    "key", ["categories: [video, video]", "cameras: [a, b, a]", "stores: [main, main]", "rooms: [a, a]"]
)
def test_nothing_stands_in_a_list_twice(key: str) -> None:
    rest = "" if "categories" in key else "categories: [still], "
    entry = f"  - {{{rest}{key}, deletion_period: 1d}}\nstores:\n"
    (problem,) = problems_of(changed("stores:\n", entry))
    assert problem.endswith("stands in this list twice; keep one")


@pytest.mark.parametrize(
    ("key", "line"), [("web_config: web.yml", 10), ("http: {listen: none, web_config: web.yml}", 10)]
)
def test_a_server_for_others_is_not_built_and_not_a_key(key: str, line: int) -> None:
    (problem,) = problems_of(SETTINGS + key + "\n")
    assert problem.startswith(f"f.yml:{line}: ")
    assert "web_config: is not a key of this file" in problem


@pytest.mark.parametrize("text", ["milestone", "Motion", "moton"])
def test_a_recorder_that_this_version_does_not_read_is_refused(text: str) -> None:
    (problem,) = problems_of(changed("motion", text))
    assert problem.startswith("f.yml:8: stores[0].recorder: ")
    assert ", ".join(RECORDERS) in problem


def test_nothing_is_deleted_in_the_name_that_init_proposed() -> None:
    text = changed("Example Clinic OÜ", CONTROLLER_TO_WRITE)
    assert settings_of(text + "mode: observe\n").controller == CONTROLLER_TO_WRITE
    (problem,) = problems_of(text + "mode: enforce\n")
    assert problem.startswith("f.yml:1: controller: is what `config init` proposed")


def test_a_camera_may_be_called_a_space_and_a_controller_may_not() -> None:
    text = changed("    deletion_period", '    cameras: [" "]\n    deletion_period')
    assert settings_of(text).policy.rules[0].cameras == {" "}
    assert problems_of(changed("Example Clinic OÜ", '" "')) == (
        "f.yml:1: controller: holds nothing but spaces; write a text",
    )


@pytest.mark.parametrize("host", ["nvr 1", "", "ünï", "a+b", "nvr1.example"])
def test_the_default_origin_is_one_whatever_the_host_is_called(host: str) -> None:
    origin = parse_settings(SETTINGS.encode(), "f.yml", host_name=host).audit.origin
    assert settings_of(SETTINGS + f"audit: {{origin: {origin}}}\n").audit.origin == origin


@pytest.mark.parametrize("text", ["right/Europe/Tallinn", "posix/UTC", "localtime", "posixrules", "Factory"])
def test_a_zone_of_another_time_or_of_this_host_is_refused(text: str) -> None:
    (problem,) = problems_of(changed("recorder: motion", f"recorder: motion\n    timezone: {text}"))
    assert problem.startswith("f.yml:9: stores[0].timezone: ")


@pytest.mark.parametrize(
    "text", ["127.0.0.256:80", "127.1:80", "127.0.0.1:080", "127.0.0.1:99999", "localhost", "::1:80"]
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    assert problems_of(SETTINGS + f'http: {{listen: "{text}"}}\n')[0].startswith("f.yml:10: http.listen: ")
