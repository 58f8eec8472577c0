"""The inventory of NetBox is read, met with the register, and never believed further than that."""

import ssl
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pynetbox
import pytest

from retentiond.domain.errors import ConfigurationError
from retentiond.domain.finding import Finding, FindingKind
from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading
from retentiond.services.check_placement import check_rooms
from retentiond.sources.credentials import Credentials, read_certificates
from retentiond.sources.netbox import NOT_THERE, PAGE, NetboxSource
from tests.integration.sources.netbox_site import TOKEN, Netbox, a_device, running
from tests.system.harness import needs
from tests.unit.settings.texts import register_of

ROLES = ("camera", "microphone")


def read(netbox: Netbox, token: str = TOKEN, roles: tuple[str, ...] = ROLES) -> SourceReading:
    with running(netbox):
        return NetboxSource(StoreName("netbox"), netbox.address, roles, lambda: Credentials("token", token)).read()


def refusal(netbox: Netbox, token: str = TOKEN) -> str:
    reading = read(netbox, token)
    assert not reading.complete, "what could not be read shows that nothing is gone"
    (unreached,) = reading.unreached
    assert token not in unreached.why
    return unreached.why


def found(netbox: Netbox, register: str) -> tuple[Finding, ...]:
    with running(netbox):
        source = NetboxSource(StoreName("netbox"), netbox.address, ROLES, lambda: Credentials("token", TOKEN))
        now = datetime.now(UTC)
        return check_rooms(register_of(register), (), (), now, [(source, source.read())]).findings


# --- what it says -------------------------------------------------------------------------------------------------


def test_another_client_understands_the_simulated_netbox() -> None:
    devices = [a_device(1, "cam-1", location="Reception"), a_device(2, "switch", role="switch")]
    with running(Netbox(devices, most_at_once=1)) as netbox:
        client = pynetbox.api(netbox.address, token=TOKEN)
        told = [(item.name, str(item.role), str(item.status)) for item in client.dcim.devices.filter(role=["camera"])]
    assert told == [("cam-1", "Camera", "x")]


@pytest.mark.parametrize("most_at_once", [1, 7, PAGE, 1000])
def test_all_pages_are_read_however_small(most_at_once: int) -> None:
    netbox = Netbox([a_device(number, f"cam-{number}") for number in range(2 * PAGE + 3)], most_at_once=most_at_once)
    reading = read(netbox)
    assert [device.camera for device in reading.seen] == [f"cam-{number}" for number in range(2 * PAGE + 3)]
    assert reading.complete
    assert {command for command, _ in netbox.asked} == {"GET"}


def test_only_devices_that_see_or_hear_and_are_there_are_named() -> None:
    devices = [a_device(number, f"cam-{state}", status=state) for number, state in enumerate(sorted(NOT_THERE))]
    devices += [a_device(10, "cam-off", status="offline"), a_device(11, "switch", role="switch")]
    devices += [a_device(12, "mic", role="microphone")]
    assert [device.camera for device in read(Netbox(devices)).seen] == ["cam-off", "mic"]


def test_a_device_without_a_name_has_what_netbox_calls_it() -> None:
    assert [device.camera for device in read(Netbox([a_device(7, None)])).seen] == ["Device 7"]


def test_a_newer_token_says_so_itself() -> None:
    assert read(Netbox([a_device(1, "cam-1")]), token=f"nbt_{TOKEN}").complete


# --- what it is held to -------------------------------------------------------------------------------------------

REGISTER = """\
rooms: [{id: reception, name: Reception, class: public}, {id: ward, class: intimate-care}]
devices:
  - id: d-1
    name: Hall
    kind: camera
    tracks: {video: true}
    address: 192.0.2.10
    known_as: {netbox: cam-1}
    assignments: [{room: reception}]
"""


def kinds(findings: tuple[Finding, ...]) -> dict[FindingKind, str]:
    return {item.key.kind: item.message for item in findings}


def test_where_both_agree_nothing_is_said() -> None:
    assert found(Netbox([a_device(1, "cam-1", location="Reception", address="192.0.2.10/24")]), REGISTER) == ()


def test_another_room_is_told_and_not_taken_over() -> None:
    told = kinds(found(Netbox([a_device(1, "cam-1", location="Ward")]), REGISTER))
    assert "'reception' by the register, and in 'ward' by NetBox" in told[FindingKind.SOURCES_DISAGREE]
    assert FindingKind.PROHIBITED_ASSIGNMENT not in told, "it is somebody's word against another's"


def test_a_device_that_only_netbox_knows_is_told() -> None:
    told = kinds(found(Netbox([a_device(1, "cam-1"), a_device(2, "cam-2")]), REGISTER))
    assert "device 'cam-2' of source 'netbox' (NetBox) is not in the register" in told[FindingKind.UNREGISTERED_DEVICE]


def test_a_device_of_another_name_is_known_by_its_address() -> None:
    netbox = Netbox([a_device(1, "renamed", address="192.0.2.10/24"), a_device(2, "cam-1", status="active")])
    assert found(netbox, REGISTER) == ()


def test_a_device_that_netbox_knows_no_more_is_told() -> None:
    told = kinds(found(Netbox([a_device(1, "cam-1", status="decommissioning"), a_device(2, "x")]), REGISTER))
    assert "the register says that the source 'netbox' (netbox) knows" in told[FindingKind.SOURCES_DISAGREE]


# --- what goes wrong ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("netbox", "why"),
    [
        (Netbox(status=500), "answers with status 500"),
        (Netbox(status=302), "answers with status 302"),
        (Netbox(raw=b"<html>"), "is no list of NetBox's devices"),
        (Netbox(raw=b"[]"), "is no list of NetBox's devices"),
        (Netbox(raw=b'{"count": 1, "results": [1]}'), "is no list of NetBox's devices"),
        (Netbox(raw=b'{"count": "1", "results": []}'), "is no list of NetBox's devices"),
        (Netbox(raw=b"[" * 100_000), "is no list of NetBox's devices"),
        (Netbox(raw=b'{"count": 5, "results": []}'), "does not come to an end"),
        (Netbox(raw=b'{"count": 99999999, "results": [{"name": "a"}' + b',{"name": "a"}' * 9_999 + b"]}"), "to an end"),
        (Netbox(raw=b"x" * (5 << 20)), "is longer than"),
    ],
    ids=["error", "redirect", "html", "list", "numbers", "text", "deep", "short", "endless", "large"],
)
def test_what_is_no_answer_is_told_and_shows_nothing_gone(netbox: Netbox, why: str) -> None:
    assert why in refusal(netbox)


def test_a_wrong_token_is_told() -> None:
    assert "refuses the token" in refusal(Netbox(), token="f" * 40)


def certified(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """Return what serves under a certificate that nobody knows, and the file with the certificate."""
    needs("openssl")
    command = f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}"
    more = ["-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*command.split(), *more], cwd=folder, capture_output=True, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    (folder / f"{name}.pem").chmod(0o644)
    return context, folder / f"{name}.pem"


def test_a_clinic_may_vouch_for_its_netbox_itself_and_then_nobody_else_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, roots = certified(tmp_path, "ours")
    _, others = certified(tmp_path, "others")

    def asked(vouching: Path | None) -> SourceReading:
        def certificates() -> str:
            return "" if vouching is None else read_certificates(str(vouching))

        who = Credentials("token", TOKEN)
        return NetboxSource(StoreName("netbox"), netbox.address, ROLES, lambda: who, certificates).read()

    with running(Netbox([a_device(1, "cam-1")], secure=context)) as netbox:
        assert asked(roots).complete
        assert "certificate verify failed" in asked(None).unreached[0].why
        monkeypatch.setenv("SSL_CERT_FILE", str(roots))
        assert asked(None).complete
        assert "certificate verify failed" in asked(others).unreached[0].why, "those of the system do not count then"
        assert [len(netbox.asked)] == [2], "nobody has the token whose certificate is not good"
    roots.chmod(0o646)
    assert "chmod o-w" in asked(roots).unreached[0].why


def test_nobody_there_and_no_token_are_told() -> None:
    def none() -> Credentials:
        raise ConfigurationError("no such file")

    for credentials in (none, lambda: None):
        source = NetboxSource(StoreName("netbox"), "http://127.0.0.1:9", ROLES, credentials)
        assert len(source.read().unreached) == 1


def test_strange_fields_are_shown_in_one_line_and_do_no_harm() -> None:
    odd = {"id": 1, "name": "a\nb\x1b[2J", "status": None, "location": [], "primary_ip": {"address": 5}}
    odd["role"] = {"slug": "camera"}
    (device,) = read(Netbox([odd])).seen
    assert (device.camera, device.place, device.address) == ("a?b?[2J", "", "")


@pytest.mark.parametrize("status", [[], {"value": []}, {"value": {}}, {"value": None}, "active", 7])
def test_a_device_in_a_state_that_is_none_is_there(status: object) -> None:
    odd = a_device(1, "cam-1") | {"status": status}
    assert [device.camera for device in read(Netbox([odd, a_device(2, "cam-2")])).seen] == ["cam-1", "cam-2"]
