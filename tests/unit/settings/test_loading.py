"""Files are read only if nobody else could have written them (acceptance case 50)."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.settings.files import read_safely
from retentiond.settings.load import load_register_file, load_settings, warnings
from tests.builders import a_device, a_register
from tests.unit.settings.texts import SETTINGS, changed, settings_of

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives a file to another user, which needs root")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "etc"
    folder.mkdir(mode=0o755)
    path = folder / "retentiond.yml"
    path.write_text(SETTINGS)
    path.chmod(0o640)
    yield path
    folder.chmod(0o755)


def refusal(path: Path) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(str(path))
    return str(caught.value)


def test_a_file_of_ours_is_read(config: Path) -> None:
    assert load_settings(str(config)).register == str(config.parent / "register.yml")


@pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
def test_a_file_that_others_may_write_is_refused_with_the_chmod(config: Path, mode: int) -> None:
    config.chmod(mode)
    assert f"{config}: others may write it (mode {mode:04o}); run: chmod go-w {config}" in refusal(config)


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
def test_a_directory_that_others_may_write_is_refused_with_the_chmod(config: Path, mode: int) -> None:
    config.parent.chmod(mode)
    assert f"run: chmod go-w {config.parent}" in refusal(config)


def test_a_directory_on_the_way_may_be_writable_only_if_it_is_sticky(config: Path) -> None:
    above = config.parent.parent
    above.chmod(0o1777)
    load_settings(str(config))
    above.chmod(0o777)
    assert f"run: chmod go-w {above}" in refusal(config)
    above.chmod(0o700)


@needs_root
def test_a_file_or_directory_of_somebody_else_is_refused(config: Path) -> None:
    os.chown(config, 12345, -1)
    assert f"chown root {config}" in refusal(config)
    os.chown(config, 0, -1)
    os.chown(config.parent, 12345, -1)
    assert f"chown root {config.parent}" in refusal(config)


@needs_root
def test_a_sticky_directory_of_somebody_else_is_refused(config: Path) -> None:
    above = config.parent.parent
    above.chmod(0o1777)
    os.chown(above, 12345, -1)
    try:
        assert f"chown root {above}" in refusal(config)
    finally:
        os.chown(above, 0, -1)


def test_every_directory_is_looked_at_that_a_link_leads_through(config: Path) -> None:
    """Who may write the directory of a link can make it lead elsewhere; its target being safe is not enough."""
    loose = config.parent.parent / "loose"
    loose.mkdir()
    (loose / "etc").symlink_to("../etc")
    through = loose / "etc" / "retentiond.yml"
    assert load_settings(str(through)).controller
    loose.chmod(0o777)
    assert f"run: chmod go-w {loose}" in refusal(through)
    loose.chmod(0o755)
    config.parent.chmod(0o777)
    assert f"run: chmod go-w {config.parent}" in refusal(through)


@needs_root
def test_a_link_of_somebody_else_on_the_way_is_refused(config: Path) -> None:
    link = config.parent.parent / "link"
    link.symlink_to(config.parent)
    os.chown(link, 12345, -1, follow_symlinks=False)
    assert f"{link}: belongs to another user (uid 12345), who could change it; run: chown -h root {link}" in refusal(
        link / "retentiond.yml"
    )


def test_links_in_a_circle_are_refused(config: Path) -> None:
    (config.parent / "a").symlink_to("b")
    (config.parent / "b").symlink_to("a")
    assert "cannot be opened" in refusal(config.parent / "a" / "retentiond.yml")


@pytest.mark.parametrize("path", ["./etc/../etc/retentiond.yml", "etc//retentiond.yml", "etc/retentiond.yml"])
def test_a_relative_path_is_followed_from_here(config: Path, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(config.parent.parent)
    assert read_safely(path) == config.read_bytes()
    config.parent.chmod(0o777)
    with pytest.raises(ConfigurationError) as caught:
        read_safely(path)
    assert caught.value.problems == (
        f"{config.parent}: others may write it (mode 0777); run: chmod go-w {config.parent}",
    )


def test_a_name_cannot_forge_a_line(config: Path) -> None:
    assert "\n" not in refusal(config.with_name("a\nb: fine"))


def test_a_link_is_refused(config: Path) -> None:
    link = config.with_name("link.yml")
    link.symlink_to(config)
    assert "is a symbolic link" in refusal(link)


def test_a_pipe_is_refused_without_waiting_for_a_writer(config: Path) -> None:
    pipe = config.with_name("pipe.yml")
    os.mkfifo(pipe, 0o600)
    assert "is no regular file" in refusal(pipe)


def test_a_directory_is_refused(config: Path) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    assert "is no regular file" in refusal(config.parent)
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_file_of_two_gibibytes_is_refused_without_reading_it(config: Path) -> None:
    os.truncate(config, 2 << 30)
    assert "is larger than 1 MiB" in refusal(config)


def test_a_file_that_is_not_there_is_told_with_the_way_to_make_one(config: Path) -> None:
    assert "retentiond config init" in refusal(config.with_name("none.yml"))


def test_every_unsafe_thing_is_told_at_once(config: Path) -> None:
    config.chmod(0o666)
    config.parent.chmod(0o777)
    with pytest.raises(ConfigurationError) as caught:
        read_safely(str(config))
    assert len(caught.value.problems) == 2


def test_the_digest_of_a_register_is_that_of_its_bytes(config: Path) -> None:
    path = config.with_name("register.yml")
    path.write_bytes(b"rooms: []\ndevices: []\n")
    path.chmod(0o640)
    assert load_register_file(str(path)).digest == hashlib.sha256(b"rooms: []\ndevices: []\n").hexdigest()


def test_a_missing_store_and_unknown_names_are_warnings() -> None:
    text = changed("    deletion_period", "    cameras: [reception, ghost]\n    rooms: [attic]\n    deletion_period")
    settings = settings_of(changed("/srv/recordings", "/srv/no-such-disk-here", text))
    register = a_register(a_device(known_as=[("main", "reception"), ("elsewhere", "x")]))
    told = "\n".join(warnings(settings, register))
    assert "/srv/no-such-disk-here" in told
    assert "'ghost'" in told
    assert "'attic'" in told
    assert "'elsewhere'" in told
    assert "'reception'" not in told


def test_what_is_known_and_there_gives_no_warning(tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    assert warnings(settings_of(changed("/srv/recordings", str(store))), a_register(a_device())) == ()
