"""At which steps pictures are taken and checkpoints kept."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.plan import MOST_EXTRA_SNAPSHOTS, Plan


@given(st.integers(1, 10_000_000), st.integers(0, 100), st.integers(1, 10))
def test_bounded_and_complete(steps: int, first_step: int, most: int) -> None:
    plan = Plan(steps, first_step, most)
    snapshots, step = 0, 0
    kept = 0
    while step < steps:
        following = plan.next_snapshot(step)
        assert step < following <= steps
        assert plan.has_snapshot(following)
        step = following
        snapshots += 1
        kept += plan.keeps_checkpoint(step)
    assert snapshots <= 201
    assert 1 + snapshots + MOST_EXTRA_SNAPSHOTS <= plan.most_snapshots, "that of the first step is one of them"
    assert kept < most, "the last step's is one of them"


@pytest.mark.parametrize(("steps", "every"), [(1, 1), (100, 2), (1_600, 32), (25_000, 500), (1_000_000, 5_000)])
def test_examples(steps: int, every: int) -> None:
    assert Plan(steps).every == every


def test_a_snapshot_does_not_depend_on_where_one_stands() -> None:
    plan = Plan(1_600)
    assert [plan.next_snapshot(step) for step in (0, 1, 31, 32, 1_590, 1_599)] == [32, 32, 32, 64, 1_600, 1_600]


def test_something_moves_soon() -> None:
    long, fork = Plan(25_000), Plan(25_000, 500)
    assert [long.next_snapshot(step) for step in (0, 31, 32, 500)] == [32, 32, 500, 1_000]
    assert [fork.next_snapshot(step) for step in (500, 532)] == [532, 1_000]
    assert [step for step in range(1_001) if fork.has_snapshot(step)] == [0, 500, 532, 1_000]
    assert [Plan(150).next_snapshot(step) for step in (0, 31)] == [3, 33], "it has many anyway"
