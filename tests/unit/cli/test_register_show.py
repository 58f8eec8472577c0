"""What `register show` shows of the papers at an instant."""

import pytest

from retentiond.cli.register_show import show_register, shown
from tests.builders import at
from tests.unit.settings.texts import register_of

TEXT = """\
rooms: [{id: hall, class: public}]
devices: [{id: d-1, name: front, kind: camera, tracks: {video: true}, assignments: [hall]}]
approvals: [{reference: MB-1, rooms: [hall], from: 2026-01-01, to: 2026-02-01}]
signs: [{id: s-1, rooms: [hall], audio: true, from: 2026-01-15, review: 2027-01-01}]
dpias: [{reference: D-1, date: 2026-01-20, devices: [d-1], rooms: [hall]}]
"""


def numbers(day: str) -> list[str]:
    answer = shown(register_of(TEXT), at(day))
    return [item["id"] for key in ("approvals", "signs", "dpias") for item in answer[key]]


def test_it_shows_the_papers_that_hold_then() -> None:
    assert numbers("2025-12-31") == []
    assert numbers("2026-01-10") == ["MB-1"]
    assert numbers("2026-01-31") == ["MB-1", "s-1", "D-1"]
    assert numbers("2026-02-01") == ["s-1", "D-1"]


def test_a_paper_says_what_it_is_about_and_when_to_look_again(capsys: pytest.CaptureFixture[str]) -> None:
    show_register(register_of(TEXT), at("2026-01-31"), as_json=False)
    rows = [line.split() for line in capsys.readouterr().out.splitlines()[-3:]]
    assert rows[0] == ["approval", "MB-1", "hall", "no", "-"]
    assert rows[1][:4] == ["sign", "s-1", "hall", "yes"]
    assert rows[1][4].startswith(("2026-12-31", "2027-01-01"))
    assert rows[2] == ["dpia", "D-1", "hall,", "d-1", "-", "-"]
