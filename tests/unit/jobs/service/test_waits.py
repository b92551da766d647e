"""How long queued jobs are likely to wait."""

from typing import Any

import pytest

from app.jobs.record.values import JobRow
from app.jobs.service.waits import waits


def _job(name: str, steps: int = 1_000, step: int = 0, seconds: float = 0.0, **changes: Any) -> JobRow:
    specification = {"gen_shape": [2, 10, 10, 2], "batch_size": 100, "disc_iter": 2} | changes.pop("specification", {})
    row = {"id": name, "steps": steps, "step": step, "first_step": 0, "seconds": seconds, "unreadable": None}
    return row | {"specification": specification} | changes


KNOWN = [_job("known", step=1_000, seconds=10.0)]


@pytest.mark.parametrize(
    ("slots", "running", "expected"),
    [
        (1, [], [0, 10, 30]),
        (1, [_job("r", step=600)], [4, 14, 34]),
        (2, [_job("r", step=600)], [0, 4, 10]),
        (2, [_job("r", step=600), _job("s", step=900)], [1, 4, 11]),
        (4, [], [0, 0, 0]),
        # More than there are slots: another service runs them with other settings.
        (1, [_job("r", step=600), _job("s", step=900)], [1, 4, 11]),
    ],
)
def test_a_job_starts_when_those_before_it_have_left_a_slot(
    slots: int, running: list[JobRow], expected: list[float]
) -> None:
    waiting = [_job("a"), _job("b", steps=2_000), _job("c")]
    assert waits(waiting, running, KNOWN, slots) == pytest.approx(dict(zip("abc", expected, strict=True)))


def test_nothing_is_known_before_any_job_was_trained() -> None:
    assert waits([_job("a")], [], [], 1) == {}
    assert waits([_job("a")], [_job("b")], [_job("b")], 1) == {}


def test_a_larger_network_takes_longer_and_the_most_similar_one_tells_how_long() -> None:
    wide = {"gen_shape": [2, 200, 200, 2], "batch_size": 1_000}
    waiting = [_job("wide", specification=wide), _job("next")]
    alone = waits(waiting, [], KNOWN, 1)["next"]
    assert alone > 20 * 10
    known = [*KNOWN, _job("as wide", step=500, seconds=20.0, specification=wide)]
    assert waits(waiting, [], known, 1)["next"] == pytest.approx(40)


def test_unreadable_jobs_neither_tell_nor_are_told_anything() -> None:
    broken = _job("broken", unreadable="damaged", specification={"gen_shape": None})
    assert waits([broken, _job("a")], [], [broken, *KNOWN], 1) == {"a": 0.0}


def test_what_a_fork_inherits_took_no_time() -> None:
    fork = _job("fork", steps=2_000, step=2_000, seconds=10.0, first_step=1_000)
    assert waits([_job("a"), _job("b")], [], [fork], 1)["b"] == pytest.approx(10)
