"""Which jobs are deleted to make room."""

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.record.space import Kept
from app.jobs.worker.tidying import due

JOBS = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50)), max_size=12).map(
    lambda jobs: [Kept(str(number), float(ended), size) for number, (ended, size) in enumerate(sorted(jobs))]
)


@given(JOBS, st.integers(-10, 110), st.integers(-50, 600))
def test_the_oldest_go_until_there_is_room_and_no_more(kept: list[Kept], oldest: int, room: int) -> None:
    deleted = [job for job, _ in due(kept, oldest, room)]
    assert deleted == kept[: len(deleted)], "the oldest"
    left = kept[len(deleted) :]
    assert all(job.ended >= oldest for job in left)
    assert sum(job.bytes for job in left) <= max(room, 0)
    if deleted:
        last = deleted[-1]
        assert last.ended < oldest or sum(job.bytes for job in [last, *left]) > room, "it had to go"


@given(JOBS)
def test_without_limits_all_stay(kept: list[Kept]) -> None:
    assert not list(due(kept, -float("inf"), float("inf")))


def test_why() -> None:
    kept = [Kept("a", 1.0, 5), Kept("b", 2.0, 5), Kept("c", 3.0, 5)]
    reasons = [why for _, why in due(kept, 2.0, 5)]
    assert [name in why for name, why in zip(("KEEP_DAYS", "MAX_DISK"), reasons, strict=True)] == [True, True]
