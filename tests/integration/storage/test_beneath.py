"""Both ways of opening what lies below a store."""

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retentiond.storage.beneath import OpenBeneath, with_components, with_openat2
from retentiond.storage.syscalls import load_system_calls
from tests.integration.storage.disk import mounted, needs_root

CALLS = load_system_calls()
WAYS = {"openat2": with_openat2(CALLS), "components": with_components(CALLS)}


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> OpenBeneath:
    return WAYS[request.param]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "cam" / "day").mkdir(parents=True)
    descriptor = os.open(tmp_path, os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def test_a_directory_below_opens(way: OpenBeneath, store: int, tmp_path: Path) -> None:
    descriptor = way(store, b"cam/day")
    assert os.path.samestat(os.fstat(descriptor), os.stat(tmp_path / "cam" / "day"))
    os.close(descriptor)


@pytest.mark.parametrize("path", [b"/etc", b"..", b"cam/..", b"cam/../cam", b".", b"cam//day", b"cam/", b"cam\0x"])
def test_no_path_leads_up_or_out(way: OpenBeneath, store: int, path: bytes) -> None:
    with pytest.raises(OSError) as caught:
        way(store, path)
    assert caught.value.errno == errno.EINVAL


@pytest.mark.parametrize("path", [b"link", b"link/day", b"cam/up/etc"])
def test_no_link_is_followed(way: OpenBeneath, store: int, tmp_path: Path, path: bytes) -> None:
    (tmp_path / "link").symlink_to("cam")
    (tmp_path / "cam" / "up").symlink_to("/")
    with pytest.raises(OSError) as caught:
        way(store, path)
    assert caught.value.errno in {errno.ELOOP, errno.ENOTDIR}


@pytest.mark.privileged
@needs_root
@pytest.mark.parametrize("kind", ["tmpfs", "bind"])
def test_another_mount_is_not_entered(way: OpenBeneath, store: int, tmp_path: Path, kind: str) -> None:
    what = ("-t", "tmpfs", "none") if kind == "tmpfs" else ("--bind", str(tmp_path / "cam"))
    with mounted(tmp_path / "mount", *what):
        with pytest.raises(OSError) as caught:
            os.close(way(store, b"mount"))
        assert caught.value.errno == errno.EXDEV


def test_refusals_leave_no_descriptor_open(way: OpenBeneath, store: int, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("cam")
    before = len(os.listdir("/proc/self/fd"))
    for path in (b"link", b"nothing", b"cam/nothing", b"..") * 5:
        with pytest.raises(OSError):
            way(store, path)
    assert len(os.listdir("/proc/self/fd")) == before
