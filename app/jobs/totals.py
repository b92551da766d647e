"""Figures of all jobs together, as the record counts them and ``GET /metrics`` tells them."""

from typing import NamedTuple

from app.jobs.states import State


class Totals(NamedTuple):
    """Figures of all jobs together.

    Args:
        jobs: how many there are in each state.
        oldest_wait: for how long the job has waited that was queued first, in seconds; 0 if none waits.
        steps_per_second: of all jobs that are trained now.
        recoveries: how often the jobs that there are were taken up again after their process or worker had died.
        workers: how many share the database.
        beats: how often each of them has beaten, by its name.
    """

    jobs: dict[State, int]
    oldest_wait: float
    steps_per_second: float
    recoveries: int
    workers: int
    beats: dict[str, int]
