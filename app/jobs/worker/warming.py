"""Which training steps idle processes compile ahead of the jobs that need them."""

from collections.abc import Iterator
from itertools import islice, product

from pydantic import ValidationError

from app.config import Settings
from app.jobs.limits import EXERCISE_SHAPES, LimitError, check_limits
from app.jobs.record.reader import JobReader
from app.jobs.specification import Specification
from app.jobs.worker.processes import WarmProcesses
from models.catalogue import CLASS_NAMES, discriminator_widths, parameters
from models.presets import ToySettings

#: Nothing is compiled ahead until no job has been trained for so long, in seconds.
_QUIET_SECONDS = 3.0
#: Jobs among which the last architectures are looked for.
_LAST_JOBS = 50
#: Parameters of both networks: a process keeps 16 bytes for each with a compiled step.
_MOST_PARAMETERS = 1_000_000


class Warming:
    """Has idle processes compile training steps while no job is trained.

    Args:
        jobs: the record; the architectures of its last jobs are asked for first.
        processes: those that wait for a job.
        settings: the number of architectures, and the limits of a job.
    """

    def __init__(self, jobs: JobReader, processes: WarmProcesses, settings: Settings) -> None:
        self._jobs = jobs
        self._processes = processes
        self._settings = settings
        self._wanted: list[ToySettings] | None = None  # in this pause between jobs

    def go_on(self) -> None:
        """Let a process begin with the next architecture if none is at work. To be called again and again."""
        if self._processes.quiet_seconds < _QUIET_SECONDS:
            self._wanted = None
            return
        if self._wanted is None:
            self._wanted = wanted_architectures(self._jobs, self._settings)
        self._processes.compile_ahead(self._wanted)


def wanted_architectures(jobs: JobReader, settings: Settings) -> list[ToySettings]:
    """Return the architectures to compile ahead: those of the last jobs, newest first, then the exercise's."""
    exercise = (
        ToySettings(model=model, gen_shape=shape, epochs=1).architecture
        for shape, model in product(EXERCISE_SHAPES.values(), CLASS_NAMES)
    )
    distinct = dict.fromkeys((*_lately(jobs, settings), *exercise))
    return list(islice(distinct, settings.warm_architectures))


def _lately(jobs: JobReader, settings: Settings) -> Iterator[ToySettings]:
    for job in jobs.page((), _LAST_JOBS):
        try:
            specification = Specification.model_validate(job["specification"])
            check_limits(specification, settings)
        except (ValidationError, LimitError):  # damaged, or stored when the limits were higher
            continue
        shape = specification.gen_shape
        if parameters(shape) + parameters(discriminator_widths(shape)) <= _MOST_PARAMETERS:
            yield specification.settings.architecture
