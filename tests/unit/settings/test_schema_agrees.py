"""Whatever the reader accepts is valid by the JSON Schema; what a schema can tell, it refuses too."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.register_schema import register_schema
from retentiond.settings.schema import settings_schema
from tests.unit.settings.as_editors_read import data_of, refusals
from tests.unit.settings.texts import (
    FULL_REGISTER,
    FULL_SETTINGS,
    REGISTER,
    SETTINGS,
    changed,
    problems_of,
    register_of,
    register_problems_of,
    settings_of,
)

SHIPPED = Path(__file__).parents[3] / "config"
OF_SETTINGS, OF_REGISTER = settings_schema(), register_schema()


def accepted(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ConfigurationError:
        return False
    return True


VKEY = "monitor/w1+6adc417d+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop"


def with_line(line: str) -> str:
    return SETTINGS + line + "\n"


GOOD_SETTINGS = [
    SETTINGS,
    FULL_SETTINGS,
    (SHIPPED / "retentiond.yml").read_text(),
    with_line("mode: observe"),
    with_line("dispute_grace: 0s"),
    with_line("http: {}"),
    with_line("http: {listen: none}"),
    with_line('http: {listen: "[::1]:1"}'),
    with_line("audit: {}"),
    with_line('audit: {witness: {url: "http://[::1]:9724", vkey: KEY}}'.replace("KEY", VKEY)),
    with_line("sources: [{name: cameras, kind: onvif, addresses: ['https://[2001:db8::1]:8443']}]"),
    with_line("sources: [{name: host, kind: sound}, {name: lan, kind: discovery, interface: 192.0.2.1}]"),
    with_line("sources: [{name: nb, kind: netbox, addresses: [nb.example], credentials: token, roles: [cctv]}]"),
    with_line("sources: [{name: c, kind: bookings, file: a.ics, categories: [intimate], timezone: Europe/Tallinn}]"),
    with_line('"margin": "60s"'),
    changed("Example Clinic OÜ", '"no"'),
    changed("Example Clinic OÜ", "'030'"),
    changed("recorder: motion", 'recorder: template\n    layout: ["%s.mp4", "%s.jpg"]'),
]
GOOD_REGISTERS = [
    REGISTER,
    FULL_REGISTER,
    (SHIPPED / "register.yml").read_text(),
    "{}",
    "rooms: []\ndevices: []\n",
    "rooms:\n  - {id: a}\n",
    'rooms:\n  - {id: a, class: public, since: "2026-01-01"}\n',
    REGISTER + "    approval: MB-2026-04\n",
    REGISTER + "    note: |\n      one\n      two\n",
]
BAD_SETTINGS = [
    "[]",
    "word",
    with_line("zzz: 1"),
    with_line("web_config: web.yml"),
    with_line("http: {listen: 127.0.0.1:1, web_config: web.yml}"),
    with_line("mode: Enforce"),
    with_line("mode: true"),
    with_line("watch: yes"),
    with_line('watch: "true"'),
    with_line("margin: 60"),
    with_line("margin: 0s"),
    with_line("audit: {keep: 24}"),
    with_line("audit: {on_failure: stop}"),
    with_line("audit: []"),
    with_line("sources: []"),
    with_line("sources: [{name: cameras, kind: onvif}]"),
    with_line("sources: [{name: host, kind: sound, addresses: [a]}]"),
    with_line("sources: [{name: lan, kind: discovery, interface: eth0}]"),
    with_line("sources: [{name: lan, kind: discovery, interface: 192.0.2.256}]"),
    with_line("sources: [{name: nb, kind: netbox, addresses: [a]}]"),
    with_line("sources: [{name: nb, kind: netbox, addresses: [a, b], credentials: t}]"),
    with_line("sources: [{name: nb, kind: netbox, addresses: [a], credentials: t, roles: [Two Words]}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: [a], roles: [camera]}]"),
    with_line("sources: [{name: nb, kind: onvif, addresses: [a], ca_file: ca.pem}]"),
    with_line("sources: [{name: nb, kind: netbox, addresses: [a], credentials: t, ca_file: 7}]"),
    with_line("sources: [{name: c, kind: bookings, file: a.ics, categories: [a], timezone: UTC, max_age: 7}]"),
    with_line("sources: [{name: c, kind: sound, max_age: 7d}]"),
    with_line("sources: [{name: c, kind: bookings, file: a.ics, timezone: UTC}]"),
    with_line("sources: [{name: c, kind: bookings, categories: [a], timezone: UTC}]"),
    with_line("sources: [{name: c, kind: bookings, file: a.ics, categories: [a]}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: []}]"),
    with_line("sources: [{name: cameras, kind: snmp, addresses: [a]}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: ['user:pw@a']}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: ['a/b']}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: [a, a]}]"),
    with_line("sources: [{name: cameras, kind: onvif, addresses: [a], password: x}]"),
    with_line("audit: {witness: {}}"),
    with_line("audit: {tsa: {}}"),
    with_line("audit: {tsa: {url: https://tsa.example/tsr}}"),
    with_line("audit: {tsa: {url: 'https://tsa.example/?a', roots: /etc/tsa.pem}}"),
    with_line("audit: {tsa: {url: https://tsa.example, roots: /etc/x/tsa.pem, policy: 1}}"),
    with_line("audit: {witness: []}"),
    with_line("audit: {witness: {url: https://monitor}}"),
    with_line("audit: {witness: {url: monitor, vkey: KEY}}".replace("KEY", VKEY)),
    with_line("audit: {witness: {url: 'https://user:pw@monitor', vkey: KEY}}".replace("KEY", VKEY)),
    with_line("audit: {witness: {url: 'https://monitor/?a=b', vkey: KEY}}".replace("KEY", VKEY)),
    with_line("audit: {witness: {url: https://monitor, vkey: x}}"),
    with_line("audit: {witness: {url: https://monitor, vkey: KEY, more: 1}}".replace("KEY", VKEY)),
    with_line("http: {listen: 0.0.0.0:9723}"),
    with_line("http: {listen: 127.0.0.256:9723}"),
    with_line("state:"),
    with_line("state: [a]"),
    changed("30d", "30"),
    changed("30d", "030"),
    changed("30d", "1:30"),
    changed("30d", "30.5"),
    changed("[video]", "[]"),
    changed("[video]", "video"),
    changed("[video]", "[film]"),
    changed("[video]", "[video, video]"),
    changed("recorder: motion", "recorder: frigat"),
    changed("name: main", "name: Main"),
    changed("Example Clinic OÜ", "030"),
    changed("Example Clinic OÜ", "~"),
    changed("register: register.yml\n", ""),
    changed("    deletion_period: 30d\n", ""),
]
BAD_REGISTERS = [
    "[]",
    "rooms: x",
    "room: []",
    "rooms:\n  - {name: a}\n",
    "rooms:\n  - {id: a b}\n",
    "rooms:\n  - {id: a, class: Intimate-Care}\n",
    "rooms:\n  - {id: a, class: intimate_care}\n",
    "rooms:\n  - {id: a, class: public, since: 20260101}\n",
    "rooms:\n  - {id: a, class: public, since: yesterday}\n",
    "rooms:\n  - {id: a, classes: []}\n",
    "room_classes: [X-Ray]",
    "room_classes: []",
    changed("kind: camera", "kind: phone", REGISTER),
    changed("video: true", "video: yes", REGISTER),
    changed("video: true", "vidoe: true", REGISTER),
    changed("{main: entrance}", "{Main: entrance}", REGISTER),
    changed("{main: entrance}", "{main: []}", REGISTER),
    changed("{main: entrance}", "{main: 1}", REGISTER),
    changed("    name: entrance\n", "", REGISTER),
    REGISTER + "    sees: hall\n",
    REGISTER + "    sees: [{rooms: hall}]\n",
    REGISTER + "    approval: {reference: a, data: b}\n",
    REGISTER + "    approval: {date: 2026-01-01}\n",
]


@pytest.mark.parametrize("text", GOOD_SETTINGS)
def test_good_settings_are_good_for_both(text: str) -> None:
    settings_of(text)
    assert refusals(OF_SETTINGS, data_of(text)) == []


@pytest.mark.parametrize("text", GOOD_REGISTERS)
def test_good_registers_are_good_for_both(text: str) -> None:
    register_of(text)
    assert refusals(OF_REGISTER, data_of(text)) == []


@pytest.mark.parametrize("text", BAD_SETTINGS)
def test_bad_settings_are_bad_for_both(text: str) -> None:
    assert problems_of(text)
    assert refusals(OF_SETTINGS, data_of(text))


@pytest.mark.parametrize("text", BAD_REGISTERS)
def test_bad_registers_are_bad_for_both(text: str) -> None:
    assert register_problems_of(text)
    assert refusals(OF_REGISTER, data_of(text))


@pytest.mark.parametrize(
    ("schema", "name"), [(OF_SETTINGS, "retentiond.schema.json"), (OF_REGISTER, "register.schema.json")]
)
def test_the_shipped_schema_is_the_one_that_is_printed(schema: dict[str, Any], name: str) -> None:
    assert (SHIPPED / name).read_text() == json.dumps(schema, indent=2) + "\n"


@pytest.mark.parametrize("schema", [OF_SETTINGS, OF_REGISTER])
def test_every_key_is_described(schema: dict[str, Any]) -> None:
    def undescribed(item: Any, at: str) -> list[str]:
        if isinstance(item, list):
            return [found for part in item for found in undescribed(part, at)]
        if not isinstance(item, dict):
            return []
        found = [f"{at}.{key}" for key, value in item.get("properties", {}).items() if "description" not in value]
        return found + [text for key, value in item.items() for text in undescribed(value, f"{at}.{key}")]

    assert undescribed(schema, "$") == []


# --- parts exchanged ------------------------------------------------------------------------------------------

words = st.sampled_from(
    [
        *("main", "hall", "care", "video", "audio", "30d", "0s", "24mo", "public", "intimate-care", "2026-01-01"),
        *("no", "030", "1:30", "~", "/srv/other", "/srv/recordings", "other.yml", "127.0.0.1:80", "none", "UTC"),
        *("2026-01-01T00:00:00Z", "rule-1", "", " ", "a\nb", "Europe/Tallinn", "motion", "template", "x-ray"),
        *("ünï", "d-1", "camera", "x" * 1001),
    ]
)
parts: st.SearchStrategy[Any] = st.recursive(
    words | st.booleans() | st.none() | st.integers(0, 40) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)


def places(data: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every part of a tree."""
    keys: Any = data.keys() if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    return [at, *(place for key in keys for place in places(data[key], (*at, key)))]


@st.composite
def changed_trees(draw: st.DrawFn, text: str) -> Any:
    """Return a good file as data, with some parts left out, doubled or exchanged for something."""
    tree: Any = json.loads(json.dumps(data_of(text)))
    for _ in range(draw(st.integers(1, 3))):
        *way, last = draw(st.sampled_from(places(tree)[1:]))
        owner = tree
        for key in way:
            owner = owner[key]
        match draw(st.sampled_from(["exchange", "leave out", "copy"])):
            case "exchange":
                owner[last] = draw(parts)
            case "leave out":
                del owner[last]
            case _ if isinstance(owner, list):
                owner.append(owner[last])
            case _:
                owner[draw(words)] = owner[last]
        if len(places(tree)) == 1:
            break
    return tree


# Trees that look like files: most are accepted, or fail at one value.
names = st.sampled_from(["main", "other", "a-1", "on", "30", "9" * 63, "9" * 64])
free_texts = st.sampled_from(["Hall", "no", "030", "ünï", "a b", '"', "'", "\\", "#", "x: y", "- a", "é" * 1000])
durations = st.sampled_from(["60s", "90s", "15min", "24h", "1h", "7d", "0s", "999999999w"])
whens = st.sampled_from(["2026-01-01", "2025-02-29", "2026-01-01T00:00Z", "2026-01-01T00:00:00.5+02:00", "2026-1-1"])
files = st.sampled_from(["register.yml", "/etc/x/register.yml", "a/b", "../a", "/srv/store/a"])
idents = st.sampled_from(["hall", "care", "d-1", "1", "0190a3c4-5b6e-7f00-8a11-2f3d4c5b6a79", "a b"])
classes = st.sampled_from(["public", "office", "intimate-care", "x-ray", "lab", "intimate_care"])


def some_of(item: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(item, min_size=1, max_size=3)


rules = st.fixed_dictionaries(
    {
        "categories": some_of(st.sampled_from(["video", "audio", "still"])),
        "deletion_period": st.just("30d") | durations,
    },
    optional={"name": names, "cameras": some_of(free_texts), "rooms": some_of(idents), "stores": some_of(names)},
)
likely_stores = st.fixed_dictionaries(
    {"name": names, "path": st.sampled_from(["/srv/a", "/srv/b/", "/srv/c"]), "recorder": st.just("motion")},
    optional={
        "timezone": st.sampled_from(["UTC", "Europe/Tallinn", "right/UTC"]),
        "layout": free_texts | some_of(free_texts),
        "recorder_config": files,
        "winding_down": st.booleans(),
        "copies": some_of(free_texts),
    },
)
witnesses = st.fixed_dictionaries(
    {
        "url": st.sampled_from(["https://monitor", "http://monitor:70000", "http://monitor:9724/a/b"]),
        "vkey": st.sampled_from([VKEY, "w1"]),
    }
)
likely_settings = st.fixed_dictionaries(
    {
        "controller": free_texts,
        "register": files,
        "deletion_rules": some_of(rules),
        "stores": st.lists(likely_stores, min_size=1, max_size=2),
    },
    optional={
        "mode": st.sampled_from(["observe", "enforce", "off"]),
        "margin": durations,
        "scan_interval": durations,
        "scan_rate": st.sampled_from(["unlimited", "20000/s", "99/s", "20000", "0/s", "1/min"]),
        "dispute_grace": durations,
        "incident_period": durations,
        "watch": st.booleans(),
        "state": st.sampled_from(["/var/lib/retentiond", "/srv/state", "/srv/state/"]),
        "socket": st.sampled_from(["/run/x/y.sock", "/tmp/y.sock"]),
        "http": st.fixed_dictionaries({}, optional={"listen": st.sampled_from(["none", "[::1]:0", "127.1.2.3:1"])}),
        "sources": some_of(
            st.fixed_dictionaries(
                {
                    "name": names,
                    "kind": st.just("onvif"),
                    "addresses": some_of(st.sampled_from(["a", "a:1", "[::1]:0"])),
                },
                optional={"credentials": files},
            )
            | st.fixed_dictionaries({"name": names, "kind": st.sampled_from(["sound", "discovery"])})
            | st.fixed_dictionaries(
                {
                    "name": names,
                    "kind": st.just("netbox"),
                    "addresses": st.lists(st.sampled_from(["a", "a:1"]), min_size=1, max_size=2),
                    "credentials": files,
                },
                optional={"roles": some_of(st.sampled_from(["camera", "CCTV", "a b"]))},
            )
        ),
        "audit": st.fixed_dictionaries(
            {}, optional={"origin": names, "keep": st.sampled_from(["1mo", "999mo"]), "witness": witnesses}
        ),
    },
)
links = some_of(
    idents
    | st.fixed_dictionaries({"room": idents}, optional={"from": whens})
    | st.fixed_dictionaries({"room": idents}, optional={"to": whens})
)
entries = st.fixed_dictionaries({"class": classes}, optional={"since": whens, "until": whens})
likely_rooms = st.fixed_dictionaries({}, optional={"name": free_texts, "class": classes, "since": whens}) | (
    st.fixed_dictionaries({"classes": some_of(entries)})
)
likely_devices = st.fixed_dictionaries(
    {
        "name": free_texts,
        "kind": st.sampled_from(["camera", "microphone"]),
        "tracks": st.fixed_dictionaries({}, optional={"video": st.booleans(), "audio": st.booleans()}),
    },
    optional={
        "known_as": st.dictionaries(names, free_texts | some_of(free_texts), max_size=2),
        "assignments": links,
        "sees": links,
        "approval": free_texts | st.fixed_dictionaries({"reference": free_texts}, optional={"date": whens}),
        "note": free_texts | st.just("one\ntwo\n"),
    },
)
likely_registers = st.builds(
    lambda rooms, devices, declared: {
        **declared,
        "rooms": [{"id": ident, **room} for ident, room in zip(("hall", "care", "d-1", "1"), rooms, strict=False)],
        "devices": [{"id": f"d-{number}", **device} for number, device in enumerate(devices)],
    },
    st.lists(likely_rooms, max_size=4),
    st.lists(likely_devices, max_size=2),
    st.fixed_dictionaries({}, optional={"room_classes": some_of(st.sampled_from(["x-ray", "lab", "public"]))}),
)


@settings(deadline=None, database=None, max_examples=400)
@given(changed_trees(FULL_SETTINGS) | likely_settings, st.booleans())
def test_settings_that_are_read_are_valid(tree: Any, as_json: bool) -> None:
    text = json.dumps(tree, ensure_ascii=False) if as_json else yaml.safe_dump(tree, allow_unicode=True)
    if accepted(settings_of, text):
        assert refusals(OF_SETTINGS, data_of(text)) == []


@settings(deadline=None, database=None, max_examples=400)
@given(changed_trees(FULL_REGISTER) | likely_registers, st.booleans())
def test_registers_that_are_read_are_valid(tree: Any, as_json: bool) -> None:
    text = json.dumps(tree, ensure_ascii=False) if as_json else yaml.safe_dump(tree, allow_unicode=True)
    if accepted(register_of, text):
        assert refusals(OF_REGISTER, data_of(text)) == []


@settings(deadline=None, database=None, max_examples=300)
@given(
    st.sampled_from([(FULL_SETTINGS, settings_of, OF_SETTINGS), (FULL_REGISTER, register_of, OF_REGISTER)]), st.data()
)
def test_texts_with_a_part_exchanged_that_are_read_are_valid(
    case: tuple[str, Callable[[str], object], dict[str, Any]], data: st.DataObject
) -> None:
    text, read, schema = case
    begin = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(begin, min(len(text), begin + 10)))
    text = text[:begin] + data.draw(words | st.text("-:{}[],# \n0123nofal~", max_size=5)) + text[end:]
    if accepted(read, text):
        assert refusals(schema, data_of(text)) == []
