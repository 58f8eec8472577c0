"""What makes the trail evidence for others, wired: certificates, checks against heads kept elsewhere, exports."""

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from retentiond.bootstrap.anchoring import witness_of
from retentiond.bootstrap.configuration import Loaded
from retentiond.bootstrap.parts import wall_now
from retentiond.control.owner import enter, expect_open
from retentiond.domain.errors import StorageError, UsageError

if TYPE_CHECKING:
    from retentiond.audit.head import Attested
    from retentiond.audit.reader import AuditFilter
    from retentiond.audit.verify import Progress, Verified
    from retentiond.evidence.certificate import Certified, Issued
    from retentiond.evidence.known_heads import Cosigned
    from retentiond.evidence.timestamp import Stamp, Stamps
    from retentiond.tlog.key import VerifierKey

_MOST_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """What a trail is to be checked against, as somebody typed it.

    Attributes:
        head: `SIZE:ROOT`, or the name of a file with a checkpoint.
        prometheus: the address of a Prometheus.
        vkeys: public keys that were kept elsewhere.
        witnesses: public keys of witnesses; without, that of the configuration.
        ask_witness: ask the one of the configuration which head it has now.
        roots: a file with certificates to verify time stamps under; without, that of the configuration.
        since: read only the records from about then on.
    """

    head: str | None = None
    prometheus: str | None = None
    vkeys: Sequence[str] = ()
    witnesses: Sequence[str] = ()
    ask_witness: bool = False
    roots: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class Vouched:
    """A trail that was checked, and what others say of its heads."""

    result: "Verified"
    cosigned: "Sequence[Cosigned]"
    stamps: "Stamps"


def verify_trail(loaded: Loaded, against: Against, progress: "Progress") -> Vouched:
    """Check the trail, and what witnesses and authorities say of its heads.

    Raises:
        AuditDamagedError: names the first bad line.
        UsageError: what was typed makes no sense here.
        UnreachableError: the Prometheus or the witness does not answer.
        ConfigurationError: the certificates for time stamps cannot be read.
        StorageError: there is no trail, or it cannot be read.
    """
    from retentiond.audit import verify
    from retentiond.audit.reader import expect_trail

    external = None if against.head is None else _head(loaded, against.head)
    enter(loaded.settings.state)
    directory = audit_directory(loaded)
    expect_trail(os.path.join(directory, "log"))
    scraped = () if against.prometheus is None else _scraped(directory, against)
    asked = _asked(loaded, directory) if against.ask_witness else ()
    result = verify.verify_trail(
        directory,
        external=external,
        attested=[*scraped, *asked],
        pinned=against.vkeys,
        since=against.since,
        progress=progress,
    )
    if scraped and all(known.size < result.began for known in scraped):
        raise UsageError(
            f"all that {scraped[-1].name} has is of records before {result.began}, which are pruned or not read"
        )
    return Vouched(result, _cosigned(loaded, directory, against), _stamps(loaded, directory, against.roots))


def _stamps(loaded: Loaded, directory: str, roots: str | None) -> "Stamps":
    from retentiond.evidence.timestamp import read_stamps

    tsa = loaded.settings.audit.tsa
    return read_stamps(directory, roots or (None if tsa is None else tsa.roots))


def _asked(loaded: Loaded, directory: str) -> "Sequence[Attested]":
    """Return the head that the witness has now. Raises UsageError if there is no witness, or it has none."""
    from retentiond.evidence.known_heads import trail_name
    from retentiond.evidence.witness_client import look

    witness = witness_of(loaded.settings)
    if witness is None:
        raise UsageError("--ask-witness: the configuration names no witness; see audit.witness")
    seen = look(witness, trail_name(directory))
    if seen is None:
        raise UsageError(f"{witness.url}: has cosigned nothing of this audit trail yet; nothing can be compared")
    return [seen]


def _cosigned(loaded: Loaded, directory: str, against: Against) -> "Sequence[Cosigned]":
    from retentiond.evidence.certificate import parse_keys
    from retentiond.evidence.known_heads import cosigned_heads
    from retentiond.tlog.key import SignatureType

    configured = [] if loaded.settings.audit.witness is None else [loaded.settings.audit.witness.vkey]
    return cosigned_heads(directory, parse_keys(against.witnesses or configured, SignatureType.COSIGNATURE_V1))


def _head(loaded: Loaded, text: str) -> tuple[int, bytes]:
    """Return the head that was typed, or that is in the file that was named. Raises UsageError, AuditDamagedError."""
    from retentiond.evidence.known_heads import head_in_file

    match = re.fullmatch(r"([0-9]{1,15}):([0-9a-fA-F]{64})", text)
    if match is not None:
        return int(match[1]), bytes.fromhex(match[2])
    if ":" in text and not os.path.lexists(text):
        raise UsageError(f"--head {text!r}: write it as SIZE:ROOT, the root as 64 hex digits, or name a file")
    data = read_file(text)
    expect_open(loaded.settings.state)
    return head_in_file(audit_directory(loaded), data, text)


def _scraped(directory: str, against: Against) -> "Sequence[Attested]":
    from retentiond.evidence.known_heads import first_instant, trail_name
    from retentiond.evidence.prometheus import Span, scraped_heads

    begin, now = against.since or first_instant(directory), wall_now()
    span = Span(origin=trail_name(directory), begin=min(begin, now), end=now)
    return scraped_heads(against.prometheus or "", span)


def audit_directory(loaded: Loaded) -> str:
    """Return where the audit trail lies."""
    return os.path.join(loaded.settings.state, "audit")


def issue_certificate(loaded: Loaded, seq: int) -> "Issued":
    """Make the certificate of a record. Raises as `evidence.certificate.issue_certificate`."""
    from retentiond.evidence.certificate import issue_certificate

    expect_open(
        loaded.settings.state
    )  # as root, too: the files are for whoever asks, and may lie where the daemon's user cannot
    witness = witness_of(loaded.settings)
    return issue_certificate(audit_directory(loaded), seq, () if witness is None else (witness.key,))


def stamped(loaded: Loaded, issued: "Issued") -> str:
    """Return when and by whom the head of a certificate was stamped, as a clause; empty if nobody can verify that here.

    Raises:
        AuditDamagedError: the time stamp does not verify.
        ConfigurationError: the certificates cannot be read, or the library is not there.
    """
    from retentiond.domain import instants
    from retentiond.evidence.timestamp import open_stamp, read_roots

    tsa = loaded.settings.audit.tsa
    if tsa is None or issued.stamped is None:
        return ""
    size = issued.certified.entry.checkpoint.size
    stamp = open_stamp(issued.stamped.stamp, issued.stamped.note, size, read_roots(tsa.roots))
    return f"{instants.to_text(stamp.at)}, by the clock of {stamp.by}, which stamped that head (RFC 3161)"


def check_certificate(path: str, vkeys: Sequence[str], witnesses: Sequence[str], loaded: Loaded | None) -> "Certified":
    """Check a certificate in a file with the public keys `vkeys`, or else with those of the trail at hand.

    Raises:
        UsageError: there is no such file, or a key is none.
        AuditDamagedError: it does not verify.
    """
    from retentiond.audit.keys import known_keys
    from retentiond.evidence.certificate import check_certificate, parse_keys
    from retentiond.tlog.key import SignatureType

    data = read_file(path)
    if not vkeys and loaded is not None:
        enter(loaded.settings.state)
        vkeys = [key.vkey for key in known_keys(audit_directory(loaded))]
    if not vkeys:
        raise UsageError("there is no public key to check it with; give the one that you know: --key VKEY")
    return check_certificate(data, parse_keys(vkeys), parse_keys(witnesses, SignatureType.COSIGNATURE_V1))


def check_stamp(path: str, roots: str) -> "Stamp":
    """Verify the time stamp in the file beside a certificate, under the certificates in the file `roots`.

    Raises:
        UsageError: it is not there.
        ConfigurationError: the certificates cannot be read, or the library is not there.
        AuditDamagedError: it does not verify.
    """
    from retentiond.evidence.timestamp import open_stamp_beside, read_roots

    stamp = f"{os.path.splitext(path)[0]}.tsr"
    return open_stamp_beside(read_file(path), read_file(stamp), read_roots(roots))


def export_trail(loaded: Loaded, wanted: "AuditFilter", form: str) -> Iterator[str]:
    """Yield the lines of an export of the wanted records. Raises as `exported_records`."""
    from retentiond.evidence.export.forms import Form, written
    from retentiond.evidence.export.source import exported_records

    expect_open(loaded.settings.state)  # as root, too: the file may lie where the daemon's user cannot write
    return written(exported_records(audit_directory(loaded), wanted), Form(form))


def vkey_text(key: "VerifierKey") -> str:
    """Return a public key as it is printed and kept."""
    from retentiond.tlog.key import format_vkey

    return format_vkey(key)


def read_file(path: str) -> bytes:
    """Return a small file that a person named. Raises UsageError, StorageError."""
    try:
        with open(path, "rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise UsageError(f"{path}: is not there") from error
    except OSError as error:
        raise StorageError(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > _MOST_BYTES:
        raise UsageError(f"{path}: is longer than a certificate or a head is")
    return data
