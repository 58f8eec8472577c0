"""A password lies in a file of its own, which not everybody may read, and is shown nowhere."""

import os
from pathlib import Path

import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.sources.credentials import Credentials, read_certificates, read_credentials


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "onvif"


def write(place: Path, data: bytes, mode: int = 0o640) -> str:
    place.write_bytes(data)
    place.chmod(mode)
    return str(place)


@pytest.mark.parametrize("data", ["reader:a:b ü".encode(), b"reader:a:b \xc3\xbc\n", b"reader:a:b \xc3\xbc\r\n"])
def test_one_line_says_who_asks(place: Path, data: bytes) -> None:
    found = read_credentials(write(place, data))
    assert (found.user, found.password) == ("reader", "a:b ü")


def test_a_password_is_not_shown() -> None:
    assert "s3cret" not in repr(Credentials("reader", "s3cret"))


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "has to be one line: user:password"),
        (b"reader", "has to be one line: user:password"),
        (b":password", "has to be one line: user:password"),
        (b"a:b\nc:d\n", "has to be one line: user:password"),
        (b"a:b\x1b[2J", "has to be one line: user:password"),
        (b"a:\xff", "is not UTF-8"),
        (b"a:" + b"x" * 5000, "is no file of one line"),
    ],
)
def test_what_is_no_such_line_is_refused_and_not_shown(place: Path, data: bytes, told: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_credentials(write(place, data))
    assert caught.value.problems[0].startswith(f"{place}: {told}")


@pytest.mark.parametrize("mode", [0o644, 0o602, 0o641])
def test_what_everybody_may_touch_is_refused_with_what_to_run(place: Path, mode: int) -> None:
    with pytest.raises(ConfigurationError, match="run: chmod 0640"):
        read_credentials(write(place, b"a:b", mode))


def test_what_is_not_there_or_no_file_is_told(place: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_credentials(str(place))
    os.mkfifo(place, 0o600)
    with pytest.raises(ConfigurationError, match="is no file of one line"):
        read_credentials(str(place))


def test_what_holds_no_certificates_vouches_for_nobody(place: Path) -> None:
    for data in (
        b"",
        b"x",
        b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        b"\xff",
        b"#" * (2 << 20),
    ):
        with pytest.raises(ConfigurationError, match="holds no certificates in PEM form"):
            read_certificates(write(place, data))
    with pytest.raises(ConfigurationError, match=r"everybody may write it; run: chmod o-w "):
        read_certificates(write(place, b"x", 0o646))
    place.unlink()
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_certificates(str(place))
    os.mkfifo(place, 0o600)
    with pytest.raises(ConfigurationError, match="holds no certificates"):
        read_certificates(str(place))
