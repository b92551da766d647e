import math
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.jobs.errors import QuotaError
from app.jobs.limits import LimitError
from app.jobs.quotas import Quota, day_of, seconds_left

QUOTA = Quota(jobs=3, steps=1_000, megabytes=2)
NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC).timestamp()
#: Until the year 3000.
TIMES = st.floats(0, 32_503_680_000)


@given(st.integers(0, 10))
def test_as_many_jobs_as_the_quota_may_be_unfinished(unfinished: int) -> None:
    if unfinished < QUOTA.jobs:
        QUOTA.check_jobs(unfinished)
        return
    with pytest.raises(QuotaError, match=f"at most 3 unfinished jobs of one key, .* has {unfinished}; wait") as refused:
        QUOTA.check_jobs(unfinished)
    assert refused.value.retry_seconds == 10


@given(st.integers(0, 1_500), st.integers(0, 2_000), TIMES)
@example(1_000, 0, NOON)
@example(1, 1_000, NOON)
@example(1_000, 1, NOON)
def test_the_steps_of_a_day_are_never_more_than_the_quota(wanted: int, used: int, now: float) -> None:
    if wanted > QUOTA.steps:
        with pytest.raises(LimitError, match=f"at most 1,000 steps, those of one key in a day, got {wanted:,}"):
            QUOTA.check_steps(wanted, used, now)
    elif used + wanted > QUOTA.steps:
        with pytest.raises(QuotaError) as refused:
            QUOTA.check_steps(wanted, used, now)
        assert refused.value.retry_seconds == seconds_left(now)
    else:
        QUOTA.check_steps(wanted, used, now)


def test_a_refusal_says_what_is_used_and_when_it_is_free() -> None:
    with pytest.raises(QuotaError) as refused:
        QUOTA.check_steps(600, 500, NOON + 1_800)
    assert str(refused.value) == (
        "expected at most 1,000 steps of one key in a day; 500 were asked for since 00:00 UTC, 500 are left, and this "
        "job has 600; all are free again at 00:00 UTC, in 11 h 30 min"
    )
    with pytest.raises(QuotaError) as full:
        QUOTA.check_files(wanted=2**20, kept=2**19, reserved=2**19 + 1)
    assert str(full.value) == (
        "expected at most 2 MiB of one key: its jobs that have ended keep 0.5, the others may write 0.5, and this job "
        "1.0; delete jobs that have ended"
    )
    assert full.value.retry_seconds is None, "time does not help"
    QUOTA.check_files(wanted=2**20, kept=2**19, reserved=2**19)
    with pytest.raises(LimitError, match=r"at most 2 MiB of one key, and this job may write 2\.5"):
        QUOTA.check_files(wanted=5 * 2**19, kept=0, reserved=0)


@given(TIMES)
@example(NOON)
@example(86_399.999999)
@example(86_400.0)
def test_a_day_is_over_when_it_is_said_to_be(now: float) -> None:
    left = seconds_left(now)
    assert 1 <= left <= 86_400
    assert day_of(now + left) != day_of(now)
    assert day_of(math.floor(now) + left - 1) == day_of(now)
