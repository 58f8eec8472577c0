"""The daemon and `check` ask the sources; a change on a device is a finding at the next round."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from retentiond.domain.recording import StoreName
from retentiond.ports import SourceReading, Told, Unreached
from retentiond.sources.rounds import SourceRounds
from tests.integration.sources.device import PASSWORD, USER, Device, plugged_in
from tests.integration.sources.netbox_site import TOKEN, Netbox, a_device, running
from tests.system.harness import Site


class Asked:
    """`DeviceSource` that counts how often it was asked, and has a defect if told to."""

    name, kind = StoreName("cameras"), "onvif"

    def __init__(self, *, defect: bool = False) -> None:
        self.times = 0
        self._defect = defect

    def read(self) -> SourceReading:
        self.times += 1
        if self._defect:
            raise RuntimeError("a defect")
        return SourceReading(unreached=(Unreached(str(self.times), "why"),))


def test_sources_are_asked_at_once_and_then_again_until_the_end() -> None:
    source, twice, heard = Asked(), threading.Event(), list[Told]()

    def tell(told: Told) -> None:
        heard.append(told)
        if len(heard) == 2:
            twice.set()

    rounds = SourceRounds([source], every_s=0.01)
    rounds.start(tell)
    assert twice.wait(60)
    rounds.stop()
    assert [told[0][1].unreached[0].what for told in heard[:2]] == ["1", "2"]


def test_without_a_source_nothing_is_told() -> None:
    rounds = SourceRounds([])
    rounds.start(lambda told: pytest.fail(f"told {told}"))
    rounds.stop()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_one_source_is_told_and_the_others_are_asked_again() -> None:
    good, twice, heard = Asked(), threading.Event(), list[Told]()

    def tell(said: Told) -> None:
        heard.append(said)
        if len(heard) == 2:
            twice.set()

    rounds = SourceRounds([Asked(defect=True), good], every_s=0.01)
    rounds.start(tell)
    assert twice.wait(60)
    rounds.stop()
    for thread in threading.enumerate():
        if thread.name.startswith("sources"):
            thread.join(60)
    for number, told in enumerate(heard[:2], start=1):
        assert "a defect of ours" in told[0][1].unreached[0].why
        assert told[1][1].unreached[0].what == str(number)


REGISTER = """\
rooms: [{{id: hall, class: public}}]
devices:
  - id: d-1
    name: Hall
    kind: camera
    tracks: {{video: true}}
    address: "{0}"
    known_as: {{main: hall}}
    assignments: [{{room: hall}}]
"""


def site_beside(device: Device, root: Path) -> Site:
    site = Site(root, register=REGISTER.format(device.address))
    site.record("hall", datetime.now(UTC))
    secret = root / "onvif"
    secret.write_text(f"{USER}:{PASSWORD}\n")
    secret.chmod(0o600)
    with site.config.open("a") as file:
        file.write(
            f"sources:\n  - {{name: cameras, kind: onvif, addresses: ['{device.address}'], credentials: {secret}}}\n"
        )
    return site


def test_check_asks_the_device_itself_and_shows_no_password(tmp_path: Path) -> None:
    with plugged_in(Device()) as device:
        site = site_beside(device, tmp_path)
        assert "audio_enabled" not in site.run("check").stdout
        device.microphones, device.sound = 1, True
        said = site.run("check").stdout
        assert f"audio_enabled: sound of '{device.address}' may be recorded, by the device itself (cameras)" in said
        (tmp_path / "onvif").write_text(f"{USER}:wrong")
        said = site.run("check").stdout
        assert "refuses user or password" in said
        assert PASSWORD not in said
    assert "source_unreachable" in site.run("check").stdout


def test_check_asks_netbox_and_its_token_is_nowhere(tmp_path: Path) -> None:
    with plugged_in(Device()) as device, running(Netbox([a_device(1, "cam-77")])) as netbox:
        site = site_beside(device, tmp_path)
        secret = tmp_path / "netbox"
        secret.write_text(f"token:{TOKEN}\n")
        secret.chmod(0o600)
        with site.config.open("a") as file:
            file.write(f"  - {{name: netbox, kind: netbox, addresses: ['{netbox.address}'], credentials: {secret}}}\n")
        told = site.run("check")
        assert "unregistered_device: device 'cam-77' of source 'netbox' (NetBox) is not in the register" in told.stdout
        netbox.status = 500
        failed = site.run("check")
        assert "answers with status 500" in failed.stdout
        secret.write_text(f"token:{TOKEN[::-1]}\n")
        refused = site.run("check")
        assert "refuses the token" in refused.stdout
        said = told.stdout + told.stderr + failed.stdout + failed.stderr + refused.stdout + refused.stderr
    secret.unlink()
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for token in (TOKEN, TOKEN[::-1]):
        assert token not in said
        assert token.encode() not in kept


def test_the_daemon_asks_the_device_and_a_silent_one_holds_up_nothing(tmp_path: Path) -> None:
    with plugged_in(Device(microphones=1, sound=True)) as device:
        site = site_beside(device, tmp_path)
        site.accept_clock()
        with site.running():
            site.wait(lambda: "audio_enabled" in site.run("findings", "list").stdout, "the finding about sound")
        with site.running():  # nobody has answered yet when it looks for the first time
            assert "audio_enabled" in site.run("findings", "list").stdout
        assert '"audio_enabled"' not in site.must("audit", "show", "--type", "finding.closed", "--json")
        assert PASSWORD not in (site.root / "daemon.log").read_text()
        assert PASSWORD.encode() not in b"".join(path.read_bytes() for path in site.state.rglob("*.jsonl"))
