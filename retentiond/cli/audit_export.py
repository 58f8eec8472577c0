"""`retentiond audit export`: the record in the forms of other systems."""

from collections.abc import Iterable

import click

from retentiond import bootstrap
from retentiond.audit.reader import AuditFilter
from retentiond.cli.audit_filter import filters
from retentiond.cli.options import common, emit_json, named
from retentiond.cli.render import count_of, say
from retentiond.cli.streams import write
from retentiond.domain.errors import CannotCreateError, UsageError

FORMS = ("ocsf", "ecs", "cloudevents", "csv")


@click.command("export")
@click.option("--format", "form", type=click.Choice(FORMS), required=True, help="The form of the export.")
@click.option("--out", metavar="FILE", callback=named, help="Write into this new file. Default: standard output.")
@filters
@common
def export(form: str, out: str | None, wanted: AuditFilter, config: str, as_json: bool) -> None:
    """Write the records in the form of OCSF, ECS or CloudEvents, a JSON object a line, or as CSV."""
    if as_json and out is None:
        raise UsageError("--json tells what was written to a file; name one with --out, or leave --json out")
    lines = bootstrap.export_trail(bootstrap.load(config), wanted, form)
    if out is None:
        for line in lines:
            write(line)
        return
    count = _write_file(out, lines) - (form == "csv")
    if as_json:
        emit_json("retentiond.audit.export/1", {"format": form, "file": out, "records": count})
    else:
        say(f"wrote {count_of(count, 'record')} to {out}")


def _write_file(path: str, lines: Iterable[str]) -> int:
    """Write lines to a file that is not there yet; return how many."""
    count = 0
    try:
        with open(path, "x", encoding="utf-8", newline="") as file:
            for line in lines:
                file.write(line)
                count += 1
    except FileExistsError as error:
        raise CannotCreateError(f"{path}: is there already; move it away, or name another file") from error
    except OSError as error:
        raise CannotCreateError(f"{path}: cannot be written ({error.strerror}); name another file") from error
    return count
