"""Keys of C2SP signed-note: the public verifier key ("vkey") with its key id, and the private key that signs."""

import hashlib
from dataclasses import dataclass, field
from enum import IntEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from retentiond.tlog.encoding import format_base64, parse_base64
from retentiond.tlog.errors import FormatError

SEED_SIZE = 32
PUBLIC_KEY_SIZE = 32
KEY_ID_SIZE = 4


class SignatureType(IntEnum):
    """The signature types of C2SP signed-note that this package verifies, by their identifier byte."""

    ED25519 = 0x01
    COSIGNATURE_V1 = 0x04


def make_key_id(name: str, kind: SignatureType, public_key: bytes) -> bytes:
    r"""Return SHA-256(name || "\n" || type || public key)[:4] (C2SP signed-note, "Signatures")."""
    return hashlib.sha256(encoded(name) + b"\n" + bytes([kind]) + public_key).digest()[:KEY_ID_SIZE]


def checked_key_name(name: str) -> str:
    """Return `name` if it can name a key (C2SP signed-note, "Format").

    Raises:
        FormatError: it is empty or has a Unicode space, a plus or a control character.
    """
    encoded(name)
    if not name or any(character.isspace() or character == "+" or character < " " for character in name):
        raise FormatError(f"a key name is not empty and has no space, plus or control character: {name[:80]!r}")
    return name


def encoded(text: str) -> bytes:
    """Return the UTF-8 form of a text (C2SP signed-note, "Format": "MUST be valid UTF-8").

    Raises:
        FormatError: it holds a lone surrogate, which has no UTF-8 form.
    """
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise FormatError(f"{text[:80]!r} has no UTF-8 form") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public Ed25519 key, the name it signs under, and what kind of signature it makes (C2SP signed-note).

    Raises:
        FormatError: the name is not a key name, or the key does not have 32 bytes.
    """

    name: str
    kind: SignatureType = SignatureType.ED25519
    public_key: bytes

    def __post_init__(self) -> None:
        checked_key_name(self.name)
        if len(self.public_key) != PUBLIC_KEY_SIZE:
            raise FormatError(f"an Ed25519 public key has {PUBLIC_KEY_SIZE} bytes, not {len(self.public_key)}")

    @property
    def key_id(self) -> bytes:
        """The four bytes that, with the name, tell which key made a signature (C2SP signed-note, "Signatures")."""
        return make_key_id(self.name, self.kind, self.public_key)

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Tell whether `signature` is this key's Ed25519 signature of `message` (RFC 8032).

        This is the bare signature. `note.verify_note` and `cosignature.verify_cosignature` know the message that
        each kind of key signs.
        """
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except InvalidSignature:
            return False
        return True


def parse_vkey(text: str) -> VerifierKey:
    """Read a verifier key `<name>+<hex key id>+<base64(type || public key)>` (C2SP signed-note, "Verifier keys").

    Raises:
        FormatError: it has another form or signature type, or its key id is not that of its key.
    """
    name, *rest = text.split("+", 2)
    if len(rest) != 2:
        raise FormatError(f"a verifier key is <name>+<hex key id>+<base64>: {text[:120]!r}")
    material = parse_base64(rest[1])
    try:
        kind = SignatureType(material[0]) if material else None
    except ValueError:
        kind = None
    if kind is None:
        raise FormatError(f"the verifier key of {name[:80]!r} is neither of type 0x01 nor of type 0x04")
    key = VerifierKey(name=name, kind=kind, public_key=material[1:])
    if key.key_id.hex() != rest[0]:
        raise FormatError(
            f"the verifier key of {name!r} says key id {rest[0][:80]}, but its key has {key.key_id.hex()}"
        )
    return key


def format_vkey(key: VerifierKey) -> str:
    """Return `<name>+<hex key id>+<base64(type || public key)>` (C2SP signed-note, "Verifier keys")."""
    return f"{key.name}+{key.key_id.hex()}+{format_base64(bytes([key.kind]) + key.public_key)}"


def private_key_from_seed(seed: bytes) -> Ed25519PrivateKey:
    """Return the private key whose seed is given (RFC 8032 section 5.1.5).

    Raises:
        FormatError: the seed does not have 32 bytes.
    """
    if len(seed) != SEED_SIZE:
        raise FormatError(f"an Ed25519 seed has {SEED_SIZE} bytes, not {len(seed)}")
    return Ed25519PrivateKey.from_private_bytes(seed)


@dataclass(frozen=True, slots=True)
class Signer:
    """A private Ed25519 key and the name it signs notes under (C2SP signed-note, type 0x01).

    Raises:
        FormatError: the name is not a key name.
    """

    name: str
    private_key: Ed25519PrivateKey = field(repr=False)

    def __post_init__(self) -> None:
        checked_key_name(self.name)

    @classmethod
    def from_seed(cls, name: str, seed: bytes) -> "Signer":
        """Return the signer whose private key is the 32 bytes of `seed` (RFC 8032 section 5.1.5).

        Raises:
            FormatError: the name is not a key name, or the seed does not have 32 bytes.
        """
        return cls(name, private_key_from_seed(seed))

    @property
    def key(self) -> VerifierKey:
        """The public key that verifies what this signer signs."""
        return VerifierKey(name=self.name, public_key=self.private_key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the bare Ed25519 signature of `message` (RFC 8032). `note.sign_note` makes notes."""
        return self.private_key.sign(message)
