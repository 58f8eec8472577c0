"""The one family of errors, each with the exit status that a shell or systemd sees.

Classes carry no logic and never log. An adapter turns an `OSError` into one of these with `from error`,
naming the object, the rule and the remedy. The numbers are sysexits(3), and a contract with units and scripts
(README, "Commands and exit statuses").
"""


class RetentiondError(Exception):
    """Anything that a person can be told in one line: what, which object, what to do."""

    exit_status = 70


class UsageError(RetentiondError):
    """The command line asks for something that makes no sense."""

    exit_status = 2


class AuditDamagedError(RetentiondError):
    """The audit trail does not verify."""

    exit_status = 65


class UnreachableError(RetentiondError):
    """No daemon answers on the control socket, or another machine that was asked does not."""

    exit_status = 69


class CannotCreateError(RetentiondError):
    """An output file or directory cannot be made."""

    exit_status = 73


class StorageError(RetentiondError):
    """A disk, a directory or a file did not do what it was asked."""

    exit_status = 74


class StoreFailedError(StorageError):
    """A store as a whole did not do what it was asked. Others are not concerned, and it is tried again."""


class MustRestartError(StorageError):
    """What this process knows cannot be trusted any more: it ends at once, and the next start reads the disk."""


class DurabilityLostError(MustRestartError):
    """A sync of the audit trail failed. Nobody knows what is on the disk, and a second sync would only lie (rule 7)."""


class CatalogueDamagedError(MustRestartError):
    """The catalogue's file is damaged or of another version. Nothing is lost with it: a scan makes it anew."""


class TryAgainError(RetentiondError):
    """Refused now, possible later: another process holds the lock, or a plan has changed."""

    exit_status = 75


class NotPermittedError(RetentiondError):
    """The operating system or our own rule forbids it to this user."""

    exit_status = 77


class ConfigurationError(RetentiondError):
    """The configuration, or a file it names, cannot be used. Holds every problem found, not only the first."""

    exit_status = 78

    def __init__(self, problems: "tuple[str, ...] | str") -> None:
        self.problems = (problems,) if isinstance(problems, str) else problems
        super().__init__("\n".join(self.problems))
