"""`retentiond plan`: what is deleted when, and what waits for a person."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import common, emit_json
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, count_of, local, say, table
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.period import duration_text
from retentiond.domain.run import WAIT_TEXT, Plan


@click.command("plan")
@click.option("--at", metavar="TIME", help="As if it were TIME, such as 2026-03-01T12:00:00Z.")
@common
def command(at: str | None, config: str, as_json: bool) -> None:
    """Show what is due, what of it goes by itself, what waits for approval, and when the next falls due.

    With --at a later TIME it shows what will have gone until then. With --config NEW it shows what the rules of
    another configuration would change; nothing is deleted by it.
    """
    loaded = bootstrap.load(config)
    enforcing = loaded.settings.enforcing
    with viewing(loaded) as view:
        now = view.now() if at is None else typed_instant("--at", at)
        outlooks = view.outlook(None if at is None else now)
        trusted = view.trusted()
    if as_json:
        emit_json(
            "retentiond.plan/1",
            {
                "at": instants.to_text(now),
                "runs": [run for item in outlooks for run in _runs(item)],
                "stores": [_store(item) for item in outlooks],
            },
        )
        return
    say(f"at {local(now)}" + ("" if trusted else "   (the clock is not credible yet: nothing is deleted)"))
    if not enforcing:
        say("the daemon observes only, so nothing is deleted; when this looks right, set mode: enforce")
    if not all(item.in_force for item in outlooks):
        say("under rules that are not in force; what they would change is shown for each store")
    for item in outlooks:
        _print(item)


def _runs(item: bootstrap.Outlook) -> list[dict[str, Any]]:
    runs: list[dict[str, Any]] = []
    if item.waiting is not None:
        plan = item.waiting
        runs.append(
            {
                "run": plan.run,
                "store": plan.store,
                "count": plan.count,
                "digest": plan.digest,
                "waiting": True,
                "approved": item.approved,
                "approvable": item.approvable,
                "why": plan.why.value,
            }
        )
    if item.going:
        runs.append(
            {
                "run": f"{item.store}-due",
                "store": item.store,
                "count": item.going,
                "digest": item.going_digest,
                "waiting": False,
                "approved": False,
                "approvable": False,
                "why": "explained",
            }
        )
    return runs


def _store(item: bootstrap.Outlook) -> dict[str, Any]:
    return {
        "store": item.store,
        "condition": item.condition,
        "recordings": item.recordings,
        "scanned": item.scanned,
        "parts": [
            {
                "why": part.why.value,
                "camera": part.camera,
                "count": part.count,
                "oldest": instants.to_text(part.oldest),
                "newest": instants.to_text(part.newest),
            }
            for part in item.parts
        ],
        "refused": [
            {"why": part.why, "count": part.count, "retry_at": instants.to_text(part.retry_at)} for part in item.refused
        ],
        "obstacles": [finding.message for finding in item.obstacles],
        "held": [{"hold": kept.hold, "count": kept.count, "until": instants.to_text(kept.until)} for kept in item.held],
        "next_due": None if item.next_due is None else instants.to_text(item.next_due),
        "upcoming": [{"day": day, "count": count} for day, count in item.upcoming],
        "in_force": item.in_force,
        "changes": [_change(change) for change in item.changes],
    }


def _change(change: bootstrap.Change) -> dict[str, Any]:
    return {
        "camera": change.stream.camera,
        "category": change.stream.category.value,
        "recordings": change.recordings,
        "before_s": [_seconds(period) for period in change.before],
        "after_s": [_seconds(period) for period in change.after],
        "due": change.due,
        "spared": change.spared,
    }


def _seconds(period: timedelta | None) -> int | None:
    return None if period is None else int(period.total_seconds())


def _print(item: bootstrap.Outlook) -> None:
    say()
    say(coloured(f"store {item.store}", "head") + f"   {item.condition}, {count_of(item.recordings, 'recording')}")
    for obstacle in item.obstacles:
        say(coloured(f"  {obstacle.message}", "bad"))
        say(f"    {obstacle.remedy}")
    if not item.scanned:
        say("  the first scan is not complete, so this is not all")
    _print_due(item)
    say(f"  next               {local(item.next_due)}")
    for day, count in item.upcoming:
        say(f"    {day}  {count_of(count, 'recording')}")
    if not item.in_force:
        _print_changes(item)


def _print_due(item: bootstrap.Outlook) -> None:
    """Print what becomes of what is due: what goes, what waits, what could not go, and what is kept."""
    if item.going:
        say(f"  go by themselves   {count_of(item.going, 'recording')}, explained by the passing of time")
    if item.waiting is not None:
        _print_waiting(item, item.waiting)
    for refused in item.refused:
        what, again = count_of(refused.count, "recording"), local(refused.retry_at)
        say(coloured(f"  could not go       {what}", "warn") + f" that {refused.text}; tried again {again}")
    for kept in item.held:
        due = count_of(kept.count, "recording")
        by = "incident" if kept.hold.startswith("I-") else "hold"
        say(f"  kept               {due} that are due, by {by} {kept.hold} until {local(kept.until)} at most")
    if not item.going and item.waiting is None and not item.held:
        say("  nothing is due")


def _print_waiting(item: bootstrap.Outlook, plan: Plan) -> None:
    count = count_of(plan.count, "recording")
    if item.approved:
        left = count_of(sum(part.count for part in item.parts), "recording")
        say(f"  approved           {count}, being carried out; {left} left")
    else:
        say(coloured(f"  wait for approval  {count}", "warn") + f": {WAIT_TEXT[plan.why]}")
    several = len({part.why for part in item.parts}) > 1
    for part in item.parts:
        span = local(part.oldest) if part.oldest == part.newest else f"{local(part.oldest)} to {local(part.newest)}"
        say(f"    {part.camera}: {count_of(part.count, 'recording')}, {span}")
        if several:
            say(f"      because {WAIT_TEXT[part.why]}")
    _print_what_to_type(item, plan)


def _print_changes(item: bootstrap.Outlook) -> None:
    if not item.changes:
        say("  changes nothing here")
        return
    say("  what would change")
    table(
        ("    camera", "category", "recordings", "in force", "then", "due at once", "due no longer"),
        (
            (
                f"    {change.stream.camera}",
                change.stream.category,
                f"{change.recordings:,}",
                _periods(change.before),
                _periods(change.after),
                f"{change.due:,}",
                f"{change.spared:,}",
            )
            for change in item.changes
        ),
    )


def _periods(periods: Sequence[timedelta | None]) -> str:
    return ", ".join("no rule" if period is None else duration_text(period) for period in periods)


def _print_what_to_type(item: bootstrap.Outlook, plan: Plan) -> None:
    if item.approved:
        return
    if item.approvable:
        say("  to release exactly these, once, within 24 hours:")
        say(f"    retentiond approve {plan.run} --count {plan.count} --digest {plan.digest}")
    elif not item.in_force:
        say("  they can be approved once these rules are in force: write them, reload the daemon, and look again")
    else:
        say("  they can be approved once a daemon in mode enforce has adopted the store and found them due itself")
