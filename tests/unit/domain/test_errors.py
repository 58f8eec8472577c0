"""Exit statuses are a contract with units and scripts."""

import pytest

from retentiond.domain import errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.RetentiondError, 70),
        (errors.UsageError, 2),
        (errors.AuditDamagedError, 65),
        (errors.UnreachableError, 69),
        (errors.CannotCreateError, 73),
        (errors.StorageError, 74),
        (errors.DurabilityLostError, 74),
        (errors.CatalogueDamagedError, 74),
        (errors.MustRestartError, 74),
        (errors.TryAgainError, 75),
        (errors.NotPermittedError, 77),
        (errors.ConfigurationError, 78),
    ],
)
def test_each_error_has_its_exit_status(error: type[errors.RetentiondError], status: int) -> None:
    assert error.exit_status == status


def test_a_configuration_error_holds_every_problem() -> None:
    error = errors.ConfigurationError(("first", "second"))
    assert error.problems == ("first", "second")
    assert str(error) == "first\nsecond"
    assert errors.ConfigurationError("only").problems == ("only",)
