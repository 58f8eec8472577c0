"""Which records are wanted: the options that `audit show` and `audit export` share."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from retentiond.audit.reader import AuditFilter
from retentiond.cli.options import text
from retentiond.cli.render import local
from retentiond.cli.times import typed_instant
from retentiond.domain.errors import UsageError
from retentiond.domain.event import EventType

_F = TypeVar("_F", bound=Callable[..., Any])


def filters(function: _F) -> _F:
    """Add the options to a command; it gets `wanted: AuditFilter`."""

    @click.option("--camera", callback=text, help="Only records about this camera.")
    @click.option("--type", "kind", help="Only records of this type, such as recording.deleted.")
    @click.option("--run", "run", callback=text, help="Only records of this deletion run.")
    @click.option("--since", metavar="TIME", help="Only records written at TIME or later.")
    @click.option("--until", metavar="TIME", help="Only records written before TIME.")
    @wraps(function)
    def filtered(
        camera: str | None, kind: str | None, run: str | None, since: str | None, until: str | None, **others: object
    ) -> object:
        wanted = AuditFilter(
            camera=camera,
            type=None if kind is None else _known_type(kind),
            run=run,
            since=None if since is None else typed_instant("--since", since),
            until=None if until is None else typed_instant("--until", until, ends=True),
        )
        if wanted.since is not None and wanted.until is not None and wanted.until <= wanted.since:
            begin, end = local(wanted.since), local(wanted.until)
            raise UsageError(f"--since {begin} is no earlier than --until {end}; exchange them")
        return function(wanted=wanted, **others)

    return filtered  # type: ignore[return-value]  # click replaces the signature


def _known_type(kind: str) -> str:
    """Return the type of record that was typed. One that does not exist has no records, as if nothing had happened.

    Raises:
        UsageError: there is no such type.
    """
    if kind in set(EventType):
        return kind
    raise UsageError(f"--type {kind!r}: there is no such type of record; write one of {', '.join(EventType)}")
