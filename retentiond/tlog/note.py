"""Signed notes of C2SP signed-note v1.0.0 with Ed25519 signatures (type 0x01): parse, format, sign, verify."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from retentiond.tlog.encoding import format_base64, parse_base64
from retentiond.tlog.errors import FormatError, SignatureError
from retentiond.tlog.key import (
    KEY_ID_SIZE,
    SignatureType,
    Signer,
    VerifierKey,
    checked_key_name,
    encoded,
)

MAX_NOTE_BYTES = 1 << 20
MAX_SIGNATURES = 64
"""C2SP signed-note asks for a limit and that 16 signatures be below it."""

_DASH = "\N{EM DASH} "


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line of a note (C2SP signed-note, "Signatures").

    Raises:
        FormatError: the name is not a key name, the key id does not have 4 bytes, or there is no signature.
    """

    name: str
    key_id: bytes
    value: bytes

    def __post_init__(self) -> None:
        checked_key_name(self.name)
        if len(self.key_id) != KEY_ID_SIZE or not self.value:
            raise FormatError(f"the signature of {self.name!r} is not {KEY_ID_SIZE} bytes of key id and a signature")


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures, well formed but not verified (C2SP signed-note, "Format").

    Raises:
        FormatError: the text breaks a rule of the format, or there are no or too many signatures.
    """

    text: str
    signatures: tuple[Signature, ...]

    def __post_init__(self) -> None:
        checked_text(self.text)
        if not 0 < len(self.signatures) <= MAX_SIGNATURES:
            raise FormatError(f"a note has 1 to {MAX_SIGNATURES} signatures, not {len(self.signatures)}")


def checked_text(text: str) -> str:
    """Return `text` if it can be the text of a note (C2SP signed-note, "Format").

    Raises:
        FormatError: it does not end in a newline, has another control character, or has no UTF-8 form.
    """
    if not text.endswith("\n"):
        raise FormatError("the text of a note ends in a newline")
    if any(character < " " and character != "\n" for character in text):
        raise FormatError("a note has no control character other than newline")
    encoded(text)
    return text


def parse_note(data: bytes) -> Note:
    """Take a note apart at its last empty line (C2SP signed-note, "Format"). No signature is verified.

    Raises:
        FormatError: it is not a signed note.
    """
    if len(data) > MAX_NOTE_BYTES:
        raise FormatError(f"a note of {len(data)} bytes is above the limit of {MAX_NOTE_BYTES}")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError("a note is valid UTF-8") from error
    text, separator, lines = whole.rpartition("\n\n")
    if not separator:
        raise FormatError("a note has an empty line between its text and its signatures")
    return Note(text + "\n", parse_signatures(lines))


def format_note(note: Note) -> bytes:
    """Return the bytes of a note (C2SP signed-note, "Format"); `parse_note` gives the same note back."""
    return encoded(f"{note.text}\n{format_signatures(note.signatures)}")


def parse_signatures(lines: str) -> tuple[Signature, ...]:
    """Read signature lines, each with its newline (C2SP signed-note, "Signatures"; a witness answers with such lines).

    Raises:
        FormatError: a line is not a signature line.
    """
    if not lines.endswith("\n"):
        raise FormatError("a signature line ends in a newline")
    return tuple(_parse_signature(line) for line in lines[:-1].split("\n"))


def format_signatures(signatures: Iterable[Signature]) -> str:
    """Return the signature lines, each with its newline (C2SP signed-note, "Signatures")."""
    return "".join(f"{_DASH}{one.name} {format_base64(one.key_id + one.value)}\n" for one in signatures)


def sign_note(text: str, signers: Sequence[Signer]) -> Note:
    """Sign `text` with each signer (C2SP signed-note, "Ed25519 signatures").

    Raises:
        FormatError: the text breaks a rule of the format, or there is no signer.
    """
    message = encoded(checked_text(text))
    return Note(
        text,
        tuple(Signature(name=signer.name, key_id=signer.key.key_id, value=signer.sign(message)) for signer in signers),
    )


def verify_note(note: Note, keys: Iterable[VerifierKey]) -> tuple[VerifierKey, ...]:
    """Return those of `keys` that have signed the note (C2SP signed-note, "Signatures").

    Signatures of unknown keys are ignored, also those that share only the name or only the id with a known one.

    Raises:
        SignatureError: a known key's signature does not verify, or no known key has signed.
        FormatError: a key is not of type 0x01, or two keys share name and id.
    """
    message = encoded(note.text)
    found: dict[VerifierKey, None] = {}
    for key, signature in signatures_by(note, keys, SignatureType.ED25519):
        if not key.has_signed(message, signature.value):
            raise SignatureError(f"the signature of {key.name!r} (key id {key.key_id.hex()}) does not verify")
        found[key] = None
    if not found:
        raise SignatureError("no known key has signed this note")
    return tuple(found)


def signatures_by(
    note: Note, keys: Iterable[VerifierKey], kind: SignatureType
) -> Iterator[tuple[VerifierKey, Signature]]:
    """Return the signatures that name a known key, with that key, unverified (C2SP signed-note, "Signatures").

    Raises:
        FormatError: a key is not of type `kind`, or two different keys share name and id.
    """
    known: dict[tuple[str, bytes], VerifierKey] = {}
    for key in keys:
        if key.kind is not kind:
            raise FormatError(f"the key of {key.name!r} is of type {key.kind:#04x}, and not of type {kind:#04x}")
        if known.setdefault((key.name, key.key_id), key) != key:
            raise FormatError(f"two keys share the name {key.name!r} and the id {key.key_id.hex()}")
    return ((known[one.name, one.key_id], one) for one in note.signatures if (one.name, one.key_id) in known)


def _parse_signature(line: str) -> Signature:
    name, space, encoded_value = line.removeprefix(_DASH).partition(" ")
    if not line.startswith(_DASH) or not space:
        raise FormatError(f"a signature line is an em dash, a key name and base64: {line[:80]!r}")
    value = parse_base64(encoded_value)
    return Signature(name=name, key_id=value[:KEY_ID_SIZE], value=value[KEY_ID_SIZE:])
