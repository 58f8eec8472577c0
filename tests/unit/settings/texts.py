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


FULL_SETTINGS = """\
controller: Example Clinic OÜ
mode: enforce
deletion_rules:
  - {name: short, categories: [video, audio], deletion_period: 72h, stores: [main], cameras: [entrance], rooms: [hall]}
  - {categories: [still, derived], deletion_period: 4w}
margin: 90s
stores:
  - name: main
    path: /srv/recordings
    recorder: motion
    timezone: Europe/Tallinn
    recorder_config: /etc/motion/motion.conf
    winding_down: true
    copies: ["nightly to backup1, kept 14 days"]
  - {name: other, path: /srv/other, recorder: template, layout: "{camera}/%s.mp4"}
sources:
  - {name: cameras, kind: onvif, addresses: [192.0.2.1, "camera-2:8080"], credentials: /etc/retentiond/onvif}
  - {name: nb, kind: netbox, addresses: [nb.example], credentials: token, roles: [cctv], ca_file: /etc/ca.pem}
  - {name: c, kind: bookings, file: a.ics, categories: [intimate], timezone: Europe/Tallinn, max_age: 3d}
state: /var/lib/retentiond
register: register.yml
audit:
  origin: nvr1.example/retentiond
  keep: 36mo
  on_failure: hold
  key: /var/lib/retentiond/audit.key
  witness:
    url: https://monitor.example:9724/w
    vkey: monitor/w1+6adc417d+BDtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop
  tsa: {url: "http://tsa.example/tsr", roots: /etc/retentiond/tsa.pem}
http: {listen: 127.0.0.1:9723}
scan_interval: 15min
scan_rate: 20000/s
dispute_grace: 24h
incident_period: 14d
watch: false
socket: /run/retentiond/control.sock
"""
"""Every key."""

FULL_REGISTER = """\
timezone: Europe/Tallinn
room_classes: [x-ray]
demands: [approval, sign, dpia]
rooms:
  - {id: hall, name: Hall, class: public, since: 2026-01-01, until: 2027-01-01, gone: 2028-01-01}
  - {id: xray, class: x-ray, neighbours: [hall, {room: care, passes: [sight, sound], from: 2026-01-01, to: 2027-01-01}]}
  - id: care
    name: Care
    classes:
      - {class: office, until: 2026-06-01}
      - {class: intimate-care, since: 2026-06-01}
devices:
  - id: d-1
    name: Entrance
    kind: camera
    make: Example X
    address: rtsp://192.0.2.1/stream
    since: 2025-01-01
    until: 2028-01-01
    temporary: true
    tracks: [{video: true, audio: false, to: 2026-02-01}, {video: true, audio: true, from: 2026-02-01}]
    known_as: {main: [front, {name: back, from: 2026-01-01, to: 2027-01-01}], other: front, third: {name: door}}
    assignments: [{room: hall, from: 2026-01-01, to: 2026-02-01}, {room: xray, from: "2026-02-01T08:00:00+02:00"}]
    sees: [hall, {room: care}]
    hears: [hall]
    presets: [{name: home, sees: [hall, care], from: 2026-01-01, to: 2027-01-01}, {name: park, sees: []}]
    out_of_view: [{room: care, checked: 2026-01-05, review: 2027-01-05}]
    out_of_hearing: [{room: care, checked: 2026-01-05}]
    approval: {reference: B-1, signatory: Board, date: 2026-01-05, audio: false, to: 2027-01-05, note: for a year}
    note: Replaced the device of 2023.
  - {id: d-2, name: Desk, kind: microphone, tracks: {audio: true}, approval: B-2}
approvals:
  - reference: B-2
    signatory: Board
    date: 2026-01-05
    devices: [d-1]
    rooms: [hall]
    audio: true
    from: 2026-02-01
    to: 2027-01-05
    note: at the desk only
signs:
  - {id: s-1, rooms: [hall, xray], audio: true, from: 2026-01-01, to: 2027-01-01, review: 2026-07-01, note: at the door}
dpias:
  - {reference: D-1, date: 2026-01-05, devices: [d-1], rooms: [hall], to: 2029-01-01, review: 2027-01-01, note: long}
  - {reference: D-2, from: 2026-01-05, devices: [d-1]}
"""
"""Every key."""
