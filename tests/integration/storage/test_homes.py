"""Where a recording goes back to when its directory is gone, and somebody interferes."""

import os
from contextlib import ExitStack
from pathlib import Path

import pytest

from retentiond.domain.recording import Place
from retentiond.storage.beneath import with_openat2
from retentiond.storage.homes import Homes
from retentiond.storage.syscalls import load_system_calls

PLACE = Place(b"cam/day", b"1.mp4")


@pytest.mark.parametrize("other", ["filled", "open to others", "of another user"])
def test_a_directory_exchanged_as_it_is_made_gets_no_new_rights(tmp_path: Path, other: str) -> None:
    """Whoever can write above could have us give him a directory that is not his."""
    (tmp_path / "cam").mkdir(mode=0o777)
    (tmp_path / "cam").chmod(0o777)
    stranger = tmp_path / "stranger"
    stranger.mkdir(mode=0o700)
    match other:
        case "filled":
            (stranger / "precious").write_bytes(b"precious")
        case "open to others":
            stranger.chmod(0o750)
        case _:
            if os.getuid() != 0:
                pytest.skip("giving a directory away needs root")
            os.chown(stranger, 65534, 65534)
    before = os.stat(stranger)
    open_plainly = with_openat2(load_system_calls())

    def open_after_an_exchange(directory: int, path: bytes) -> int:
        if path == b"day" and stranger.exists() and (tmp_path / "cam" / "day").exists():
            os.rename(tmp_path / "cam" / "day", tmp_path / "made")
            os.rename(stranger, tmp_path / "cam" / "day")
        return open_plainly(directory, path)

    with ExitStack() as held:

        def hold(descriptor: int) -> int:
            held.callback(os.close, descriptor)
            return descriptor

        store = hold(os.open(tmp_path, os.O_RDONLY))
        homes = list(Homes(open_after_an_exchange, store, hold).of(PLACE, b"run-0", None))
        above = [os.stat(f"/proc/self/fd/{home.directory}").st_ino for home in homes]
    after = os.stat(tmp_path / "cam" / "day")
    assert (after.st_ino, after.st_mode, after.st_uid) == (before.st_ino, before.st_mode, before.st_uid)
    assert {home.name for home in homes} == {b"1.mp4.restored-run-0"}
    assert above == [os.stat(tmp_path / "cam").st_ino, os.stat(tmp_path).st_ino]
