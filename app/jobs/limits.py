"""From a request to a checked job: defaults, the limits that the settings give, and the memory arithmetic."""

import math
from typing import Any, NamedTuple

from app.config import Settings
from app.jobs.disk import disk_use
from app.jobs.specification import ForkRequest, JobRequest, Specification, StoredData, ToyData, Training
from models.catalogue import (
    BLOCK_BYTES,
    BLOCK_STEPS,
    TOY_DIMENSIONS,
    GanName,
    discriminator_widths,
    parameters,
    step_bytes,
)

#: Settings that only one model has.
SETTINGS_OF_ONE_MODEL: dict[str, GanName] = {"lambda_gp": "wgan_gp", "clip": "wgan_clip"}

#: The exercise's generators, by the dimension of their examples.
EXERCISE_SHAPES = {2: (1, 10, 10, 2), 5: (2, 10, 10, 5), 49: (49, 98, 98, 49)}


class LimitError(ValueError):
    """A job exceeds this service's limits, or its parts do not fit each other; the message has the arithmetic."""


def specify(request: JobRequest, data: ToyData | StoredData | None, settings: Settings) -> Specification:
    """Complete a request and check it against the limits.

    Args:
        request: the body.
        data: what is learnt, if it is not the toy distribution of the body.
        settings: the limits.

    Raises:
        LimitError: the job is beyond a limit, or its parts do not fit each other.
    """
    if data is None:
        assert isinstance(request.data, ToyData)
        data = request.data
    _check_belonging(request.model, request)
    dimensions = TOY_DIMENSIONS[data.name] if isinstance(data, ToyData) else data.dimensions
    shape = request.gen_shape or EXERCISE_SHAPES.get(dimensions, (2, 10, 10, dimensions))
    if "gen_shape" not in request.model_fields_set:  # a preset's, which may be for data of another dimension
        shape = (*shape[:-1], dimensions)
    common = request.model_dump(include=set(Specification.model_fields) - {"data", "gen_shape"})
    specification = Specification(**common, data=data, gen_shape=tuple(shape))
    check_limits(specification, settings)
    return specification


def forked(parent: Specification, changes: ForkRequest, step: int, settings: Settings) -> Specification:
    """Return the parent's specification with the changes that a fork at ``step`` asks for.

    Raises:
        LimitError: the changed job is beyond a limit, or ``step`` is its end.
    """
    _check_belonging(parent.model, changes)
    wanted: dict[str, Any] = changes.model_dump(
        exclude_none=True, include=set(Training.model_fields) | {"seed", "views"}
    )
    specification = parent.model_copy(update=wanted)
    if specification.total_steps <= step:
        raise LimitError(
            f"epochs × steps_per_epoch: the fork goes on from step {step:,}; expected more steps than that, "
            f"got {specification.total_steps:,}"
        )
    check_limits(specification, settings)
    return specification


def _check_belonging(model: GanName, request: JobRequest | ForkRequest) -> None:
    """Refuse a setting of another model; jobs that were stored before this check may still have one.

    Raises:
        LimitError: a setting has no effect on this model.
    """
    for name, owner in SETTINGS_OF_ONE_MODEL.items():
        given = getattr(request, name) if name in request.model_fields_set else None
        if given is not None and model != owner:
            raise LimitError(f"{name}: expected it only with {owner}, got {given:g} with {model}; leave it out")


def check_limits(specification: Specification, settings: Settings) -> None:
    """Check a job against this service's limits.

    Raises:
        LimitError: it exceeds one; the message has the expected and the given value, and the arithmetic.
    """
    shape, rows = specification.gen_shape, specification.rows
    if shape[-1] != specification.dimensions:
        raise LimitError(
            f"gen_shape: expected it to end with the {specification.dimensions} coordinates of an example, "
            f"got {list(shape)}"
        )
    if specification.batch_size > rows:
        raise LimitError(f"batch_size: expected at most the {rows:,} real examples, got {specification.batch_size:,}")
    for name, value, most in (
        ("epochs × steps_per_epoch", specification.total_steps, settings.max_steps),
        ("gen_shape: widest layer", max(shape), settings.max_width),
        ("gen_shape: layers", len(shape), settings.max_depth),
        ("batch_size", specification.batch_size, settings.max_batch),
        ("data: rows", rows, settings.max_rows),
    ):
        if value > most:
            raise LimitError(f"{name}: expected at most {most:,}, got {value:,}")
    _check_memory(specification, settings.job_memory)
    _check_disk(specification, settings.job_bytes)


class Sizes(NamedTuple):
    """How large a job is: steps in all, widths and weights of its networks, bytes of memory."""

    steps: int
    generator: tuple[int, ...]
    generator_weights: int
    discriminator: tuple[int, ...]
    discriminator_weights: int
    draws: int
    memory: int


def sizes(specification: Specification) -> Sizes:
    """Do the arithmetic of a job's size."""
    shape = specification.gen_shape
    widths = discriminator_widths(shape)
    generator, discriminator = parameters(shape), parameters(widths)
    # float32: a weight, its gradient and two moments of Adam; of a batch, real, fake and interpolated activations
    # with their gradients, for both networks.
    network_bytes = 16 * (generator + discriminator) + (4 * generator if specification.ema is not None else 0)
    batch_bytes = 4 * 6 * 2 * specification.batch_size * sum(shape)
    data_bytes = 4 * specification.rows * specification.dimensions
    step = draw_bytes(specification)
    draws = 2 * max(step, min(BLOCK_STEPS * step, BLOCK_BYTES))  # the block in use and the next
    needed = network_bytes + batch_bytes + data_bytes + draws
    return Sizes(specification.total_steps, shape, generator, widths, discriminator, draws, needed)


def _check_memory(specification: Specification, most: int) -> None:
    job = sizes(specification)
    if job.memory > most * 2**20:
        raise LimitError(
            f"the job would not fit: 16 bytes × ({job.generator_weights:,} + {job.discriminator_weights:,} parameters) "
            f"+ 48 bytes × {specification.batch_size:,} examples × {sum(specification.gen_shape):,} neurons + "
            f"4 bytes × {specification.rows:,} rows × {specification.dimensions} + "
            f"{math.ceil(job.draws / 2**20):,} MiB of random numbers = {math.ceil(job.memory / 2**20):,} MiB, "
            f"and a job may take {most:,} MiB; take narrower layers, a smaller batch, a smaller disc_iter or fewer rows"
        )


def _check_disk(specification: Specification, most: int) -> None:
    use = disk_use(specification, most)
    if use.total > most:
        raise LimitError(
            f"the job would write too much: {use.kept + 1} checkpoints × {math.ceil(use.checkpoint / 2**20):,} MiB + "
            f"{math.ceil(use.others / 2**20):,} MiB of points, pictures, networks and losses = "
            f"{math.ceil(use.total / 2**20):,} MiB, and a job may write {most // 2**20:,} MiB; take narrower layers, "
            "fewer rows or fewer steps"
        )


def draw_bytes(specification: Specification) -> int:
    """Return the memory that drawing one step's random numbers takes."""
    shape = specification.gen_shape
    return step_bytes(specification.batch_size, specification.disc_iter, shape[-1], shape[0])
