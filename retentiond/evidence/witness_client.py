"""The trail's side of a witness: heads are cosigned elsewhere, and what was cosigned is asked for (C2SP tlog-witness).

Only what the witness signed is believed; an address that answers something else can withhold cosignatures, and nothing
more.
"""

import os
import threading
from dataclasses import dataclass
from http import HTTPStatus
from queue import Empty, SimpleQueue

from retentiond.audit.anchors import keep_cosigned, keep_forgotten, read_cosigned
from retentiond.audit.head import Attested, open_signed, read_small
from retentiond.audit.leaves import read_tree
from retentiond.domain.errors import AuditDamagedError, NotPermittedError, RetentiondError, UnreachableError
from retentiond.domain.names import visible
from retentiond.tlog.checkpoint import Checkpoint, parse_checkpoint
from retentiond.tlog.cosignature import Cosignature, verify_cosignatures
from retentiond.tlog.errors import ProofError, TlogError
from retentiond.tlog.key import VerifierKey
from retentiond.tlog.note import Note, parse_note, parse_signatures
from retentiond.tlog.proof import consistency_proof
from retentiond.tlog.witness import (
    PATH,
    AddCheckpoint,
    format_request,
    parse_seen,
    parse_size,
    seen_path,
)
from retentiond.web.ask import Answer, Limits, Question, ask

LIMITS = Limits(seconds=10.0, size_bytes=64 * 1024)


@dataclass(frozen=True, slots=True)
class Witness:
    """Who cosigns heads: the address below which it is asked, and its public key."""

    url: str
    key: VerifierKey


def look(witness: Witness, origin: str, limits: Limits = LIMITS) -> Attested | None:
    """Return the latest head of a trail that a witness has cosigned, None if it has none.

    Raises:
        UnreachableError: it does not answer, or not with what it signed.
    """
    answer = ask(Question(url=f"{witness.url.rstrip('/')}/{seen_path(origin)}"), limits)
    if answer.status == HTTPStatus.NOT_FOUND:
        return None
    if answer.status != HTTPStatus.OK:
        raise UnreachableError(_said(witness, answer))
    try:
        note, checkpoint = parse_seen(answer.body)
        cosigned = bool(verify_cosignatures(note, [witness.key]))
    except TlogError as error:
        raise UnreachableError(f"{witness.url}: does not answer as a witness does ({error})") from error
    if not cosigned or checkpoint.origin != origin:
        raise UnreachableError(f"{witness.url}: shows a head that {witness.key.name} did not cosign for this trail")
    return Attested(f"the witness {witness.key.name}", checkpoint.size, checkpoint.root)


def cosign(directory: str, witness: Witness, limits: Limits = LIMITS) -> Cosignature | None:
    """Have the newest head on disk cosigned, and keep the result beside it.

    Returns:
        What the witness said; None if there is no signed head, or none that is newer than the last one cosigned.

    A witness that cosigns from less than it has cosigned here before has lost its state and begins anew; the last head
    that it had cosigned is kept then. One that only says so, without a signature, proves nothing.

    Raises:
        AuditDamagedError: the witness has cosigned a head that this trail does not extend: it was rolled back, or
            written anew.
        NotPermittedError: the witness refuses, because it does not know the trail or its key.
        UnreachableError: it does not answer, or not with a cosignature.
        StorageError: the trail cannot be read, or the result not kept.
    """
    data = read_small(os.path.join(directory, "checkpoint"))
    if data is None or b"\n\n" not in data:
        return None
    try:
        note = parse_note(data)
        head = open_signed(directory, note)
    except TlogError as error:
        raise AuditDamagedError(f"{directory}/checkpoint: the head does not verify ({error})") from error
    remembered = last = _last(directory, witness, head.origin)
    if head.size in (0, last):
        return None
    for _ in range(2):
        proof = _prove(directory, witness, last, head.size)
        body = format_request(AddCheckpoint(old_size=last, proof=proof, note=note))
        question = Question(url=f"{witness.url.rstrip('/')}/{PATH}", method="POST", body=body)
        answer = ask(question, limits)
        if answer.status == HTTPStatus.OK:
            return _keep(directory, witness, note, answer, forgot=last < remembered)
        last = _size_elsewhere(witness, head, last, answer)
    raise UnreachableError(
        f"{witness.url}: its last head changes while it is asked; does another program use its name?"
    )


def _last(directory: str, witness: Witness, origin: str) -> int:
    """Return the size that this witness has cosigned last, as far as is known here; 0 asks the witness."""
    note = read_cosigned(directory)
    try:
        if note is not None and verify_cosignatures(note, [witness.key]):
            checkpoint = parse_checkpoint(note.text)
            return checkpoint.size if checkpoint.origin == origin else 0
    except TlogError:
        pass  # what lies here is no cosigned head; the witness knows better
    return 0


def _prove(directory: str, witness: Witness, old: int, new: int) -> tuple[bytes, ...]:
    if old in (0, new):
        return ()
    try:
        return consistency_proof(read_tree(directory, old)[0], old, new)
    except ProofError as error:
        raise NotPermittedError(
            f"{witness.url}: has cosigned {old} records last, and a newer head cannot be proved from there ({error}); "
            "let the witness begin anew"
        ) from error


def _keep(directory: str, witness: Witness, note: Note, answer: Answer, *, forgot: bool) -> Cosignature:
    try:
        lines = parse_signatures(answer.body.decode())
        mine = [line for line in lines if (line.name, line.key_id) == (witness.key.name, witness.key.key_id)]
        cosigned = Note(note.text, (*note.signatures, *mine))
        said = verify_cosignatures(cosigned, [witness.key])
    except (TlogError, UnicodeDecodeError) as error:
        raise UnreachableError(f"{witness.url}: its cosignature does not verify ({error})") from error
    if not said:
        raise UnreachableError(f"{witness.url}: cosigns with another key than that of {witness.key.name}")
    if forgot and (before := read_cosigned(directory)) is not None:
        keep_forgotten(directory, before)  # before a newer one takes its place
    keep_cosigned(directory, cosigned)
    return said[0]


def _size_elsewhere(witness: Witness, head: Checkpoint, last: int, answer: Answer) -> int:
    """Return the size that a refusal tells to begin from. Raises what another refusal means."""
    match answer.status:
        case HTTPStatus.CONFLICT:
            try:
                size = parse_size(answer.body)
            except TlogError as error:
                raise UnreachableError(f"{witness.url}: does not answer as a witness does ({error})") from error
            if size > head.size:
                raise _contradicted(witness, f"{size} records, and {head.size} are here")
            return size
        case HTTPStatus.UNPROCESSABLE_ENTITY if last:
            raise _contradicted(witness, f"{last} records that are not the first {last} here")
        case HTTPStatus.NOT_FOUND | HTTPStatus.FORBIDDEN | HTTPStatus.BAD_REQUEST | HTTPStatus.UNPROCESSABLE_ENTITY:
            raise NotPermittedError(_said(witness, answer))
        case _:
            raise UnreachableError(_said(witness, answer))


def _contradicted(witness: Witness, what: str) -> AuditDamagedError:
    return AuditDamagedError(
        f"the witness {witness.key.name} has cosigned {what}: the audit trail was rolled back or written anew"
    )


def _said(witness: Witness, answer: Answer) -> str:
    text = visible(answer.body[:120].decode("utf-8", "replace").strip())
    return f"{witness.url}: refuses with status {answer.status} ({text})"


def look_within(seconds: float, witness: Witness, origin: str) -> Attested | None:
    """Do as `look`, and give up in time even where a name is not resolved: a start does not wait for it.

    Raises:
        UnreachableError: it does not answer, or not with what it signed.
    """
    found: SimpleQueue[Attested | RetentiondError | None] = SimpleQueue()

    def work() -> None:
        try:
            found.put(look(witness, origin, Limits(seconds, LIMITS.size_bytes)))
        except RetentiondError as error:
            found.put(error)

    threading.Thread(target=work, name="look", daemon=True).start()
    try:
        answer = found.get(timeout=seconds + 0.5)
    except Empty:
        raise UnreachableError(f"{witness.url}: no answer within {seconds:g} s") from None
    if isinstance(answer, RetentiondError):
        raise answer
    return answer
