"""Films that ffmpeg made, as we read them and as ffprobe does."""

import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from retentiond.domain.media import Media, Opaque, OpaqueReason
from retentiond.probe.opening import look_at_event, look_at_file
from tests.clips import FORMS, make_clip

pytestmark = pytest.mark.skipif(
    shutil.which("ffmpeg") is None or shutil.which("ffprobe") is None, reason="needs ffmpeg and ffprobe"
)

NEAR = timedelta(milliseconds=250)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every form, with and without sound."""
    directory = tmp_path_factory.mktemp("films")
    for form in FORMS:
        for sound in (False, True):
            make_clip(directory / f"{'sound' if sound else 'silent'}-{form}", form, sound=sound)
    return directory


def look(path: Path) -> Media | Opaque:
    return look_at_file(bytes(path.parent), b"", bytes(path)[len(bytes(path.parent)) + 1 :])


def peer(path: Path) -> tuple[bool, bool, timedelta | None]:
    """Return what ffprobe says: pictures, sound, duration."""
    command = ("ffprobe", "-v", "error", "-show_streams", "-show_format", "-of", "json", str(path))
    told = json.loads(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    kinds = {stream["codec_type"] for stream in told["streams"]}
    duration = told["format"].get("duration")
    return "video" in kinds, "audio" in kinds, None if duration is None else timedelta(seconds=float(duration))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("sound", [False, True], ids=["silent", "sound"])
def test_tracks_and_duration_are_those_that_ffprobe_finds(films: Path, form: str, sound: bool) -> None:
    path = films / f"{'sound' if sound else 'silent'}-{form}"
    media = look(path)
    assert isinstance(media, Media)
    video, audio, duration = peer(path)
    assert (media.video, media.audio) == (video, audio) == (True, sound)
    if media.duration is not None and duration is not None:
        assert abs(media.duration - duration) < NEAR
    if form not in {"live.mkv", "film.avi"}:
        assert media.duration is not None


def test_fragments_without_an_index_are_as_long_as_with_one(films: Path, tmp_path: Path) -> None:
    """As MediaMTX writes them, and ffmpeg while it still records."""
    indexed = films / "sound-fragmented.mp4"
    whole = indexed.read_bytes()
    path = tmp_path / "fragments.mp4"
    path.write_bytes(whole[: whole.rindex(b"mfra") - 4])
    assert look(path) == look(indexed)
    path.write_bytes(whole[: whole.rindex(b"moof") - 4])
    shorter, (_, _, told) = look(path), peer(path)
    assert isinstance(shorter, Media)
    assert shorter.duration is not None
    assert told is not None
    assert abs(shorter.duration - told) < NEAR


@pytest.mark.parametrize("form", ["faststart.mp4", "film.mkv"])
def test_the_creation_time_is_read_where_there_is_one(films: Path, form: str) -> None:
    media = look(films / f"sound-{form}")
    assert isinstance(media, Media)
    assert media.created == datetime(2026, 9, 18, 7, 41, 10, tzinfo=UTC)
    without = look(films / "sound-plain.mp4")
    assert isinstance(without, Media)
    assert without.created is None


def test_a_film_that_is_being_written_proves_nothing(films: Path, tmp_path: Path) -> None:
    whole = (films / "sound-plain.mp4").read_bytes()
    half = tmp_path / "half.mp4"
    half.write_bytes(whole[: whole.index(b"moov") - 4])
    assert look(half) == Opaque(OpaqueReason.NO_TRACK_TABLE)
    half.write_bytes(whole[:-20])
    looked = look(half)
    assert not isinstance(looked, Media) or looked.audio


def test_a_segment_that_stands_alone_has_the_tracks_of_its_header(films: Path, tmp_path: Path) -> None:
    whole = (films / "sound-fragmented.mp4").read_bytes()
    cut = whole.index(b"moof") - 4
    segment = tmp_path / "1789717270.m4s"
    segment.write_bytes(whole[cut:])
    assert look(segment) == Opaque(OpaqueReason.NO_TRACK_TABLE)
    (tmp_path / "init.mp4").write_bytes(whole[:cut])
    media = look(segment)
    assert isinstance(media, Media)
    assert media.audio


def test_one_film_with_sound_is_sound_of_the_whole_event(films: Path, tmp_path: Path) -> None:
    event = tmp_path / "232362"
    event.mkdir()
    (event / "00001-capture.jpg").write_bytes(b"\xff\xd8")
    assert look_at_event(bytes(tmp_path), b"232362") == Media("pictures", video=False, audio=False)
    shutil.copy(films / "silent-plain.mp4", event / "232362-video.mp4")
    silent = look_at_event(bytes(tmp_path), b"232362")
    assert isinstance(silent, Media)
    assert not silent.audio
    (event / "other.mp4").write_bytes(b"\0\0\0\x08ftyp")
    assert look_at_event(bytes(tmp_path), b"232362") == Opaque(OpaqueReason.NO_TRACK_TABLE)
    shutil.copy(films / "sound-film.mkv", event / "export.mkv")
    loud = look_at_event(bytes(tmp_path), b"232362")
    assert isinstance(loud, Media)
    assert loud.audio


def test_links_and_other_files_are_not_opened(films: Path, tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to(films / "sound-plain.mp4")
    (tmp_path / "away").symlink_to(films)
    (tmp_path / "dir.mp4").mkdir()
    assert look(tmp_path / "link.mp4") == Opaque(OpaqueReason.UNREADABLE)
    assert look(tmp_path / "dir.mp4") == Opaque(OpaqueReason.UNREADABLE)
    assert look_at_file(bytes(tmp_path), b"away", b"sound-plain.mp4") == Opaque(OpaqueReason.UNREADABLE)
    assert look_at_file(bytes(tmp_path), b"../" + films.name.encode(), b"x") == Opaque(OpaqueReason.UNREADABLE)
    assert look(tmp_path / "none.mp4") == Opaque(OpaqueReason.GONE)
