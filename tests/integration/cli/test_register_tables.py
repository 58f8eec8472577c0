"""`register export` and `import`: tables out of the register, and into a new one."""

from retentiond.domain.register_facts import facts
from tests.integration.cli.place import Place
from tests.unit.settings.texts import register_of


def test_a_table_goes_out_and_comes_back_into_a_new_file(fresh: Place) -> None:
    table, out = fresh.root / "devices.csv", fresh.root / "new.yml"
    table.write_text(fresh.call("register", "export", "devices").out)
    done = fresh.call("register", "import", "devices", str(table), "--out", str(out))
    assert (done.status, done.err) == (0, "")
    assert done.out.splitlines()[0] == "the registers say the same"
    assert facts(register_of(out.read_text())) == facts(register_of(fresh.register.read_text()))


def test_an_import_says_what_it_changes_and_leaves_the_register_alone(fresh: Place) -> None:
    table, out = fresh.root / "rooms.csv", fresh.root / "new.yml"
    table.write_text("id,class,since\nhall,intimate-care,2026-05-01\n")
    before = fresh.register.read_bytes()
    found = fresh.call_json("register", "import", "rooms", str(table), "--out", str(out))
    assert found["schema"] == "retentiond.register.import/1"
    assert len(found["only_there"]) == 1
    assert "class intimate-care" in found["only_there"][0]
    assert fresh.register.read_bytes() == before
    assert fresh.call("register", "diff", str(out)).status == 1


def test_an_import_tells_of_a_name_too_and_that_rows_are_the_whole_history(fresh: Place) -> None:
    table = fresh.root / "devices.csv"
    table.write_text(
        "id,name\n" + fresh.call("register", "export", "devices").out.splitlines()[1].split(",")[0] + ",x\n"
    )
    done = fresh.call("register", "import", "devices", str(table), "--out", str(fresh.root / "named.yml"))
    lines = done.out.splitlines()
    assert [line[0] for line in lines[:2]] == ["-", "+"]
    assert lines[1].endswith("called 'x'")
    assert lines[2].startswith("The rows of a room or device are its whole history")


def test_a_table_comes_back_as_spreadsheets_leave_it(fresh: Place) -> None:
    """Columns in another order, semicolons, a mark, every cell quoted, other ends of lines, and empty rows."""
    rows = [line.split(",") for line in fresh.call("register", "export", "devices").out.splitlines()]
    lines = [";".join(f'"{cell}"' for cell in reversed(row)) for row in rows] + [";" * (len(rows[0]) - 1)]
    table, out = fresh.root / "devices.csv", fresh.root / "new.yml"
    table.write_bytes(("\ufeff" + "\r\n".join(lines) + "\r\n").encode())
    done = fresh.call("register", "import", "devices", str(table), "--out", str(out))
    assert (done.status, done.out.splitlines()[0]) == (0, "the registers say the same"), done
    assert out.read_text() == fresh.register.read_text()


def test_an_import_writes_over_nothing(fresh: Place) -> None:
    table = fresh.root / "rooms.csv"
    table.write_text("id\nhall\n")
    done = fresh.call("register", "import", "rooms", str(table), "--out", str(fresh.register))
    assert done.status == 73
    assert "exists already" in done.complaints[0]


def test_what_is_wrong_with_a_table_is_told_by_its_lines(fresh: Place) -> None:
    table = fresh.root / "rooms.csv"
    table.write_text("id,class\nhall,pubic\nlab,x\n")
    done = fresh.call("register", "import", "rooms", str(table), "--out", str(fresh.root / "new.yml"))
    assert done.status == 78
    assert [line.split(": ")[1].split(":")[-1] for line in done.complaints] == ["2", "3"]
    assert not (fresh.root / "new.yml").exists()


def test_a_pipe_is_no_table_and_nobody_waits_for_it(fresh: Place) -> None:
    done = fresh.call("register", "import", "rooms", "/dev/zero", "--out", str(fresh.root / "new.yml"))
    assert done.status == 78
    assert "is no regular file" in done.complaints[0]
