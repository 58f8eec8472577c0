"""`retentiond clock`: how trusted time stands, and a person's word for it."""

from datetime import timedelta

import click

from retentiond import bootstrap
from retentiond.cli.options import Subcommands, common, emit_json
from retentiond.cli.render import local, say
from retentiond.cli.times import typed_instant
from retentiond.domain import instants
from retentiond.domain.clock import Credible, NotCredible


@click.group("clock", cls=Subcommands)
def command() -> None:
    """Show the state of trusted time; accept the clock."""


@command.command("status")
@common
def status(config: str, as_json: bool) -> None:
    """Show trusted time, the system clock, and how they differ."""
    loaded = bootstrap.load(config)
    trusted, reading = bootstrap.look_at_clock(loaded)
    now = trusted.now if isinstance(trusted, Credible) else None
    state = trusted.state.value if isinstance(trusted, Credible) else "unanchored"
    ahead = None if now is None else reading.wall - now
    if as_json:
        emit_json(
            "retentiond.clock/1",
            {
                "state": state,
                "trusted": None if now is None else instants.to_text(now),
                "wall": instants.to_text(reading.wall),
                "ahead_s": None if ahead is None else round(ahead.total_seconds(), 3),
                "synchronised": reading.synchronised,
            },
        )
        return
    say(f"state          {state}")
    say(f"trusted time   {local(now)}")
    say(f"system clock   {local(reading.wall)}")
    if ahead is not None:
        say(f"difference     the system clock is {_seconds(ahead)} trusted time")
    say(f"synchronised   {'yes' if reading.synchronised else 'no'}")
    if isinstance(trusted, NotCredible):
        say("Nothing is deleted until the clock has been synchronised for 10 minutes, or you type the time:")
        say(f"  retentiond clock accept --wall {reading.wall.astimezone().isoformat(timespec='seconds')}")


def _seconds(ahead: timedelta) -> str:
    seconds = round(ahead.total_seconds())
    return "equal to" if seconds == 0 else f"{abs(seconds):,} s {'ahead of' if seconds > 0 else 'behind'}"


@command.command("accept")
@click.option(
    "--wall", required=True, metavar="TIME", help="The time as you know it, such as 2026-03-01T12:00:00+02:00."
)
@common
def accept(wall: str, config: str, as_json: bool) -> None:
    """Take the system clock for true, because you typed the time and it agrees within 5 minutes. On the record."""
    typed = typed_instant("--wall", wall)
    bootstrap.ask(bootstrap.load(config), {"verb": "accept_clock", "wall": instants.to_text(typed)})
    if as_json:
        emit_json("retentiond.clock.accept/1", {"accepted": instants.to_text(typed)})
    else:
        say("accepted; trusted time runs on from here")
