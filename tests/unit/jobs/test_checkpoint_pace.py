"""Checkpoints cost a twentieth of the time at most."""

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.checkpoint_pace import CheckpointPace, pause_after


@given(st.floats(1e-6, 3_600), st.floats(0, 60))
def test_writing_takes_a_small_part_of_the_time_and_pauses_are_not_too_short(cost: float, shortest: float) -> None:
    pause = pause_after(cost, shortest)
    assert pause >= shortest
    assert cost <= 0.0501 * (cost + pause)
    assert pause == shortest or cost > 0.0499 * (cost + pause), "no longer than it must be"


def test_the_last_cost_decides_and_a_failed_try_does_not_count() -> None:
    now = 0.0
    pace = CheckpointPace(2.0, lambda: now)

    def wait() -> float:
        """Return how long it takes until the next one is due."""
        nonlocal now
        began = now
        while not pace.is_due():
            now += 0.5
        return now - began

    def write(seconds: float) -> None:
        nonlocal now
        with pace.writing():
            now += seconds

    assert wait() == 2
    write(0.05)
    assert wait() == 2
    write(1)
    assert wait() == 19
    write(3)
    assert wait() == 57
    write(0.01)
    assert wait() == 2
    try:
        with pace.writing():
            now += 60
            raise ConnectionError
    except ConnectionError:
        assert pace.is_due(), "it is tried again at once"
