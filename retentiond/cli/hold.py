"""`retentiond hold`: stop the deletion of what has to be kept, for a reason, for a while, with four eyes."""

from typing import Any

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, common, emit_json
from retentiond.cli.progress import viewing
from retentiond.cli.render import coloured, count_of, local, say
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.period import parse_duration
from retentiond.domain.recording import Category
from retentiond.domain.suspension import Ground, Suspension

_GROUNDS = ", ".join(ground.value for ground in Ground)


@click.group("hold", cls=Subcommands)
def command() -> None:
    """Stop deletion of what has to be kept: place, approve, extend, release, list."""


@command.command("place")
@click.option("--camera", "cameras", multiple=True, help="A camera, as its recorder or the register names it.")
@click.option(
    "--room", "rooms", multiple=True, help="A room of the register: what devices in it, or into it, recorded."
)
@click.option("--all-cameras", is_flag=True, help="Everything, instead of --camera and --room.")
@click.option(
    "--category",
    "categories",
    multiple=True,
    type=click.Choice([category.value for category in Category]),
    help="Default: every category.",
)
@click.option("--from", "begin", metavar="TIME", required=True, help="What was recorded from TIME on …")
@click.option("--to", "end", metavar="TIME", required=True, help="… and before TIME. Whole recordings are kept.")
@click.option("--ground", metavar="CODE", required=True, help=f"Why that is allowed: {_GROUNDS}.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, in a few words. No names of persons.")
@click.option("--reference", metavar="TEXT", required=True, help="The number of the case or the request.")
@click.option("--requested-by", metavar="ROLE", required=True, help="Who asked for it: a role, no name of a person.")
@click.option("--requested-at", metavar="TIME", help="When it was asked for. Default: now.")
@click.option(
    "--until", metavar="TIME", required=True, help="When it ends, or after how long, such as 90d; at most 1 year."
)
@click.option(
    "--review", metavar="TIME", help="When somebody has to look at it again, or after how long. Default: 30d."
)
@common
def place(
    cameras: tuple[str, ...],
    rooms: tuple[str, ...],
    all_cameras: bool,
    categories: tuple[str, ...],
    begin: str,
    end: str,
    ground: str,
    reason: str,
    reference: str,
    requested_by: str,
    requested_at: str | None,
    until: str,
    review: str | None,
    config: str,
    as_json: bool,
) -> None:
    """Stop deletion of what was recorded somewhere and sometime. In force when this returns.

    It lapses after 72 hours unless another person, which is another user of this machine, types `hold approve`.
    """
    request = {
        "verb": "hold_place",
        "cameras": list(cameras),
        "rooms": list(rooms),
        "all_cameras": all_cameras,
        "categories": list(categories),
        "from": _instant("--from", begin),
        "to": _instant("--to", end, ends=True),
        "ground": ground,
        "reason": reason,
        "reference": reference,
        "requested_by": requested_by,
        "requested_at": None if requested_at is None else _instant("--requested-at", requested_at),
        "until": _instant_or_length("--until", until),
        "review": None if review is None else _instant_or_length("--review", review),
    }
    answer = bootstrap.ask(bootstrap.load(config), request)
    if as_json:
        emit_json("retentiond.hold.place/1", answer)
        return
    say(f"in force: hold {answer['hold']}")
    _print_covered(answer["covered"])
    say(f"It lapses at {_local(answer['effective_until'])} unless another person types:")
    say(f"  retentiond hold approve {answer['hold']}")


@command.command("approve")
@click.argument("hold")
@common
def approve(hold: str, config: str, as_json: bool) -> None:
    """Agree to HOLD, or to its extension, that another person asked for."""
    answer = bootstrap.ask(bootstrap.load(config), {"verb": "hold_approve", "hold": hold})
    if as_json:
        emit_json("retentiond.hold/1", answer)
    else:
        say(f"approved: hold {answer['hold']}, until {_local(answer['until'])}")


@command.command("extend")
@click.argument("hold")
@click.option(
    "--until", metavar="TIME", help="The later end, or a length from now, such as 90d; at most 1 year from now."
)
@click.option("--review", metavar="TIME", help="When somebody has to look at it again, or after how long.")
@common
def extend(hold: str, until: str | None, review: str | None, config: str, as_json: bool) -> None:
    """Ask for a later end of HOLD, which another person has to approve, or note that you looked at it again."""
    request = {
        "verb": "hold_extend",
        "hold": hold,
        "until": None if until is None else _instant_or_length("--until", until),
        "review": None if review is None else _instant_or_length("--review", review),
    }
    answer = bootstrap.ask(bootstrap.load(config), request)
    if as_json:
        emit_json("retentiond.hold/1", answer)
        return
    if until is None:
        say(f"noted: hold {answer['hold']} is to be looked at again by {_local(answer['review'])}")
        return
    say(f"hold {answer['hold']} ends at {_local(answer['extending'])} once another person types, within 72 hours:")
    say(f"  retentiond hold approve {answer['hold']}")


@command.command("release")
@click.argument("hold")
@click.option("--why", metavar="TEXT", required=True, help="Why it is not needed any more. No names of persons.")
@common
def release(hold: str, why: str, config: str, as_json: bool) -> None:
    """End HOLD now. What it kept and is due is deleted at once."""
    answer = bootstrap.ask(bootstrap.load(config), {"verb": "hold_release", "hold": hold, "why": why})
    if as_json:
        emit_json("retentiond.hold.release/1", answer)
    else:
        say(f"released: hold {answer['hold']}; {count_of(answer['due'], 'recording')} due because of it")


@command.command("list")
@common
def list_(config: str, as_json: bool) -> None:
    """Show the holds in force: what they keep, why, who has agreed, and when they end."""
    with viewing(bootstrap.load(config)) as view:
        held = view.holds(view.now())
    if as_json:
        emit_json("retentiond.holds/1", {"holds": [_fields(item) for item in held]})
        return
    for item in held:
        _print(item)
    if not held:
        say("no hold is in force")


def _print(item: bootstrap.Held) -> None:
    hold = item.suspension
    request, scope = hold.request, hold.request.scope
    where = [*(f"camera {name}" for name in sorted(scope.cameras)), *(f"room {name}" for name in sorted(scope.rooms))]
    what = ", ".join(sorted(scope.categories)) or "everything"
    say(coloured(hold.ident, "head") + f"   {what} of {', '.join(where) or 'all cameras'}")
    say(
        f"  recorded   {local(scope.begin)} to {local(scope.end)}: {count_of(item.recordings, 'recording')} on the disk"
    )
    say(f"  ground     {request.ground}: {request.reason}")
    say(f"  asked for  by {request.requested_by}, {local(request.requested_at)}, reference {request.reference}")
    say(f"  placed     by {hold.placed_by}, {local(hold.placed_at)}")
    say(f"  approved   {_approval(hold)}")
    say(f"  ends       {local(hold.effective_until)}, to be looked at again by {local(hold.review_at)}")


def _approval(hold: Suspension) -> str:
    if hold.approved_by is None:
        return coloured(f"not yet: another person has to type: retentiond hold approve {hold.ident}", "warn")
    if hold.extension is None:
        return f"by {hold.approved_by}"
    waits = f"its extension to {local(hold.extension.until)} waits for: retentiond hold approve {hold.ident}"
    return f"by {hold.approved_by}; " + coloured(waits, "warn")


def _fields(item: bootstrap.Held) -> dict[str, Any]:
    from retentiond.domain.hold_event import suspension_to_fields

    hold = item.suspension
    return {
        **suspension_to_fields(hold),
        "effective_until": instants.to_text(hold.effective_until),
        "recordings": item.recordings,
    }


def _print_covered(covered: dict[str, Any]) -> None:
    whole = covered["looked_at"] == covered["recordings"]
    size = f"{covered['bytes']:,} bytes" if whole else f"of {covered['looked_at']:,} of them {covered['bytes']:,} bytes"
    say(f"  covers     {count_of(covered['recordings'], 'recording')}, {size}")
    if covered["first"] is not None:
        say(f"  from       {_local(covered['first'])} to {_local(covered['last'])}")
    if covered["overshoot_s"]:
        say(f"  more       {covered['overshoot_s']:,} s beyond what was asked: recordings are kept whole")
    if covered["gaps"]:
        say(coloured(f"  missing    {covered['missing_s']:,} s in {count_of(covered['gaps'], 'gap')}", "warn"))
        for gap in covered["missing"]:
            say(f"    {gap['camera'] or 'no camera'}: {_local(gap['from'])} to {_local(gap['to'])}")


def _instant(option: str, text: str, *, ends: bool = False) -> str:
    return instants.to_text(typed_instant(option, text, ends=ends))


def _instant_or_length(option: str, text: str) -> str:
    """Return the text of a length as it is, which the daemon counts from trusted time, or that of an instant."""
    try:
        parse_duration(text)
    except ValueError:
        return _instant(option, text)
    return text


def _local(text: str) -> str:
    return local(instants.from_text(text))
