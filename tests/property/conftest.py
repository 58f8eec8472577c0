"""One profile for all property tests: no deadline, since a busy machine is no failure, and nothing left on the disk."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "retentiond", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("retentiond")
