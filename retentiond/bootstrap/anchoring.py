"""The trail's keys, and those who keep its heads elsewhere, wired."""

import os
from typing import TYPE_CHECKING

from retentiond import __version__
from retentiond.bootstrap.parts import wall_now
from retentiond.domain.errors import UnreachableError
from retentiond.domain.finding import Finding, FindingKind, finding
from retentiond.ports import Anchorage

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from retentiond.audit.head import Attested
    from retentiond.audit.trail import Trail, TrailSettings
    from retentiond.evidence.witness_client import Witness
    from retentiond.settings.values import Settings

LOOK_WITHIN_S = 5.0
"""So long a start waits for the witness; without it, the trail goes on as it lies there."""


def trail_settings(settings: "Settings") -> "TrailSettings":
    """Return what the trail is opened with: its keys, and what a witness has cosigned of it."""
    from retentiond.audit.fork import origin_now
    from retentiond.audit.keys import finish_rotation, load_signers
    from retentiond.audit.trail import TrailSettings
    from retentiond.observe.system_clock import LinuxClock, read_boot_id

    boot_id, audit = read_boot_id(), settings.audit
    directory = os.path.join(settings.state, "audit")
    finish_rotation(directory, audit.key, origin_now(directory, audit.origin))
    signers = load_signers(audit.key, audit.origin, credentials=os.environ.get("CREDENTIALS_DIRECTORY"))
    return TrailSettings(
        directory=directory,
        origin=audit.origin,
        now=lambda: LinuxClock(boot_id).read().wall,
        signer=signers.current,
        next_signer=signers.upcoming,
        opening=(("version", __version__), ("boot_id", boot_id)),
        attested=_attested(settings, directory),
    )


def open_audit(settings: "Settings", *, forking: bool) -> "AbstractContextManager[Trail]":
    """Open the trail for writing.

    Args:
        settings: of the daemon.
        forking: set a damaged trail aside and begin another. What is lost is on the record then, and nothing is deleted
            until a person has accepted it (ADR 0017). A command does not do that: who typed it reads the error.

    Raises:
        AuditDamagedError: the trail is damaged, and `forking` is not set.
        RetentiondError: as `open_trail`.
    """
    from retentiond.audit.fork import as_named_now, open_or_fork
    from retentiond.audit.trail import open_trail

    chosen = trail_settings(settings)
    if not forking:
        return open_trail(as_named_now(chosen))
    return open_or_fork(chosen, os.path.join(settings.state, "decisions.json"), accept_loss=True)


def build_anchorage(settings: "Settings") -> Anchorage:
    """Build what takes heads to those who keep them elsewhere."""
    from retentiond.evidence.anchorage import CosignErrand, Errand, HeadAnchorage

    directory, witness, tsa = os.path.join(settings.state, "audit"), witness_of(settings), settings.audit.tsa
    errands: list[Errand] = [] if witness is None else [CosignErrand(directory, witness)]
    if tsa is not None:
        from retentiond.evidence.stamp_errand import StampErrand
        from retentiond.evidence.timestamp import Authority

        errands.append(StampErrand(directory, Authority(tsa.url, tsa.roots)))
    return HeadAnchorage(errands, wall_now)


def witness_of(settings: "Settings") -> "Witness | None":
    """Return who cosigns heads, None if nobody does."""
    if settings.audit.witness is None:
        return None
    from retentiond.evidence.certificate import parse_keys
    from retentiond.evidence.witness_client import Witness
    from retentiond.tlog.key import SignatureType

    (key,) = parse_keys([settings.audit.witness.vkey], SignatureType.COSIGNATURE_V1)
    return Witness(settings.audit.witness.url, key)


def evidence_findings(settings: "Settings") -> tuple[Finding, ...]:
    """Return a finding for each damaged trail that was set aside, as long as it lies there."""
    from retentiond.audit.fork import kept_evidence

    return tuple(
        finding(
            FindingKind.AUDIT_DAMAGED,
            os.path.basename(path),
            f"the audit trail was damaged or rolled back; it was set aside as {path}, and another began in its place",
            "find out what happened; keep a copy of that directory as evidence elsewhere, then move it away",
        )
        for path in kept_evidence(os.path.join(settings.state, "audit"))
    )


def _attested(settings: "Settings", directory: str) -> "tuple[Attested, ...]":
    """Ask the witness what it has cosigned of the trail as it is called by now. One that is silent attests nothing."""
    witness = witness_of(settings)
    if witness is None:
        return ()
    from retentiond.audit.fork import origin_now
    from retentiond.evidence.witness_client import look_within

    try:
        seen = look_within(LOOK_WITHIN_S, witness, origin_now(directory, settings.audit.origin))
    except UnreachableError:
        return ()  # the anchorage goes on asking, and its finding says so
    return () if seen is None else (seen,)
