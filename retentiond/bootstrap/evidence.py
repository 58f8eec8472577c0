"""What makes the trail evidence for others, wired: certificates, checks against heads kept elsewhere, exports."""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

from retentiond.bootstrap.configuration import Loaded
from retentiond.control.owner import enter
from retentiond.domain.errors import StorageError, UsageError

if TYPE_CHECKING:
    from retentiond.evidence.certificate import Certified, Issued
    from retentiond.tlog.key import VerifierKey

_MOST_BYTES = 1 << 20


def audit_directory(loaded: Loaded) -> str:
    """Return where the audit trail lies, as one who may read it. Raises NotPermittedError if it is closed."""
    enter(loaded.settings.state)
    return os.path.join(loaded.settings.state, "audit")


def issue_certificate(loaded: Loaded, seq: int) -> "Issued":
    """Make the certificate of a record. Raises as `evidence.certificate.issue_certificate`."""
    from retentiond.evidence.certificate import issue_certificate

    return issue_certificate(audit_directory(loaded), seq)


def check_certificate(path: str, vkeys: Sequence[str], loaded: Loaded | None) -> "Certified":
    """Check a certificate in a file with the public keys `vkeys`, or else with those of the trail at hand.

    Raises:
        UsageError: there is no such file, or a key is none.
        AuditDamagedError: it does not verify.
    """
    from retentiond.audit.keys import known_keys
    from retentiond.evidence.certificate import check_certificate, parse_keys

    data = read_file(path)
    if not vkeys and loaded is not None:
        vkeys = [key.vkey for key in known_keys(audit_directory(loaded))]
    if not vkeys:
        raise UsageError("there is no public key to check it with; give the one that you know: --key VKEY")
    return check_certificate(data, parse_keys(vkeys))


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
