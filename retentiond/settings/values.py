"""The settings of a daemon, as values that cannot be wrong any more."""

from dataclasses import dataclass, field
from datetime import timedelta

from retentiond.domain.audit_failure import OnAuditFailure
from retentiond.domain.recording import StoreName
from retentiond.domain.register import Register
from retentiond.domain.rule import Policy

DEFAULT_STATE = "/var/lib/retentiond"
DEFAULT_SOCKET = "/run/retentiond/control.sock"
DEFAULT_LISTEN = "127.0.0.1:9723"
CONTROLLER_TO_WRITE = "Write who answers for the recordings"
"""What `config init` proposes for `controller`; nothing is deleted in its name."""


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """One store. `copies` are those declared of it; `line` is where its layout, or else itself, stands in the file."""

    name: StoreName
    path: str
    recorder: str
    timezone: str
    layouts: tuple[str, ...]
    recorder_config: str | None
    winding_down: bool
    copies: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class SourceSettings:
    """Who else knows of devices.

    Attributes:
        kind: `onvif`, `discovery`, `netbox`, `sound` or `bookings`.
        addresses: where it is asked; only `onvif` and `netbox` have any.
        credentials: the file with user and password, or with the word token and the token.
        interface: the address of ours from which `discovery` asks; empty for the system's choice.
        roles: the roles in NetBox of devices that see or hear.
        file: the calendar of `bookings`.
        categories: what marks an intimate procedure in it.
        timezone: the zone of times in it that name none.
        max_age: how long ago it may have been written last; nothing for other kinds.
        ca_file: the certificates (PEM) under which that of `netbox` has to be good; None for those of the system.
    """

    name: StoreName
    kind: str
    addresses: tuple[str, ...] = ()
    credentials: str | None = None
    interface: str = ""
    roles: tuple[str, ...] = ()
    file: str = ""
    categories: tuple[str, ...] = ()
    timezone: str = ""
    max_age: timedelta = timedelta()
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """Who cosigns heads of the trail on another machine: where it is asked, and its public key as text."""

    url: str
    vkey: str


@dataclass(frozen=True, slots=True)
class TsaSettings:
    """Who stamps heads of the trail (RFC 3161): where it is asked, and a file with the certificates it signs under."""

    url: str
    roots: str


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The audit trail. `keep_months` is how long records are kept."""

    origin: str
    keep_months: int
    on_failure: OnAuditFailure
    key: str
    witness: WitnessSettings | None = None
    tsa: TsaSettings | None = None


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """Where metrics are served; `listen` is None where they are not."""

    listen: str | None

    @property
    def host(self) -> str:
        """The address part of `listen`."""
        return "" if self.listen is None else self.listen.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        """The port part of `listen`."""
        return 0 if self.listen is None else int(self.listen.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in retentiond.yml, with every default filled in. `scan_rate` is in names a second."""

    controller: str
    enforcing: bool
    policy: Policy
    stores: tuple[StoreSettings, ...]
    state: str
    register: str
    audit: AuditSettings
    http: HttpSettings
    scan_interval: timedelta
    scan_rate: int | None
    dispute_grace: timedelta
    incident_period: timedelta
    watch: bool
    socket: str
    sources: tuple[SourceSettings, ...] = ()


@dataclass(frozen=True, slots=True)
class LoadedRegister:
    """The register and the digest of the file that it was read from."""

    register: Register
    digest: str


def socket_of(state: str) -> str:
    """Return where the control socket of a state directory lies (ADR 0012)."""
    return DEFAULT_SOCKET if state == DEFAULT_STATE else f"{state}/run/control.sock"
