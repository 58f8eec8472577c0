"""`retentiond audit show`: the record, a line each, in words or as JSON."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import click

from retentiond import bootstrap
from retentiond.audit.reader import AuditFilter
from retentiond.cli.audit_filter import filters
from retentiond.cli.options import common
from retentiond.cli.render import count_of, local, say
from retentiond.cli.streams import complain, flush, write
from retentiond.domain import instants
from retentiond.domain.event import EventType, Record
from retentiond.domain.names import visible

SCHEMA = "retentiond.audit.record/1"
MOST_NAMED = 20
"""So many cameras are named to somebody who asked for another."""

_Fields: TypeAlias = Mapping[str, Any]
_NOTHING = re.compile(r" \w+ \[\]")
_DIGEST = re.compile(r"[0-9a-f]{64}", re.ASCII)


@click.command("show")
@click.option("--follow", is_flag=True, help="Go on with new records as they are written; Ctrl-C ends.")
@filters
@common
def show(follow: bool, wanted: AuditFilter, config: str, as_json: bool) -> None:
    """Show the records, a line each; with --json one object a line."""
    shown, loaded = 0, bootstrap.load(config)
    try:
        strange = _strange_camera(loaded, wanted) if follow else ""
        if strange:
            complain(f"{strange}; waiting for one")
        for record in bootstrap.read_trail(loaded, wanted, follow=follow):
            shown += 1
            _print(record, as_json=as_json)
            if follow:
                flush()
    except KeyboardInterrupt:
        return
    if not shown:  # on standard error, so that what is read by programs holds records only
        complain(_strange_camera(loaded, wanted) or "no record is like that")


def _strange_camera(loaded: bootstrap.Loaded, wanted: AuditFilter) -> str:
    """Say that no record is about the camera that is wanted, and which there are; empty where there is one."""
    known = () if wanted.camera is None else bootstrap.cameras_on_record(loaded)
    if wanted.camera is None or wanted.camera in known:
        return ""
    more = f" and {len(known) - MOST_NAMED:,} more" if len(known) > MOST_NAMED else ""
    listed = ", ".join(visible(name) for name in known[:MOST_NAMED]) or "none"
    return f"no record is about camera {wanted.camera!r}; on the record are, as recorders call them: {listed}{more}"


def _print(record: Record, *, as_json: bool) -> None:
    if as_json:
        fields = {"schema": SCHEMA, "seq": record.seq, "ts": instants.to_text(record.at), "type": record.type}
        write(json.dumps({**fields, **record.fields}) + "\n")
    else:
        say(f"{record.seq:>8}  {local(record.at)}  {record.type:<20}  {summary(record)}")


def summary(record: Record) -> str:
    """Return what a record says, in one line of words; whatever it holds."""
    words = _WORDS.get(record.type, _all_of)
    try:
        return words(record.fields)
    except (KeyError, TypeError, ValueError, AttributeError):  # of a version that says it otherwise
        return _all_of(record.fields)


def _all_of(fields: _Fields) -> str:
    return "  ".join(f"{key}={_shown(value)}" for key, value in fields.items() if isinstance(value, str | int))


def _shown(value: object) -> str:
    """Return a value for people: an instant in the local zone, a digest by its beginning."""
    text = str(value)
    if _DIGEST.fullmatch(text):
        return f"{text[:8]}…"
    return _time(text) if text.endswith("Z") else text


def _time(text: str | None) -> str:
    try:
        return local(None if text is None else instants.from_text(text))
    except ValueError:
        return str(text)


def _opened(fields: _Fields) -> str:
    return f"opened by version {fields['version']}, origin {fields['origin']}, boot {fields['boot_id']}"


def _policy(fields: _Fields) -> str:
    rules = "; ".join(_NOTHING.sub("", line) for line in str(fields["policy"]).splitlines())
    return f"mode {fields['mode']}, {_shown(fields['digest'])}: {rules}"


def _register(fields: _Fields) -> str:
    rooms, devices = count_of(fields["rooms"], "room"), count_of(fields["devices"], "device")
    changed = f"{count_of(len(fields['added']), 'fact')} added, {len(fields['removed']):,} removed"
    part = f" (part {fields['part']} of {fields['parts']})" if fields["parts"] > 1 else ""
    return f"{rooms}, {devices}, {_shown(fields['digest'])}{part}: {changed}; which, says --json"


def _adopted(fields: _Fields) -> str:
    return f"{fields['store']}: adopted by {fields['actor']}, {fields['fs_type']}, {fields['uuid']}"


def _scanned(fields: _Fields) -> str:
    recordings = count_of(fields["recordings"], "recording")
    return f"{fields['store']}: {recordings}, oldest {_time(fields['oldest'])}, {fields['overdue']:,} overdue"


def _started(fields: _Fields) -> str:
    why = "as approved" if fields["approval"] is not None else "explained by the passing of time"
    return f"{fields['store']}: run {fields['deletion_run']}, {count_of(fields['count'], 'recording')}, {why}"


def _intended(fields: _Fields) -> str:
    run, recordings = fields["deletion_run"], count_of(len(fields["recordings"]), "recording")
    return f"{fields['store']}: run {run}, {recordings} to be deleted"


def _outcome(fields: _Fields) -> str:
    rec = fields["rec"]
    end = fields["why"] if "why" in fields else f"deadline {_time(fields['deadline'])}"
    return f"{fields['store']}/{rec['path']} of {_time(rec['start'])}, {end}"


def _completed(fields: _Fields) -> str:
    counts = ", ".join(f"{fields[key]:,} {key}" for key in ("deleted", "failed", "void", "skipped"))
    reasons = "".join(f"; {item['count']:,} {item['why']}" for item in fields["reasons"])
    return f"{fields['store']}: run {fields['deletion_run']}, {counts}{reasons}"


def _approved(fields: _Fields) -> str:
    recordings, until = count_of(fields["count"], "recording"), _time(fields["expires"])
    return f"{fields['plan']}: {recordings}, approved by {fields['actor']} until {until}"


def _finding(fields: _Fields) -> str:
    return f"{fields['kind']}: {fields.get('message', fields['subject'])}"


def _acknowledged(fields: _Fields) -> str:
    about = f"{fields['kind']}: {fields['subject']}"
    return f"{about}, noted by {fields['actor']} until {_time(fields['until'])}: {fields['why']}"


def _clock(fields: _Fields) -> str:
    ahead = fields["ahead_s"]
    return str(fields["state"]) + (f", the system clock {ahead:+,} s from it" if ahead else "")


def _accepted(fields: _Fields) -> str:
    return f"{_time(fields['wall'])}, typed as {_time(fields['typed'])} by {fields['actor']}"


def _beat(fields: _Fields) -> str:
    stores = "".join(f"; {_seen(item)}" for item in fields["stores"])
    return f"mode {fields['mode']}, {count_of(fields['findings'], 'finding')}{stores}"


def _seen(store: _Fields) -> str:
    recordings = count_of(store["recordings"], "recording")
    return f"{store['store']} {store['condition']}, {recordings}, {store['overdue']:,} overdue"


def _held(fields: _Fields) -> str:
    where = ", ".join([*fields["cameras"], *fields["rooms"]]) or "all cameras"
    span = f"{_time(fields['from'])} to {_time(fields['to'])}"
    count = count_of(fields["covered"]["recordings"], "recording")
    return f"{fields['hold']}: {where}, {span}, {count}, by {fields['actor']}, {fields['ground']}: {fields['reason']}"


def _hold_approved(fields: _Fields) -> str:
    return f"{fields['hold']}: approved by {fields['actor']}, ends {_time(fields['until'])}"


def _hold_extended(fields: _Fields) -> str:
    if "reach" in fields:
        parts = ", ".join(str(part["camera"] or "all cameras") for part in fields["reach"][:5])
        return f"{fields['hold']}: covers more ({fields['why']}): {parts}"
    if fields["until"] is None:
        return f"{fields['hold']}: looked at by {fields['actor']}, again by {_time(fields['review'])}"
    return f"{fields['hold']}: {fields['actor']} asks for it until {_time(fields['until'])}"


def _hold_over(fields: _Fields) -> str:
    by = f"by {fields['actor']}: " if "actor" in fields else ""
    return f"{fields['hold']}: {by}{fields['why']}, {_time(fields['at'])}"


def _incident_opened(fields: _Fields) -> str:
    count = count_of(fields["recordings"], "recording")
    return f"{fields['incident']}: {count} of room {fields['room']}, until {_time(fields['until'])}"


def _incident_changed(fields: _Fields) -> str:
    added, ended = len(fields["added"]), len(fields["ended"])
    return f"{fields['incident']}: covers {added} parts more, {ended} are over ({fields['why']})"


def _incident_decided(fields: _Fields) -> str:
    what = f"{fields['decision']} {count_of(fields['recordings'], 'recording')}"
    why = f": {fields['why']}" if "why" in fields else ""
    return f"{fields['incident']}: {what}, by {fields['actor']}{why}"


def _incident_over(fields: _Fields) -> str:
    counts = ", ".join(f"{key} {fields[key]}" for key in ("recordings", "deleted") if key in fields)
    return f"{fields['incident']}: {counts}, {_time(fields['at'])}"


_WORDS: Mapping[str, Callable[[_Fields], str]] = {
    EventType.AUDIT_OPEN: _opened,
    EventType.POLICY_LOADED: _policy,
    EventType.REGISTER_LOADED: _register,
    EventType.STORE_ADOPTED: _adopted,
    EventType.SCAN_COMPLETED: _scanned,
    EventType.RUN_STARTED: _started,
    EventType.DELETION_INTENT: _intended,
    EventType.RECORDING_DELETED: _outcome,
    EventType.DELETION_FAILED: _outcome,
    EventType.DELETION_VOID: _outcome,
    EventType.RUN_COMPLETED: _completed,
    EventType.APPROVAL_GIVEN: _approved,
    EventType.HOLD_PLACED: _held,
    EventType.HOLD_APPROVED: _hold_approved,
    EventType.HOLD_EXTENDED: _hold_extended,
    EventType.HOLD_RELEASED: _hold_over,
    EventType.HOLD_LAPSED: _hold_over,
    EventType.INCIDENT_OPENED: _incident_opened,
    EventType.INCIDENT_CHANGED: _incident_changed,
    EventType.INCIDENT_DECIDED: _incident_decided,
    EventType.INCIDENT_APPROVED: _incident_decided,
    EventType.INCIDENT_RETURNED: _incident_over,
    EventType.INCIDENT_LAPSED: _incident_over,
    EventType.INCIDENT_CLOSED: _incident_over,
    EventType.FINDING_OPENED: _finding,
    EventType.FINDING_CLOSED: _finding,
    EventType.FINDING_ACKNOWLEDGED: _acknowledged,
    EventType.CLOCK_STATE: _clock,
    EventType.CLOCK_ACCEPTED: _accepted,
    EventType.HEARTBEAT: _beat,
}
