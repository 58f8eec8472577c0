"""`retentiond register`: rooms and devices, at any time."""

import csv
import io
import os

import click

from retentiond import bootstrap
from retentiond.cli.findings import finding_fields, print_finding
from retentiond.cli.options import Subcommands, as_json_option, common, emit_json, named
from retentiond.cli.register_show import show_register
from retentiond.cli.register_who import who
from retentiond.cli.render import coloured, count_of, say
from retentiond.cli.streams import write
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.errors import CannotCreateError
from retentiond.domain.placement import check_placement
from retentiond.domain.register import Register
from retentiond.domain.register_facts import FactChanges, compare_facts, facts, texts


@click.group("register", cls=Subcommands)
def command() -> None:
    """Show and check the register of rooms and devices, at any time."""


command.add_command(who)


@command.command("show")
@click.option("--at", metavar="TIME", help="As it stood at TIME. Default: now.")
@common
def show(at: str | None, config: str, as_json: bool) -> None:
    """Show which room has which class, and which device is where, at an instant."""
    loaded = bootstrap.load(config)
    instant = typed_instant("--at", at) if at is not None else bootstrap.wall_now()
    show_register(loaded.register, instant, as_json=as_json)


@command.command("at")
@click.argument("time")
@common
def at_(time: str, config: str, as_json: bool) -> None:
    """Show the register as it stood at TIME."""
    show_register(bootstrap.load(config).register, typed_instant("TIME", time), as_json=as_json)


@command.command("diff")
@click.argument("other", callback=named)
@common
def diff(other: str, config: str, as_json: bool) -> int:
    """Show what differs between the register in force and the file OTHER. Exit 1 if anything does.

    Notes and comments are not compared.
    """
    ours, theirs = _said(bootstrap.load(config).register), _said(bootstrap.load_register(other))
    changes = compare_facts(ours, theirs)
    if as_json:
        emit_json("retentiond.register.diff/1", {"only_here": list(changes.gone), "only_there": list(changes.added)})
    else:
        _say_changes(changes)
    return 0 if ours == theirs else 1


@command.command("validate")
@click.argument("file", callback=named)
@click.option("--at", metavar="TIME", help="Check it as it stands at TIME. Default: now.")
@as_json_option
def validate(file: str, at: str | None, as_json: bool) -> int:
    """Check the register in FILE by itself, before it is put in force. Exit 1 on findings, 78 if it does not load.

    What recorders and disks say about it is not asked; that is `retentiond check`.
    """
    register = bootstrap.load_register(file)
    instant = typed_instant("--at", at) if at is not None else bootstrap.wall_now()
    found = check_placement(register, (), instant)
    if as_json:
        counts = {"rooms": len(register.rooms), "devices": len(register.devices)}
        findings = [finding_fields(item) for item in found]
        emit_json("retentiond.register.validate/1", {"at": instants.to_text(instant), **counts, "findings": findings})
        return 1 if found else 0
    for item in found:
        print_finding(item)
    rooms, devices = count_of(len(register.rooms), "room"), count_of(len(register.devices), "device")
    say(coloured(f"it loads: {rooms}, {devices}", "good") if not found else f"it loads: {rooms}, {devices}")
    return 1 if found else 0


@command.command("export")
@click.argument("table", type=click.Choice(["rooms", "devices"]))
@click.option("--excel", "for_excel", is_flag=True, help="As spreadsheets in Europe open it without asking.")
@common
def export(table: str, for_excel: bool, config: str, as_json: bool) -> None:
    """Write the rooms or devices as CSV: a row for each class of a room, or for each assignment of a device."""
    text = bootstrap.export_table(bootstrap.load(config), table, for_excel=for_excel and not as_json)
    if as_json:
        emit_json("retentiond.register.export/1", {"rows": list(csv.DictReader(io.StringIO(text, newline="")))})
    else:
        write(text)


@command.command("import")
@click.argument("table", type=click.Choice(["rooms", "devices"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--out", metavar="FILE", required=True, callback=named, help="Where to write the new register.")
@common
def import_(table: str, file: str, out: str, config: str, as_json: bool) -> None:
    """Put the rooms or devices of the CSV file FILE into a new register, and show what changes.

    The register in force is not touched. Rooms and devices that the table does not name stay as they are; the rows of
    one that it names are its whole history. Review the new register, then put it in the place of the old one.
    """
    loaded = bootstrap.load(config)
    text, register = bootstrap.import_table(loaded, table, file)
    _write_new(out, text)
    changes = compare_facts(_said(loaded.register), _said(register))
    if as_json:
        fields = {"out": out, "only_here": list(changes.gone), "only_there": list(changes.added)}
        emit_json("retentiond.register.import/1", fields)
        return
    _say_changes(changes)
    if changes.gone:
        say("The rows of a room or device are its whole history: what is marked - is not said any more.")
    say(f"wrote {out}; review it, then put it in the place of the register")


def _said(register: Register) -> frozenset[str]:
    return facts(register) | texts(register)


def _write_new(path: str, text: str) -> None:
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o644)
    except FileExistsError as error:
        raise CannotCreateError(f"{path}: exists already; move it away, or write elsewhere with --out") from error
    except OSError as error:
        raise CannotCreateError(f"{path}: cannot be written ({error.strerror}); write elsewhere with --out") from error


# --- what is shown --------------------------------------------------------------------------------------------


def _say_changes(changes: FactChanges) -> None:
    for line in changes.gone:
        say(f"- {line}")
    for line in changes.added:
        say(f"+ {line}")
    if not changes.gone and not changes.added:
        say("the registers say the same")
