"""The machine's clocks; the only reader of time in the program."""

import ctypes
import time
from datetime import UTC, datetime, timedelta

from retentiond.domain.clock import ClockReading
from retentiond.domain.errors import StorageError

BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"
_MAXERROR_LIMIT_US = 16_000_000


class _Timex(ctypes.Structure):
    """`struct timex` of the C library (adjtimex(2)) as far as `maxerror`, with room for all that follows."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("rest", ctypes.c_char * 256),
    )


class LinuxClock:
    """`SystemClock` on Linux."""

    def __init__(self, boot_id: str) -> None:
        self._boot_id = boot_id

    def read(self) -> ClockReading:
        return ClockReading(
            wall=datetime.now(UTC),  # noqa: TID251  this is the one place that reads the wall clock
            since_boot=timedelta(microseconds=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000),
            boot_id=self._boot_id,
            synchronised=is_synchronised(kernel_maxerror_us()),
        )


def read_boot_id(path: str = BOOT_ID_FILE) -> str:
    """Return the kernel's id of this boot, to be read once at start.

    A process lives in one boot only. Were it read again and failed once, that would look like a new boot, and the
    whole uptime would be credited a second time: deletions would come early.

    Raises:
        StorageError: /proc is not there or is closed to this user.
    """
    try:
        with open(path, encoding="ascii") as source:
            boot_id = source.read(64).strip()
    except (OSError, ValueError) as error:
        raise StorageError(f"{path}: cannot be read ({error}); mount /proc and let the daemon read it") from error
    if not boot_id:
        raise StorageError(f"{path}: is empty, so boots cannot be told apart; mount the kernel's own /proc")
    return boot_id


def kernel_maxerror_us() -> int | None:
    """Return the kernel's bound on the error of the wall clock in microseconds, None if it does not tell."""
    timex = _Timex()
    try:
        result = ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    except (OSError, AttributeError):
        return None
    return None if result < 0 else int(timex.maxerror)


def is_synchronised(maxerror_us: int | None) -> bool:
    """Tell whether the clock is held by a time server.

    The flag STA_UNSYNC is not asked: chrony without `rtcsync` leaves it set. The error bound grows by 500 ppm
    without a server and is 16 s when nothing ever set the clock, as systemd reads it too.
    """
    return maxerror_us is not None and 0 <= maxerror_us < _MAXERROR_LIMIT_US
