"""Estimates how long queued jobs will wait."""

import heapq
import math
from collections.abc import Iterable, Sequence

from app.jobs.record.values import JobRow
from models.catalogue import discriminator_widths, parameters

#: What a training step costs whatever its networks, in multiplications: a step of [2, 10, 10, 5] takes a fifth of the
#: time of one of [49, 98, 98, 49], not a hundredth.
_OVERHEAD = 7e6


def waits(
    waiting: Sequence[JobRow], running: Sequence[JobRow], known: Iterable[JobRow], slots: int
) -> dict[str, float]:
    """Return how long each waiting job is likely to wait, by id, in seconds.

    Args:
        waiting: in the order of the queue.
        running: the jobs that are being trained.
        known: jobs whose speed tells that of others; without any, nothing is known.
        slots: how many jobs are trained at the same time.
    """
    speeds = [(_cost(job), job["seconds"] / (job["step"] - job["first_step"])) for job in known if _has_speed(job)]
    if not speeds:
        return {}
    # When each slot gets free; sorted, so a heap.
    free = [0.0] * max(0, slots - len(running)) + sorted(_seconds(job, speeds) for job in running)
    found = {}
    for job in waiting:
        if job["unreadable"] is None:
            found[job["id"]] = start = heapq.heappop(free)
            heapq.heappush(free, start + _seconds(job, speeds))
    return found


def _has_speed(job: JobRow) -> bool:
    return job["unreadable"] is None and job["seconds"] > 0 and job["step"] > job["first_step"]


def _seconds(job: JobRow, speeds: Sequence[tuple[float, float]]) -> float:
    """Return how long the rest of a job is likely to train: as long a step as the job with the most similar step."""
    cost = _cost(job)
    other, seconds = min(speeds, key=lambda known: abs(math.log(known[0] / cost)))
    return float((job["steps"] - job["step"]) * seconds * cost / other)


def _cost(job: JobRow) -> float:
    """Return what a training step costs, in multiplications."""
    given = job["specification"]
    shape = given["gen_shape"]
    weights = parameters(shape) + parameters(discriminator_widths(shape))
    return float(_OVERHEAD + given.get("batch_size", 200) * (given.get("disc_iter", 2) + 1) * weights)
