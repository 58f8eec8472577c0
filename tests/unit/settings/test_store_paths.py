"""Where a store and our own files may lie (acceptance cases 44 and 48). All paths are checked in one way."""

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


@pytest.mark.parametrize(
    "text",
    [
        *("/", "/etc", "/usr/lib/state", "//var/x", "/var/$STATE", "/state", "/var/lib", "/etc/retentiond", "/proc/1"),
        *("/var/lib/../x", "~/state", "state", ".", '"/srv/state "', '"/srv/state\\n"', '"/srv/\\u200Bstate"'),
    ],
)
def test_the_state_lies_in_no_system_directory_either(text: str) -> None:
    (problem,) = problems_of(SETTINGS + f"state: {text}\n")
    assert problem.startswith("f.yml:10: state: ")


@pytest.mark.parametrize("text", ["/run/retentiond", "/var/run/retentiond", "/dev/shm/state"])
def test_the_state_is_not_lost_at_boot(text: str) -> None:
    (problem,) = problems_of(SETTINGS + f"state: {text}\n")
    assert problem.startswith("f.yml:10: state: ")


@pytest.mark.parametrize("text", ["/var/lib/other", "/srv/state", "/tmp/x/state", "/home/cctv/state"])
def test_an_ordinary_directory_holds_the_state(text: str) -> None:
    assert settings_of(SETTINGS + f"state: {text}/\n").state == text


@pytest.mark.parametrize(
    "text", ["x.sock", "~/x.sock", "/", "/x.sock", "/run", "/run/../x", "/run//x", "$RUN/x", "//x/y"]
)
@pytest.mark.parametrize("key", ["socket: {}", "audit: {{key: '{}'}}"])
def test_the_paths_of_socket_and_key_are_absolute_and_plain(key: str, text: str) -> None:
    (problem,) = problems_of(SETTINGS + key.format(text) + "\n")
    assert problem.startswith("f.yml:10: ")


def test_what_stands_for_the_path_of_the_key_is_not_shown() -> None:
    """It might be the key, pasted."""
    for text in ("c2VjcmV0LWtleQ==", '"-----BEGIN PRIVATE KEY-----\\nc2VjcmV0LWtleQ==\\n"', "/a/../c2VjcmV0LWtleQ=="):
        assert "c2VjcmV0" not in "".join(problems_of(SETTINGS + f"audit: {{key: {text}}}\n"))


@pytest.mark.parametrize(
    "text",
    [
        *("~/register.yml", "$REGISTER", '"register.yml\\n"', '" register.yml"', "./register.yml", "../register.yml"),
        *("..", ".", "/", "//x/y", "a//b", "a/", "a/../b", '"a\\0"', '"a\\u200b"'),
    ],
)
def test_the_path_of_a_file_is_not_expanded_either(text: str) -> None:
    (problem,) = problems_of(changed("register: register.yml", f"register: {text}"))
    assert problem.startswith("f.yml:9: register: ")
    (problem,) = problems_of(changed("recorder: motion", f"recorder: motion\n    recorder_config: {text}"))
    assert problem.startswith("f.yml:9: stores[0].recorder_config: ")


@pytest.mark.parametrize("text", ["..register.yml", "sub/register.yml", "/srv/etc/register.yml", "a b.yml", "ünï.yml"])
def test_a_plain_path_of_a_file_is_taken(text: str) -> None:
    assert settings_of(changed("register: register.yml", f"register: {text}")).register.endswith(f"/{text.lstrip('/')}")


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("socket: /srv/recordings/x.sock", "the control socket"),
        ("audit: {key: /srv/recordings/deep/audit.key}", "the signing key"),
    ],
)
def test_no_file_of_ours_lies_in_a_store(line: str, what: str) -> None:
    (problem,) = problems_of(SETTINGS + line + "\n")
    assert problem.startswith("f.yml:6: stores[0]: ")
    assert what in problem


def test_the_register_lies_in_no_store() -> None:
    (problem,) = problems_of(changed("register: register.yml", "register: /srv/recordings/register.yml"))
    assert "the register '/srv/recordings/register.yml' overlap; keep them apart" in problem


def test_a_store_in_another_is_found_whatever_stands_between_them() -> None:
    paths = ["/srv/a/b/c", "/srv/a-b", "/srv/a.b", "/srv/ab", "/srv/a/b", "/srv/z"]
    (problem,) = problems_of(with_stores(*paths))
    assert problem.startswith("f.yml:10: stores[4]: ")
    assert "overlaps with the store 's0' at '/srv/a/b/c'" in problem
