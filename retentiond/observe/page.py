"""The status page: plain HTML without scripts, every value escaped.

It prints what was measured, never a verdict, and of findings only what everybody may read (I10).
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from retentiond.domain import instants
from retentiond.domain.finding import Finding, FindingKind
from retentiond.observe.discretion import in_public
from retentiond.observe.status import overdue
from retentiond.ports import HoldStatus, IncidentStatus, Snapshot, StoreStatus

_STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;"
    "padding:0 1rem}table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.25rem .75rem .25rem 0;"
    "border-bottom:1px solid #8886;vertical-align:top}code{overflow-wrap:anywhere}"
)

STYLE_SOURCE = "'sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode() + "'"
"""What a Content-Security-Policy has to name so that this one style applies and no other does."""


def render_page(snapshot: Snapshot | None) -> str:
    """Return the page; before the first snapshot it says that nothing is known yet."""
    body = "<p>The first snapshot is not taken yet.</p>" if snapshot is None else "".join(_sections(snapshot))
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="60">'
        f"<title>retentiond</title><style>{_STYLE}</style></head><body><h1>retentiond</h1>{body}"
        '<p><a href="/metrics">metrics</a> · <a href="/api/status">status as JSON</a></p></body></html>\n'
    )


def _sections(snapshot: Snapshot) -> Iterable[str]:
    yield _summary(snapshot)
    yield "<h2>Findings</h2>" + _findings(snapshot.findings)
    if snapshot.holds:
        yield "<h2>Holds</h2>" + _holds(snapshot.holds)
    if snapshot.incidents:
        yield "<h2>Incidents</h2>" + _incidents(snapshot.incidents)
    for store in snapshot.stores:
        yield _store(store)


def _summary(snapshot: Snapshot) -> str:
    violations = sum(
        finding.key.kind in {FindingKind.PROHIBITED_ASSIGNMENT, FindingKind.PROHIBITED_COVERAGE}
        for finding in snapshot.findings
    )
    head = snapshot.head
    rows = (
        ("Measured at", _time(snapshot.taken_at)),
        ("Running since", _time(snapshot.started_at)),
        ("Mode", snapshot.mode),
        ("Overdue recordings", str(overdue(snapshot))),
        ("Devices that see or hear a prohibited room", str(violations)),
        ("Clock", f"{snapshot.clock_state}, {'' if snapshot.synchronised else 'not '}synchronised"),
        ("Audit trail", f"{head.size} records, {'signed' if head.signed else 'not signed'}"),
        ("Root at that size", head.root.hex()),
        ("Last heartbeat on the record", _time(snapshot.heartbeat_at)),
        ("Policy digest", snapshot.policy_digest),
        ("Register digest", snapshot.register_digest),
    )
    cells = (
        f'<tr><th scope="row">{escape(name)}</th><td><code>{escape(value)}</code></td></tr>' for name, value in rows
    )
    return "<table>" + "".join(cells) + "</table>"


def _findings(findings: Sequence[Finding]) -> str:
    if not findings:
        return "<p>No open findings.</p>"
    rows = (
        (item.severity.value, item.key.kind.value, item.key.subject, item.message, item.remedy)
        for item in map(in_public, findings)
    )
    return _table(("Severity", "Kind", "About", "What", "What to do"), rows)


def _holds(holds: Sequence[HoldStatus]) -> str:
    rows = (
        (item.ident, "yes" if item.approved else "no", _time(item.effective_until), _time(item.review_at))
        for item in holds
    )
    return _table(("Hold", "Approved by another", "Ends", "To be looked at again"), rows)


def _incidents(incidents: Sequence[IncidentStatus]) -> str:
    rows = (
        (
            item.ident,
            item.stage,
            str(item.recordings),
            _time(item.found_at),
            _time(item.notify_by),
            _time(item.ends_at),
        )
        for item in incidents
    )
    return _table(("Incident", "Stage", "Recordings", "Found", "72 hours end", "Suspended until"), rows)


def _scanning(store: StoreStatus) -> str:
    if store.scan is None:
        return ""
    whole = "" if store.scan.expected is None else f" of about {store.scan.expected}"
    return f", scanning now: {store.scan.directories}{whole} directories"


def _store(store: StoreStatus) -> str:
    waiting = "" if store.waiting is None else f" Waiting for approval: {store.waiting.count}, run {store.waiting.run}."
    facts = (
        f"{store.condition}; {store.recordings} recordings, {store.unclassified} unclassified names,"
        f" {store.uncovered} not covered by a rule, {store.suspended} kept past their deadline by holds."
        f" Last complete scan: {_time(store.last_scan)}{_scanning(store)}."
        f" Next due: {_time(store.next_due)}.{waiting}"
    )
    rows = (
        (
            item.stream.camera,
            item.stream.category.value,
            str(item.recordings),
            _time(item.oldest),
            _time(item.newest),
            "none" if item.period_s is None else f"{item.period_s / 86_400:g} d",
            str(item.overdue),
        )
        for item in store.streams
    )
    columns = ("Camera", "Category", "Recordings", "Oldest", "Newest", "Deletion period", "Overdue")
    return f"<h2>Store {escape(store.name)}</h2><p>{escape(facts)}</p>" + _table(columns, rows)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _time(instant: datetime | None) -> str:
    return "never" if instant is None else instants.to_text(instant)
