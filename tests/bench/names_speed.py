"""How many names a layout reads in a second, on one core. `python -m tests.bench.names_speed`.

Beside it what others do for each file: `datetime.strptime`, and a regular expression that is compiled each time.
Nothing is asserted: figures are of one machine.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from retentiond.domain.recording import Recognised, StoreName
from retentiond.ports import Entry, EntryKind, Recorder
from retentiond.recorders.configured import Setup
from retentiond.recorders.frigate import build_frigate
from retentiond.recorders.template import build_template
from retentiond.recorders.viseron import build_viseron
from tests.bench.tables import PERFORMANCE, host, put, table

STORE = StoreName("main")
ZONE = ZoneInfo("Europe/Tallinn")
BEGIN = datetime(2026, 9, 18, 7, tzinfo=UTC)
_LAYOUT = "{camera}/%Y-%m-%d/%H-%M-%S.mp4"

Listed = list[tuple[bytes, list[Entry]]]


def entries(names: list[str]) -> list[Entry]:
    return [Entry(name.encode(), EntryKind.FILE) for name in names]


def of_frigate() -> Listed:
    """10-second segments of 8 cameras over two days."""
    names = entries([f"{minute:02d}.{second:02d}.mp4" for minute in range(60) for second in range(1, 60, 10)])
    hours = [BEGIN + timedelta(hours=hour) for hour in range(48)]
    return [(f"recordings/{hour:%Y-%m-%d/%H}/cam-{camera}".encode(), names) for hour in hours for camera in range(8)]


def of_template() -> Listed:
    """One file a minute of 8 cameras over 12 days, in local time."""
    names = entries([f"{minute // 60:02d}-{minute % 60:02d}-07.mp4" for minute in range(1440)])
    return [
        (f"cam-{camera}/{BEGIN + timedelta(days=day):%Y-%m-%d}".encode(), names)
        for camera in range(8)
        for day in range(12)
    ]


def of_viseron() -> Listed:
    """5-second segments of 8 cameras over a day, each camera in one directory."""
    first = int(BEGIN.timestamp())
    names = entries([f"{first + 5 * number}.m4s" for number in range(17_280)])
    return [(f"segments/cam-{camera}".encode(), names) for camera in range(8)]


def rate(recorder: Recorder, listed: Listed) -> float:
    """Return names a second, the best of five."""
    count = sum(len(names) for _, names in listed)
    best = 0.0
    for _ in range(5):
        begun = time.perf_counter()
        for directory, names in listed:
            sightings = recorder.classify(directory, names)
            assert isinstance(sightings[0], Recognised)
        best = max(best, count / (time.perf_counter() - begun))
    return best


def plain(count: int, work: Callable[[str], object]) -> float:
    name = "2026-09-18/10-00-07.mp4"
    begun = time.perf_counter()
    for _ in range(count):
        work(name)
    return count / (time.perf_counter() - begun)


def by_strptime(name: str) -> datetime:
    return datetime.strptime(name, "%Y-%m-%d/%H-%M-%S.mp4").replace(tzinfo=ZONE).astimezone(UTC)


def by_fresh_expression(name: str) -> object:
    re.purge()
    return re.compile(r"(\d{4})-(\d\d)-(\d\d)/(\d\d)-(\d\d)-(\d\d)\.mp4").fullmatch(name)


def main() -> None:
    setup = Setup(STORE, "/srv/store", ZONE)
    rows: list[tuple[object, ...]] = [
        ("frigate", int(rate(build_frigate(setup), of_frigate()))),
        (f"template `{_LAYOUT}`", int(rate(build_template(STORE, ZONE, (_LAYOUT,)), of_template()))),
        ("viseron", int(rate(build_viseron(setup), of_viseron()))),
        ("beside: `strptime` for each name", int(plain(50_000, by_strptime))),
        ("beside: an expression compiled for each name", int(plain(5_000, by_fresh_expression))),
    ]
    text = table(("names of", "names a second, one core"), rows)
    put("names-speed", f"{text}\n{host()}.\n", document=PERFORMANCE)


if __name__ == "__main__":
    main()
