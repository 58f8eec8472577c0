"""Short real films, made by ffmpeg: every container, with and without a track of sound."""

import subprocess
from pathlib import Path

_FRAGMENTED = ("-movflags", "frag_keyframe+empty_moov+default_base_moof")
_MPEG4 = ("-c:v", "mpeg4", "-g", "5")
FORMS: dict[str, tuple[str, tuple[str, ...]]] = {
    "plain.mp4": ("mp4", _MPEG4),
    "faststart.mp4": ("mp4", (*_MPEG4, "-movflags", "+faststart", "-metadata", "creation_time=2026-09-18T07:41:10Z")),
    "fragmented.mp4": ("mp4", (*_MPEG4, *_FRAGMENTED)),
    "delayed.mp4": ("mp4", (*_MPEG4, "-movflags", "frag_keyframe+delay_moov", "-frag_duration", "200000")),
    "film.mov": ("mov", _MPEG4),
    "film.mkv": ("matroska", (*_MPEG4, "-metadata", "creation_time=2026-09-18T07:41:10Z")),
    "live.mkv": ("matroska", (*_MPEG4, "-live", "1")),
    "film.ts": ("mpegts", _MPEG4),
    "film.m2ts": ("mpegts", (*_MPEG4, "-mpegts_m2ts_mode", "1")),
    "film.avi": ("avi", _MPEG4),
}


def make_clip(path: Path, form: str, *, sound: bool, seconds: float = 1.2) -> Path:
    """Make a film of a test picture in one of the `FORMS`."""
    container, options = FORMS[form]
    video = ("-f", "lavfi", "-i", f"testsrc=size=64x48:rate=10:duration={seconds}")
    audio = ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=16000:duration={seconds}") if sound else ()
    codec = ("-c:a", "mp2" if container in {"mpegts", "avi"} else "aac") if sound else ()
    command = ("ffmpeg", "-nostdin", "-v", "error", "-y", *video, *audio, *options, *codec, "-f", container, str(path))
    subprocess.run(command, check=True, capture_output=True, timeout=120)
    return path
