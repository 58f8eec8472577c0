"""What holds for every test: how properties are searched, and that interrupts reach what the tests start."""

import signal

import pytest
from hypothesis import HealthCheck, settings

_ALIKE = settings(
    deadline=None,  # a busy machine is no failure
    database=None,  # nothing is left on the disk
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("retentiond", _ALIKE, derandomize=True)
"""The same examples each time: whoever changes nothing breaks nothing."""
settings.register_profile("search", _ALIKE)
"""Other examples each time: `make search`."""
settings.load_profile("retentiond")


def pytest_configure() -> None:
    """Take SIGINT and SIGHUP as usual: a runner in the background has them ignored, and children inherit that."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what waits longest, so that no long test is left for the end while other workers are idle."""
    first = ("tests/system", "tests/integration", "tests/property")
    items.sort(key=lambda item: next((rank for rank, part in enumerate(first) if part in str(item.path)), len(first)))
