"""Texts of both files, valid unless a test says otherwise, and what reading them gives."""

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.register import Register
from retentiond.settings.parse import parse_settings
from retentiond.settings.parse_register import parse_register
from retentiond.settings.values import Settings

SETTINGS = """\
controller: Example Clinic OÜ
deletion_rules:
  - categories: [video]
    deletion_period: 30d
stores:
  - name: main
    path: /srv/recordings
    recorder: motion
register: register.yml
"""
"""The smallest file. A key that a test adds at the end stands on line 10."""

REGISTER = """\
rooms:
  - {id: hall, name: Hall, class: public}
  - {id: care, name: Care, class: intimate-care}
devices:
  - id: d-1
    name: entrance
    kind: camera
    tracks: {video: true, audio: false}
    known_as: {main: entrance}
"""
"""One device. A key of it that a test adds at the end stands on line 10."""


def settings_of(text: str, filename: str = "/etc/retentiond/retentiond.yml") -> Settings:
    return parse_settings(text.encode(), filename, host_name="nvr1")


def register_of(text: str) -> Register:
    return parse_register(text.encode(), "register.yml")


def problems_of(text: str | bytes) -> tuple[str, ...]:
    """Return the problems of retentiond.yml, which has to have some."""
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigurationError) as caught:
        parse_settings(data, "f.yml", host_name="nvr1")
    return caught.value.problems


def register_problems_of(text: str) -> tuple[str, ...]:
    """Return the problems of register.yml, which has to have some."""
    with pytest.raises(ConfigurationError) as caught:
        parse_register(text.encode(), "r.yml")
    return caught.value.problems


def changed(old: str, new: str, text: str = SETTINGS) -> str:
    """Return `text` with one part exchanged, which has to be there."""
    assert text.count(old) == 1, old
    return text.replace(old, new)
