"""Where a store may lie (acceptance cases 44 and 48)."""

import os
from pathlib import Path

import pytest

from tests.unit.settings.texts import SETTINGS, changed, problems_of, settings_of


def with_path(text: str) -> str:
    return changed("path: /srv/recordings", f"path: {text}")


def with_stores(*paths: Path | str, state: Path | str = "/var/lib/retentiond") -> str:
    stores = "".join(f"  - {{name: s{n}, path: {path}, recorder: motion}}\n" for n, path in enumerate(paths))
    return f"{SETTINGS.partition('stores:')[0]}stores:\n{stores}register: register.yml\nstate: {state}\n"


@pytest.mark.parametrize(
    "text",
    [
        '""',
        "/",
        "/home",
        "/srv",
        "/data",
        ".",
        "..",
        '"~"',
        "~/rec",
        "$REC",
        "/srv/$REC",
        "recordings",
        "./recordings",
        '"/srv/recordings\\n"',
        '"/srv/rec\\0x"',
        "/srv/../etc",
        "/srv//recordings",
        "/srv/./recordings",
        "//srv/recordings",
        "/etc/recordings",
        "/usr/share/recordings",
        "/proc/1",
        "/sys/x/y",
        "/var/lib",
        "/var/log",
        "/dev/shm",
    ],
)
def test_what_is_no_place_for_a_store_is_refused_on_its_line(text: str) -> None:
    (problem,) = problems_of(with_path(text))
    assert problem.startswith("f.yml:7: stores[0].path: ")


@pytest.mark.parametrize("text", ["/srv/recordings", "/var/lib/motion", "/mnt/disk1", "/media/cctv"])
def test_an_ordinary_directory_is_a_place_whether_it_exists_or_not(text: str) -> None:
    assert settings_of(with_path(text)).stores[0].path == text


def test_a_slash_at_the_end_means_nothing() -> None:
    assert settings_of(with_path("/srv/recordings/")).stores[0].path == "/srv/recordings"


def test_a_link_is_refused_with_the_path_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "real" / "store").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (problem,) = problems_of(with_path(str(tmp_path / "link" / "store")))
    assert f"{tmp_path / 'link'} is a symbolic link" in problem
    assert str(tmp_path / "real" / "store") in problem


@pytest.mark.parametrize(
    ("one", "other"), [("/srv/a", "/srv/a"), ("/srv/a", "/srv/a/b"), ("/srv/a/b", "/srv/a"), ("/srv/a/", "/srv/a")]
)
def test_stores_that_overlap_are_refused(one: str, other: str) -> None:
    (problem,) = problems_of(with_stores(one, other))
    assert problem.startswith("f.yml:7: stores[1]: ")
    assert "overlaps with the store 's0'" in problem


def test_stores_side_by_side_are_fine_even_if_one_name_begins_like_the_other() -> None:
    assert len(settings_of(with_stores("/srv/a", "/srv/ab", "/srv/b/a")).stores) == 3


@pytest.mark.parametrize("state", ["/srv/a", "/srv/a/state", "/srv/deep"])
def test_a_store_and_the_state_are_kept_apart(state: str) -> None:
    path = "/srv/deep/store" if state == "/srv/deep" else "/srv/a"
    (problem,) = problems_of(with_stores(path, state=state))
    assert problem.startswith("f.yml:6: stores[0]: ")
    assert "state directory" in problem


def test_a_state_that_leads_into_a_store_through_a_link_is_refused(tmp_path: Path) -> None:
    store = tmp_path / "store"
    (store / "inner").mkdir(parents=True)
    (tmp_path / "state").symlink_to(store / "inner")
    assert os.path.realpath(tmp_path) == str(tmp_path)
    (problem,) = problems_of(with_stores(store, state=tmp_path / "state"))
    assert "state directory" in problem


@pytest.mark.parametrize("text", ["/", "/etc", "/usr/lib/state", "//var/x", "/var/$STATE"])
def test_the_state_lies_in_no_system_directory_either(text: str) -> None:
    problems_of(SETTINGS + f"state: {text}\n")


@pytest.mark.parametrize("text", ["~/register.yml", "$REGISTER", '"register.yml\\n"'])
def test_the_path_of_a_file_is_not_expanded_either(text: str) -> None:
    problems_of(changed("register: register.yml", f"register: {text}"))
