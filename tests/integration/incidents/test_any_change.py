"""Whatever is prohibited when, and whatever was recorded: the incident covers what overlaps, and nothing else."""

import os
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.incidents.clinic import CARE, HOUR, YARD, Clinic, a_clinic
from tests.world import BEGIN

MINUTE = timedelta(minutes=1)
FIRST = BEGIN - 12 * HOUR

minutes = st.integers(0, 11 * 60)
"""Minutes after FIRST, all of them before now."""

takes = st.lists(st.tuples(st.sampled_from([CARE, YARD]), minutes, st.integers(1, 90)), max_size=12)
times = st.tuples(minutes, st.one_of(st.none(), st.integers(1, 300)))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(takes, times, st.one_of(st.none(), minutes))
def test_an_incident_covers_what_overlaps_a_prohibited_time_of_a_room_that_the_device_was_in(
    takes: list[tuple[str, int, int]], prohibited: tuple[int, int | None], moved: int | None
) -> None:
    begin = FIRST + prohibited[0] * MINUTE
    end = None if prohibited[1] is None else begin + prohibited[1] * MINUTE
    hangs_until = None if moved is None else FIRST + moved * MINUTE
    with tempfile.TemporaryDirectory(prefix="retentiond-") as directory:
        clinic = Clinic(Path(directory))
        clinic.start()
        try:
            for camera, minute, length in takes:
                path = clinic.record(camera, FIRST + minute * MINUTE)
                ended = (FIRST + (minute + length) * MINUTE).timestamp()
                os.utime(path, (ended, ended))
            clinic.scan()
            clinic.load(a_clinic(since=begin, until=end, hangs_until=hangs_until))
            last = min(item for item in (end, hangs_until, BEGIN + HOUR) if item is not None)
            expected = {
                (camera, start) for camera, start, over in _last_takes(takes) if _overlaps(start, over, begin, last)
            }
            expected = {item for item in expected if item[0] == CARE}
            rows = [row for item in clinic.incidents.values() for row in clinic.cycle._incidents.recordings(item.reach)]
            assert {(row.stream.camera, row.start) for row in rows} == expected
        finally:
            clinic.stop()


def _last_takes(takes: list[tuple[str, int, int]]) -> list[tuple[str, datetime, datetime]]:
    """Return what is on the disk: of two recordings with one name the later one written."""
    there = {(camera, minute): length for camera, minute, length in takes}
    return [
        (camera, FIRST + minute * MINUTE, FIRST + (minute + length) * MINUTE)
        for (camera, minute), length in there.items()
    ]


def _overlaps(start: datetime, over: datetime, begin: datetime, last: datetime) -> bool:
    return start < last and over > begin and begin < last
