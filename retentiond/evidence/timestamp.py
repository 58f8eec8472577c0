"""Time stamps of another party over signed heads (RFC 3161): asked for, kept as they came, and verified.

All that leaves this machine is the SHA-256 of a signed head and a random number. The answer is verified before it is
kept, and again by whoever checks the trail; `openssl ts -verify` comes to the same result.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from types import ModuleType
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from retentiond.audit.anchors import anchored_sizes, read_anchor
from retentiond.domain.errors import (
    AuditDamagedError,
    ConfigurationError,
    NotPermittedError,
    RetentiondError,
    UnreachableError,
)
from retentiond.domain.names import visible
from retentiond.tlog.certificate import parse_certificate
from retentiond.tlog.checkpoint import parse_checkpoint
from retentiond.tlog.errors import TlogError
from retentiond.tlog.note import Note, format_note
from retentiond.web.ask import Answer, Limits, Question, ask

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse

LIMITS = Limits(seconds=10.0, size_bytes=64 * 1024)
_MOST_ROOTS = 1 << 20


@dataclass(frozen=True, slots=True)
class Authority:
    """Who stamps: the address that is asked, and the file with the certificates (PEM) that are trusted for it."""

    url: str
    roots: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What a time stamp says that was verified: the head of `size` records was there at `at`, by the clock of `by`."""

    size: int
    at: datetime
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """The time stamps that lie beside a trail: those that were verified, and how many nobody could verify, and why."""

    verified: tuple[Stamp, ...] = ()
    unread: int = 0
    why: str = ""


def read_roots(path: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates in a file of PEM that are trusted for time stamps.

    Raises:
        ConfigurationError: it cannot be read, or holds none.
    """
    try:
        with open(path, "rb") as file:
            return tuple(x509.load_pem_x509_certificates(file.read(_MOST_ROOTS)))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the certificates for time stamps cannot be read ({error.strerror}); see audit.tsa.roots"
        ) from error
    except ValueError as error:
        raise ConfigurationError(
            f"{path}: holds no certificates in PEM ({error}); put those there under which the authority signs"
        ) from error


def ask_stamp(authority: Authority, note: bytes, size: int, limits: Limits = LIMITS) -> tuple[bytes, Stamp]:
    """Have a signed head of `size` records stamped; return the answer as it came, and what it says.

    Raises:
        NotPermittedError: the authority refuses.
        UnreachableError: it does not answer, or not with a stamp over this head that verifies.
        ConfigurationError: the library or the certificates are not there.
    """
    library, roots = _library(), read_roots(authority.roots)
    builder = library.TimestampRequestBuilder().data(note).hash_algorithm(library.HashAlgorithm.SHA256)
    request = builder.cert_request(cert_request=True).nonce(nonce=True).build()
    question = Question(
        url=authority.url,
        method="POST",
        body=request.as_bytes(),
        headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
    )
    answer = ask(question, limits)
    if answer.status != HTTPStatus.OK:
        raise UnreachableError(f"{authority.url}: answers with status {answer.status}, and with no time stamp")
    _refused(authority, answer)
    try:
        return answer.body, open_stamp(answer.body, note, size, roots, nonce=request.nonce)
    except AuditDamagedError as error:
        raise UnreachableError(f"{authority.url}: what it answers is no time stamp of this head: {error}") from error


def open_stamp(
    stamp: bytes, note: bytes, size: int, roots: Sequence[x509.Certificate], *, nonce: int | None = None
) -> Stamp:
    """Verify a time stamp over the signed head `note`, and return what it says.

    The certificates have to have been good at the time that it states, and need not be today.

    Raises:
        AuditDamagedError: it does not verify under these certificates.
        ConfigurationError: the library is not there.
    """
    library = _library()
    try:
        response = library.decode_timestamp_response(stamp)
        library.VerifierBuilder(roots=list(roots), nonce=nonce).build().verify_message(response, note)
        return Stamp(size=size, at=response.tst_info.gen_time.astimezone(UTC), by=_signer(response))
    except (ValueError, library.VerificationError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
        raise AuditDamagedError(f"it does not verify ({visible(str(error))[:200]})") from error


def open_stamp_beside(proof: bytes, stamp: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """Verify the time stamp that came with a certificate, and return what it says.

    The head in a certificate may have lines of witnesses that came after it was stamped, so the stamp is over the text
    and the first of its signatures, as many as there were.

    Raises:
        AuditDamagedError: it is of no such head, or the certificate is none.
        ConfigurationError: the library is not there.
    """
    try:
        note = parse_certificate(proof).note
        size = parse_checkpoint(note.text).size
    except TlogError as error:
        raise AuditDamagedError(f"the certificate does not verify: {error}") from error
    why = ""
    for count in range(1, len(note.signatures) + 1):
        try:
            return open_stamp(stamp, format_note(Note(note.text, note.signatures[:count])), size, roots)
        except AuditDamagedError as error:
            why = str(error)
    raise AuditDamagedError(f"the time stamp is not of the head in the certificate: {why}")


def read_stamps(directory: str, roots: str | None) -> Stamps:
    """Verify all time stamps that lie beside the trail in `directory`.

    Args:
        directory: of the trail.
        roots: the file with the certificates; without it, the stamps are only counted.

    Raises:
        AuditDamagedError: one does not verify; it says which.
        ConfigurationError: the certificates cannot be read.
        StorageError: one cannot be read.
    """
    anchors = [(size, read_anchor(directory, size)) for size in anchored_sizes(directory)]
    stamped = [(size, anchor) for size, anchor in anchors if anchor.stamp]
    if not stamped:
        return Stamps()
    if roots is None:
        return Stamps(unread=len(stamped), why="audit.tsa names no certificates to verify them with")
    try:
        _library()
    except ConfigurationError as error:
        return Stamps(unread=len(stamped), why=str(error))
    trusted, found = read_roots(roots), []
    for size, anchor in stamped:
        try:
            found.append(open_stamp(anchor.stamp, anchor.note, size, trusted))
        except AuditDamagedError as error:
            path = f"{os.path.splitext(anchor.path)[0]}.tsr"
            raise AuditDamagedError(f"{path}: the time stamp is not of this head: {error}") from error
    return Stamps(verified=tuple(found))


def _library() -> ModuleType:
    """Return rfc3161-client, which is imported where a stamp is at hand and nowhere else. Raises ConfigurationError."""
    try:
        import rfc3161_client
    except ImportError as error:
        raise ConfigurationError("time stamps need rfc3161-client: pip install 'retentiond[tsa]'") from error
    return rfc3161_client


def _refused(authority: Authority, answer: Answer) -> None:
    """Raise what the authority says if it grants nothing (RFC 3161 section 2.4.2); what is no answer is met later."""
    library = _library()
    try:
        response = library.decode_timestamp_response(answer.body)
        status, words = response.status, "; ".join(response.status_string)
    except ValueError:
        return
    if status not in {library.tsp.PKIStatus.GRANTED, library.tsp.PKIStatus.GRANTED_WITH_MODS}:
        said: RetentiondError = NotPermittedError(
            f"{authority.url}: refuses with status {status} ({visible(words)[:120]})"
        )
        raise said


def _signer(response: "TimeStampResponse") -> str:
    """Return the name in the certificate that signed; `verify_message` has found exactly one."""
    info = next(iter(response.signed_data.signer_infos))
    for data in response.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(data)
        if (certificate.issuer, certificate.serial_number) == (info.issuer, info.serial_number):
            return visible(certificate.subject.rfc4514_string())
    raise ValueError("no certificate in it is that of its signer")
