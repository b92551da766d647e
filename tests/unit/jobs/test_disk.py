"""What a job writes is known before, and bounded."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings
from app.jobs.disk import disk_use
from app.jobs.limits import LimitError, specify
from app.jobs.plan import MOST_CHECKPOINTS
from app.jobs.specification import JobRequest, Specification, StoredData

MIB = 2**20
WIDEST = [1_024] * 9 + [2]
HUGE = Settings(job_disk=2**20, job_memory=2**20)


def _job(**body: Any) -> Specification:
    request = {"model": "wgan_gp", "data": {"name": "ring8"}, "epochs": 10} | body
    return specify(JobRequest.model_validate(request), None, HUGE)


@given(
    st.lists(st.integers(1, 1_024), min_size=2, max_size=9),
    st.integers(1, 10_000),
    st.sampled_from([None, 0.999]),
    st.integers(1, 4_096),
)
def test_as_many_checkpoints_as_fit(widths: list[int], epochs: int, ema: float | None, most: int) -> None:
    job = _job(gen_shape=[*widths, 2], epochs=epochs, ema=ema)
    use = disk_use(job, most * MIB)
    assert 1 <= use.kept <= MOST_CHECKPOINTS
    assert use.total <= most * MIB or use.kept == 1
    if use.kept < MOST_CHECKPOINTS:
        assert use.total + use.checkpoint > most * MIB, "one more would not fit"
    assert use.total <= disk_use(job, (most + 1) * MIB).total


def test_a_job_of_a_few_bytes_does_not_fill_the_disk() -> None:
    """The widest networks that the default limits allow once wrote eleven checkpoints of 220 MB."""
    settings = Settings()
    use = disk_use(_job(gen_shape=WIDEST), settings.job_bytes)
    assert use.kept == 3
    assert 11 * use.checkpoint > 1.9e9
    assert use.total <= settings.job_disk * MIB


@pytest.mark.parametrize(
    ("settings", "body"),
    [
        ({"job_disk": 256}, {"gen_shape": WIDEST}),
        ({"max_disk": 256}, {"gen_shape": WIDEST}),
        ({"job_disk": 16}, {"gen_shape": [600, 600, 2]}),
        ({"job_disk": 16}, {"epochs": 10_000}),
    ],
)
def test_what_cannot_fit_is_refused_with_the_arithmetic(settings: dict[str, int], body: dict[str, Any]) -> None:
    request = JobRequest.model_validate({"model": "wgan_gp", "data": {"name": "ring8"}} | body)
    most = min(settings.values())
    with pytest.raises(LimitError, match=rf"2 checkpoints × .* MiB, and a job may write {most} MiB; take narrower"):
        specify(request, None, Settings(**settings))  # type: ignore[arg-type]


def test_own_points_are_counted() -> None:
    points = StoredData(rows=100_000, dimensions=50)
    request = JobRequest.model_validate({"model": "wgan_gp", "data": {"name": "ring8"}})
    with_points = specify(request, points, HUGE)
    fewer = with_points.model_copy(update={"data": StoredData(rows=1, dimensions=50)})
    assert disk_use(with_points, MIB).total - disk_use(fewer, MIB).total == 4 * 50 * 99_999
