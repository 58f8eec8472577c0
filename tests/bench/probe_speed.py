"""How fast a film is looked into, beside ffprobe and PyAV. `python -m tests.bench.probe_speed --directory DISK`.

Films of each container, made by ffmpeg; hot. PyAV is measured where it is installed (`pip install av`). Nothing is
asserted: figures are of one machine.
"""

import argparse
import importlib
import importlib.util
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from retentiond.domain.media import Media
from retentiond.domain.recording import Place, StoreName, Unit
from retentiond.probe.opening import look_at_file
from retentiond.probe.process import WorkerProbe
from tests.bench.tables import PERFORMANCE, host, put, table
from tests.clips import make_clip

FORMS = ("plain.mp4", "faststart.mp4", "fragmented.mp4", "film.mkv", "film.ts")
MAIN = StoreName("main")


def median_ms(work: Callable[[], object], rounds: int) -> float:
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def by_ffprobe(path: Path) -> None:
    command = ("ffprobe", "-v", "error", "-show_entries", "stream=codec_type", "-of", "csv", str(path))
    subprocess.run(command, check=True, capture_output=True)


def by_pyav(path: Path) -> None:
    av = importlib.import_module("av")
    with av.open(str(path)) as film:
        assert film.streams.video


def looked(root: Path, name: str) -> None:
    assert isinstance(look_at_file(bytes(root), b"", name.encode()), Media)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where to work; a directory on the disk that is meant")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long the films are")
    chosen = parser.parse_args()
    has_pyav = importlib.util.find_spec("av") is not None
    rows: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory(dir=chosen.directory) as made:
        root = Path(made)
        probe = WorkerProbe({MAIN: made})
        for form in FORMS:
            path = make_clip(root / form, form, sound=True, seconds=chosen.seconds)
            place = Place(b"", form.encode())
            here = median_ms(lambda form=form: looked(root, form), 2000)  # type: ignore[misc]
            asked = median_ms(lambda place=place: probe.look(MAIN, place, Unit.FILE), 500)  # type: ignore[misc]
            peer = median_ms(lambda path=path: by_ffprobe(path), 15)  # type: ignore[misc]
            pyav = f"{median_ms(lambda path=path: by_pyav(path), 200):.3f} ms" if has_pyav else "not installed"  # type: ignore[misc]
            rows.append((form, f"{here:.3f} ms", f"{asked:.3f} ms", pyav, f"{peer:.1f} ms"))
        probe.stop()
    text = table(("film", "here", "through the worker", "PyAV", "ffprobe"), rows)
    note = f"Medians; films of {chosen.seconds:g} s with sound, hot. {host()}.\n"
    put("probe-speed", f"{text}\n{note}", document=PERFORMANCE)


if __name__ == "__main__":
    main()
