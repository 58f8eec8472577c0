"""The machine's clocks."""

import ctypes
from datetime import UTC, timedelta
from pathlib import Path

import pytest

from retentiond.domain.errors import StorageError
from retentiond.observe.system_clock import LinuxClock, _Timex, is_synchronised, kernel_maxerror_us, read_boot_id
from retentiond.ports import SystemClock


def test_a_reading_is_aware_and_never_goes_back() -> None:
    clock: SystemClock = LinuxClock(read_boot_id())
    first, second = clock.read(), clock.read()
    assert first.wall.tzinfo is UTC
    assert timedelta() < first.since_boot <= second.since_boot
    assert first.boot_id == second.boot_id == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def test_the_time_since_boot_agrees_with_the_kernel() -> None:
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert abs(LinuxClock("x").read().since_boot.total_seconds() - uptime) < 2


def test_the_kernel_tells_its_bound_on_the_error() -> None:
    maxerror = kernel_maxerror_us()
    assert maxerror is not None
    assert 0 <= maxerror <= 16_000_000


def test_the_bound_lies_where_the_c_library_puts_it() -> None:
    word = ctypes.sizeof(ctypes.c_long)
    assert _Timex.maxerror.offset == 3 * word  # after modes (padded), offset and freq, as in <sys/timex.h>
    assert ctypes.sizeof(_Timex) >= 208


@pytest.mark.parametrize(
    ("maxerror_us", "synchronised"),
    [(0, True), (15_999_999, True), (16_000_000, False), (17_000_000, False), (-1, False), (None, False)],
)
def test_synchronised_means_an_error_below_16_s(maxerror_us: int | None, synchronised: bool) -> None:
    assert is_synchronised(maxerror_us) is synchronised


@pytest.mark.parametrize("content", [None, "", "\n"])
def test_a_boot_that_cannot_be_told_is_an_error_and_no_new_boot(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "boot_id"
    if content is not None:
        path.write_text(content)
    with pytest.raises(StorageError, match=r"boot_id.*mount"):
        read_boot_id(str(path))
