"""The signing key: who may read it, and what is never done to it."""

import base64
import os
import stat
import subprocess
from pathlib import Path

import pytest

from retentiond.audit.keys import load_signer, make_key, read_keys, remember_key
from retentiond.domain.errors import CannotCreateError, NotPermittedError, StorageError
from retentiond.tlog.key import Signer, format_vkey
from tests.integration.audit.disk_trail import ORIGIN, SIGNER, DiskTrail, needs


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "audit.key")


def test_a_new_key_is_readable_by_its_owner_alone_and_loads(path: str) -> None:
    vkey = make_key(path, ORIGIN)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    signer = load_signer(path, ORIGIN)
    assert signer is not None
    assert format_vkey(signer.key) == vkey
    assert vkey.startswith(f"{ORIGIN}+")


def test_two_keys_differ(tmp_path: Path) -> None:
    assert make_key(str(tmp_path / "a"), ORIGIN) != make_key(str(tmp_path / "b"), ORIGIN)


def test_a_key_is_never_replaced(path: str) -> None:
    make_key(path, ORIGIN)
    with open(path, "rb") as file:
        before = file.read()
    with pytest.raises(CannotCreateError, match="there is a key already"):
        make_key(path, ORIGIN)
    with open(path, "rb") as file:
        assert file.read() == before


def test_a_dangling_link_is_not_taken_for_a_free_place(path: str, tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", path)
    with pytest.raises(CannotCreateError):
        make_key(path, ORIGIN)
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(CannotCreateError, match="is not there yet"):
        make_key(str(tmp_path / "missing" / "key"), ORIGIN)
    with pytest.raises(CannotCreateError, match="cannot be made"):
        make_key(str(tmp_path / ("k" * 300)), ORIGIN)


def test_an_origin_that_cannot_name_a_key_is_said(path: str) -> None:
    with pytest.raises(CannotCreateError, match=r"audit\.origin 'a b' cannot name a key"):
        make_key(path, "a b")
    assert not os.path.exists(path)


def test_without_a_key_nothing_signs(path: str) -> None:
    assert load_signer(path, ORIGIN) is None


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604, 0o602, 0o700, 0o666, 0o4600])
def test_a_key_that_others_may_read_is_refused_with_the_command_to_run(path: str, mode: int) -> None:
    make_key(path, ORIGIN)
    os.chmod(path, mode)
    with pytest.raises(NotPermittedError, match=f"mode {mode:04o}") as caught:
        load_signer(path, ORIGIN)
    command = str(caught.value).split("run: ")[1]
    subprocess.run(command, shell=True, check=True)
    assert load_signer(path, ORIGIN) is not None


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_key_for_its_owner_alone_loads(path: str, mode: int) -> None:
    make_key(path, ORIGIN)
    os.chmod(path, mode)
    assert load_signer(path, ORIGIN) is not None


@pytest.mark.privileged
@pytest.mark.parametrize(("owner", "allowed"), [(0, True), (4711, False)])
def test_a_group_may_read_a_key_only_if_root_owns_it(path: str, owner: int, allowed: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to give a file away")
    make_key(path, ORIGIN)
    os.chown(path, owner, 0)
    os.chmod(path, 0o640)
    if allowed:
        assert load_signer(path, ORIGIN) is not None
        return
    with pytest.raises(NotPermittedError):
        load_signer(path, ORIGIN)


def test_a_link_a_directory_and_a_pipe_are_no_keys(path: str, tmp_path: Path) -> None:
    make_key(str(tmp_path / "real"), ORIGIN)
    os.symlink("real", path)
    with pytest.raises(StorageError, match="cannot be read"):
        load_signer(path, ORIGIN)
    for make in (os.mkdir, os.mkfifo):
        os.rename(path, tmp_path / f"away-{make.__name__}")
        make(path)
        with pytest.raises(NotPermittedError, match="ordinary file"):
            load_signer(path, ORIGIN)


@pytest.mark.parametrize("data", [b"", b"zz", b"00" * 31, b"00" * 33, b"\xff" * 32, b"x" * 4096])
def test_a_file_that_is_no_key_is_said(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
    os.chmod(path, 0o600)
    with pytest.raises(StorageError, match="this is no signing key"):
        load_signer(path, ORIGIN)


def test_the_public_halves_are_remembered_once_each_with_their_first_size(tmp_path: Path) -> None:
    other = Signer.from_seed(ORIGIN, bytes(32))
    for signer, size in ((SIGNER, 0), (SIGNER, 5), (other, 7), (SIGNER, 9)):
        remember_key(str(tmp_path), signer, size)
    assert read_keys(str(tmp_path)) == {format_vkey(SIGNER.key): 0, format_vkey(other.key): 7}


def test_keys_that_are_none_are_named_with_their_line(tmp_path: Path) -> None:
    remember_key(str(tmp_path), SIGNER, 0)
    with (tmp_path / "keys").open("a") as file:
        file.write("something else\n")
    with pytest.raises(StorageError, match="keys, line 2: is no key"):
        read_keys(str(tmp_path))


def test_openssl_verifies_a_head_with_the_public_half_alone(tmp_path: Path) -> None:
    needs("openssl")
    disk = DiskTrail(tmp_path / "audit", signer=SIGNER)
    disk.fill(2)
    text, _, signature = (disk.path / "checkpoint").read_text().rpartition("\n\n")
    vkey = (disk.path / "keys").read_text().split(" ")[0]
    prefix = bytes.fromhex("302a300506032b6570032100")  # SubjectPublicKeyInfo of Ed25519
    (tmp_path / "key.der").write_bytes(prefix + base64.b64decode(vkey.split("+", 2)[2])[1:])
    (tmp_path / "text").write_text(f"{text}\n")
    (tmp_path / "signature").write_bytes(base64.b64decode(signature.split(" ")[2])[4:])
    command = "openssl pkeyutl -verify -rawin -pubin -keyform DER -inkey key.der -in text -sigfile signature"
    run = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in run.stdout
    (tmp_path / "text").write_text(f"{text}\n".replace("\n3\n", "\n4\n"))
    run = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode != 0
