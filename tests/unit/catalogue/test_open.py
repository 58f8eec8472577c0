"""Opening the catalogue: whose file it is, what damage costs, and that nothing whole is thrown away."""

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from retentiond.catalogue.open import (
    KEPT_ASIDE,
    move_aside,
    open_catalogue,
    open_in_memory,
    open_or_rebuild,
    open_read_only,
)
from retentiond.catalogue.sqlite import SqliteCatalogue
from retentiond.domain.errors import CatalogueDamagedError, StorageError
from retentiond.domain.recording import Recording
from retentiond.ports import Arrived, DirectoryStamp, Listing
from tests.builders import NOW, STORE, a_plan, a_stream, recordings, wait_for

REMEDY = "only an index and is rebuilt by the next scan; what is due then waits for approval"


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "catalogue.db")


@pytest.fixture
def filled(path: str) -> str:
    """A catalogue of 2,000 recordings, closed."""
    with open_catalogue(path) as catalogue:
        fill(catalogue, recordings(2000))
    return path


def fill(catalogue: SqliteCatalogue, items: list[Recording]) -> None:
    listing = Listing(items[0].place.directory, DirectoryStamp(1, 1, 1), ())
    catalogue.update(STORE, listing, [Arrived(item, NOW) for item in items], (), ())


def count(catalogue: SqliteCatalogue) -> int:
    return catalogue.census(STORE).recordings


def overwrite(path: str, offset: int, data: bytes) -> None:
    with Path(path).open("r+b") as file:
        file.seek(offset)
        file.write(data)


def ruin_the_content(path: str) -> None:
    """Overwrite all pages but the first, so that the file still opens."""
    with open(path, "rb") as file:
        page = int.from_bytes(file.read(18)[16:])
    overwrite(path, page, b"\xa5" * (os.path.getsize(path) - page))


# --- a whole file -----------------------------------------------------------------------------------------------


def test_what_was_written_is_there_at_the_next_opening(filled: str) -> None:
    with open_catalogue(filled) as catalogue:
        assert count(catalogue) == 2000
        assert catalogue.quick_check() == ()
        assert not catalogue.rebuilt


def killed(filled: str, copy: Path) -> str:
    """Leave a catalogue of 1,500 recordings as a process leaves it that is killed."""
    with open_catalogue(filled) as catalogue:
        catalogue.forget(recordings(500), trail_seq=500)
        for suffix in ("", "-wal"):
            shutil.copy(filled + suffix, f"{copy}{suffix}")
    return str(copy)


def test_what_was_written_survives_a_kill(filled: str, tmp_path: Path) -> None:
    with open_or_rebuild(killed(filled, tmp_path / "copy.db")) as catalogue:
        assert (count(catalogue), catalogue.trail_position(), catalogue.rebuilt) == (1500, 500, False)


def test_the_file_is_readable_by_the_group_and_by_nobody_else(path: str) -> None:
    before = os.umask(0o077)
    try:
        with open_catalogue(path) as catalogue:
            fill(catalogue, recordings(1))
            modes = {stat.S_IMODE(os.stat(path + suffix).st_mode) for suffix in ("", "-wal", "-shm")}
    finally:
        os.umask(before)
    assert modes == {0o640}


def test_commits_do_not_wait_for_the_disk_but_are_in_a_journal(path: str) -> None:
    with open_catalogue(path), closing(sqlite3.connect(path)) as beside:
        assert beside.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert os.path.exists(f"{path}-wal")


def test_a_catalogue_in_memory_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with open_in_memory() as catalogue:
        fill(catalogue, recordings(3))
        assert count(catalogue) == 3
    assert list(tmp_path.iterdir()) == []


# --- a damaged file ---------------------------------------------------------------------------------------------


def test_a_file_that_is_no_database_is_refused_with_a_remedy(path: str) -> None:
    Path(path).write_bytes(b"no database at all" * 500)
    with pytest.raises(CatalogueDamagedError, match=REMEDY) as raised, open_catalogue(path):
        pass
    assert path in str(raised.value)


def test_a_catalogue_of_another_version_is_refused_and_begun_anew(filled: str) -> None:
    with closing(sqlite3.connect(filled)) as database:
        database.execute("PRAGMA user_version=99")
    with pytest.raises(CatalogueDamagedError, match="it is of version 99"), open_catalogue(filled):
        pass
    with open_or_rebuild(filled) as catalogue:
        assert (count(catalogue), catalogue.rebuilt) == (0, True)


@pytest.mark.parametrize("kept", [50, 3000, 40_000])
def test_a_truncated_catalogue_is_begun_anew(filled: str, kept: int) -> None:
    os.truncate(filled, kept)
    damaged = Path(filled).read_bytes()
    with open_or_rebuild(filled) as catalogue:
        assert (count(catalogue), catalogue.rebuilt) == (0, True)
        fill(catalogue, recordings(5))
    assert Path(f"{filled}.corrupt-1").read_bytes() == damaged
    with open_or_rebuild(filled) as catalogue:
        assert (count(catalogue), catalogue.rebuilt) == (5, False)


def test_damage_below_a_journal_is_found_at_the_start_after_a_kill(filled: str, tmp_path: Path) -> None:
    path = killed(filled, tmp_path / "copy.db")
    os.truncate(path, 5000)
    with open_or_rebuild(path) as catalogue:
        assert (count(catalogue), catalogue.rebuilt) == (0, True)


def test_the_journal_of_a_damaged_catalogue_goes_aside_with_it(filled: str, tmp_path: Path) -> None:
    path = killed(filled, tmp_path / "copy.db")
    journal = Path(f"{path}-wal").read_bytes()
    move_aside(path)
    assert Path(f"{path}.corrupt-1-wal").read_bytes() == journal
    with open_or_rebuild(path) as catalogue:
        assert count(catalogue) == 0


def test_only_so_many_damaged_catalogues_are_kept(path: str) -> None:
    for number in range(KEPT_ASIDE + 2):
        Path(path).write_bytes(b"%d" % number * 2000)
        with open_or_rebuild(path) as catalogue:
            assert catalogue.rebuilt
    kept = {name: Path(f"{path}.corrupt-{name}").read_bytes()[:1] for name in range(1, KEPT_ASIDE + 1)}
    assert kept == {1: b"0", 2: b"1", 3: b"4"}
    assert not os.path.exists(f"{path}.corrupt-{KEPT_ASIDE + 1}")


def test_damage_that_shows_in_use_is_an_error_and_the_next_start_begins_anew(filled: str) -> None:
    ruin_the_content(filled)
    with open_or_rebuild(filled) as catalogue:
        assert not catalogue.rebuilt
        with pytest.raises(CatalogueDamagedError, match=REMEDY) as raised:
            catalogue.newest(a_stream())
        assert catalogue.found_damaged
    assert filled in str(raised.value)
    assert os.path.exists(f"{filled}.corrupt-1")
    with open_or_rebuild(filled) as catalogue:
        fill(catalogue, recordings(4))
        assert count(catalogue) == 4


def test_a_check_tells_what_is_wrong(filled: str) -> None:
    ruin_the_content(filled)
    with open_catalogue(filled) as catalogue:
        assert catalogue.quick_check() != ()
        assert catalogue.found_damaged


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE stream SET category='smell'",
        "UPDATE stream SET current='{'",
        "UPDATE stream SET current='{}'",
        "UPDATE plan SET why='because'",
    ],
)
def test_a_value_that_was_never_written_is_damage(filled: str, statement: str) -> None:
    with open_catalogue(filled) as catalogue:
        wait_for(catalogue, a_plan(), recordings(1))
    with closing(sqlite3.connect(filled)) as database, database:
        database.execute(statement)
    with open_catalogue(filled) as catalogue, pytest.raises(CatalogueDamagedError, match="never written"):
        catalogue.waiting(STORE)
        catalogue.bases(a_stream())
        catalogue.streams(STORE)


# --- what is not damage -----------------------------------------------------------------------------------------


def foreign(path: str) -> bytes:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE recordings (id TEXT)")
    return Path(path).read_bytes()


def test_somebody_elses_database_is_neither_used_nor_moved(path: str, tmp_path: Path) -> None:
    content = foreign(path)
    with pytest.raises(StorageError, match="no catalogue of retentiond and was not touched"), open_or_rebuild(path):
        pass
    with pytest.raises(StorageError, match="was not touched"), open_read_only(path):
        pass
    assert Path(path).read_bytes() == content
    assert [item.name for item in tmp_path.iterdir()] == ["catalogue.db"]


@pytest.mark.parametrize("kind", ["link", "directory"])
def test_only_a_regular_file_is_opened(path: str, tmp_path: Path, kind: str) -> None:
    if kind == "link":
        os.symlink(tmp_path / "elsewhere.db", path)
    else:
        os.mkdir(path)
    with pytest.raises(StorageError, match="no regular file"), open_or_rebuild(path):
        pass
    assert [item.name for item in tmp_path.iterdir()] == ["catalogue.db"]


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    path = str(tmp_path / "gone" / "catalogue.db")
    with (
        pytest.raises(StorageError, match=r"gone/catalogue\.db: the catalogue cannot be opened"),
        open_or_rebuild(path),
    ):
        pass


def test_a_locked_catalogue_is_not_thrown_away(filled: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(sqlite3.connect(filled, isolation_level=None)) as database:
        database.execute("PRAGMA journal_mode=DELETE")
        database.execute("BEGIN EXCLUSIVE")
        real = sqlite3.connect
        monkeypatch.setattr(sqlite3, "connect", lambda path, **named: real(path, **named, timeout=0))
        with pytest.raises(StorageError, match="another process holds it") as raised, open_or_rebuild(filled):
            pass
        monkeypatch.undo()
        assert not isinstance(raised.value, CatalogueDamagedError)
    with open_or_rebuild(filled) as catalogue:
        assert (count(catalogue), catalogue.rebuilt) == (2000, False)


def full(catalogue: SqliteCatalogue) -> Iterator[Recording]:
    """Let the disk be full from now on."""
    catalogue._db.rows("PRAGMA max_page_count=1")
    yield from recordings(20_000)


def test_on_a_full_disk_nothing_of_a_listing_is_taken_in_and_the_catalogue_stays(filled: str) -> None:
    with open_or_rebuild(filled) as catalogue:
        with pytest.raises(StorageError, match="make room on its disk"):
            fill(catalogue, list(full(catalogue)))
        assert count(catalogue) == 2000
        catalogue.forget(recordings(1))
        assert (count(catalogue), catalogue.found_damaged) == (1999, False)


# --- beside a daemon --------------------------------------------------------------------------------------------


def test_a_reader_sees_what_the_writer_wrote_last(filled: str) -> None:
    with open_or_rebuild(filled) as writer, open_read_only(filled) as reader:
        assert count(reader) == 2000
        writer.forget(recordings(10))
        fill(writer, recordings(3, camera="entrance"))
        assert count(reader) == 1993


def test_a_reader_cannot_write(filled: str) -> None:
    with open_or_rebuild(filled), open_read_only(filled) as reader:
        with pytest.raises(StorageError, match="did not do what it was asked"):
            reader.forget(recordings(1))
        assert count(reader) == 2000


def test_a_reader_without_a_daemon_leaves_nothing_behind(filled: str, tmp_path: Path) -> None:
    with open_read_only(filled) as reader:
        assert count(reader) == 2000
    assert [item.name for item in tmp_path.iterdir()] == ["catalogue.db"]


@pytest.mark.privileged
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_a_reader_needs_no_right_to_write_in_the_directory() -> None:
    with TemporaryDirectory() as directory:  # the directories above tmp_path are closed to other users
        os.chmod(directory, 0o755)
        path = f"{directory}/catalogue.db"
        with open_catalogue(path) as writer:
            fill(writer, recordings(3))
            assert read_as_nobody(path) == 3
        assert read_as_nobody(path) == 3


def read_as_nobody(path: str) -> int:
    for entry in os.scandir(os.path.dirname(path)):
        os.chown(entry.path, 0, 65534)
    os.setegid(65534)
    os.seteuid(65534)
    try:
        with open_read_only(path) as reader:
            return count(reader)
    finally:
        os.seteuid(0)
        os.setegid(0)


def test_reading_where_there_is_no_catalogue_makes_none(path: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"catalogue\.db"), open_read_only(path):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_path_of_odd_characters_is_read_as_it_is(tmp_path: Path) -> None:
    odd = tmp_path / "50% of #1?x=y ä"
    odd.mkdir()
    with open_catalogue(str(odd / "catalogue.db")) as catalogue:
        fill(catalogue, recordings(2))
    with open_read_only(str(odd / "catalogue.db")) as reader:
        assert count(reader) == 2


def test_a_reader_beside_the_writer_never_takes_itself_for_the_first(tmp_path: Path) -> None:
    """It would cut the index that the writer has mapped, whose next look at it is then a SIGBUS."""
    path = str(tmp_path / "catalogue.db")
    read = (
        "import sqlite3, sys; reader = sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True);"
        " print(reader.execute(sys.argv[2]).fetchone())"
    )
    with open_catalogue(path):
        before = os.stat(f"{path}-shm").st_size
        done = subprocess.run(
            [sys.executable, "-c", read, path, "SELECT count(*) FROM slot"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "(0,)\n"
        assert os.stat(f"{path}-shm").st_size == before
        lock = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB, 1, 128)"
        taken = subprocess.run([sys.executable, "-c", lock, f"{path}-shm"], capture_output=True, text=True, check=False)
        assert "BlockingIOError" in taken.stderr, "the writer has lost the lock that says it is there"
