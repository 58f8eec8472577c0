"""What the recording server itself can record sound with is met with the register."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.finding import FindingKind
from retentiond.domain.recording import StoreName
from retentiond.services.check_placement import check_rooms
from retentiond.sources.sound import SoundSource
from tests.unit.settings.texts import register_of


def a_card(root: Path, number: int, ident: str, **streams: str) -> None:
    """Write a card as the kernel shows it; `pcm0c` is what records, `pcm0p` what plays."""
    card = root / f"card{number}"
    for stream, name in streams.items():
        (card / stream).mkdir(parents=True)
        text = f"card: {number}\ndevice: {stream[3:-1]}\nsubdevice: 0\nstream: CAPTURE\nid: {name}\nname: {name}\n"
        (card / stream / "info").write_text(text)
    card.mkdir(exist_ok=True)
    (card / "id").write_text(f"{ident}\n")
    (root / ident).symlink_to(f"card{number}")


def test_what_records_is_named_by_its_card_and_what_plays_is_not(tmp_path: Path) -> None:
    a_card(tmp_path, 0, "PCH", pcm0p="ALC887", pcm0c="ALC887 Analog", pcm2c="ALC887 Alt")
    a_card(tmp_path, 1, "HDMI", pcm3p="HDMI 0")
    a_card(tmp_path, 2, "Webcam", pcm0c="USB\x1b Audio")
    reading = SoundSource(StoreName("host"), tmp_path).read()
    assert [(device.camera, device.records_audio, device.sound) for device in reading.seen] == [
        ("PCH/0", True, "it can record from 'ALC887 Analog'"),
        ("PCH/2", True, "it can record from 'ALC887 Alt'"),
        ("Webcam/0", True, "it can record from 'USB? Audio'"),
    ]
    assert reading.complete


def test_a_kernel_without_sound_has_no_microphones(tmp_path: Path) -> None:
    reading = SoundSource(StoreName("host"), tmp_path / "asound").read()
    assert (reading.seen, reading.unreached) == ((), ())


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    a_card(tmp_path, 0, "PCH", pcm0c="x")
    (tmp_path / "card0" / "id").unlink()
    os.symlink("loop", tmp_path / "card0" / "id")
    os.symlink("id", tmp_path / "card0" / "loop")
    reading = SoundSource(StoreName("host"), tmp_path).read()
    assert not reading.complete
    assert "cannot be read" in reading.unreached[0].why


@pytest.mark.parametrize(
    ("device", "kinds"),
    [
        ("", {FindingKind.UNREGISTERED_DEVICE}),
        ("{id: m-1, name: Desk, kind: microphone, tracks: {audio: true}, known_as: {host: PCH/0}}", set()),
        ("{id: m-1, name: Desk, kind: microphone, tracks: {}, known_as: {host: PCH/0}}", {FindingKind.AUDIO_ENABLED}),
        (
            "{id: m-1, name: Desk, kind: microphone, tracks: {audio: true}, known_as: {host: Webcam/0}}",
            {FindingKind.UNREGISTERED_DEVICE, FindingKind.SOURCES_DISAGREE},
        ),
    ],
    ids=["unknown", "known", "known and forbidden", "another"],
)
def test_a_microphone_of_this_host_has_to_be_registered(tmp_path: Path, device: str, kinds: set[FindingKind]) -> None:
    a_card(tmp_path, 0, "PCH", pcm0c="ALC887 Analog")
    source = SoundSource(StoreName("host"), tmp_path)
    placed = device.replace("}}", "}, assignments: [{room: hall}]}")
    register = register_of(f"rooms: [{{id: hall, class: public}}]\ndevices: [{placed}]\n")
    found = check_rooms(register, (), (), datetime.now(UTC), [(source, source.read())]).findings
    assert {item.key.kind for item in found} == kinds
    assert all("microphone 'PCH/0' of source 'host'" in item.message for item in found if "regist" in item.key.kind)
