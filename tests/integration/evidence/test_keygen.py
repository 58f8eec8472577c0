"""Changing the key at the command line: on the record at the next start, and both sign for a while."""

from pathlib import Path

from tests.integration.evidence.desk import Desk


def test_a_rotation_is_begun_by_a_command_and_on_the_record_at_the_next_start(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    assert "no key that could be rotated" in desk.run("audit", "keygen", "--rotate", status=73)
    old = desk.ask("audit", "keygen")["vkey"]
    desk.run("run", "--once", status=1)
    made = desk.ask("audit", "keygen", "--rotate")
    assert made["key"].endswith("audit.key.next")
    assert Path(made["key"]).stat().st_mode & 0o777 == 0o600
    assert "a rotation is under way already" in desk.run("audit", "keygen", "--rotate", status=73)
    desk.run("run", "--once", status=1)
    (rotated,) = [fields for fields in desk.disk.fields() if fields["type"] == "key.rotated"]
    assert (rotated["old"], rotated["new"]) == (old, made["vkey"])
    assert (desk.disk.path / "checkpoint").read_text().count("\u2014 ") == 2
    for vkey in (old, made["vkey"]):
        assert desk.ask("audit", "verify", "--key", vkey)["signed"]
