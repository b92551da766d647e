"""What a job has produced, in the formats that clients ask for: losses, pictures, samples, networks.

All functions raise ``UnknownJobError`` if the job does not exist.
"""

import contextlib
import io
import itertools
import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Literal

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from app.jobs import file_names
from app.jobs.errors import NotThereError
from app.jobs.limits import LimitError
from app.jobs.record.values import JobRow, require_readable
from app.jobs.service import pictures, sampling, stored
from app.jobs.service.database import JobDatabase, reading_files_of
from app.jobs.service.pictures import FilmFormat
from app.jobs.service.views import view
from app.jobs.service.zips import zipped
from app.jobs.specification import StoredData
from models.catalogue import LOSS_NAMES, parameters

TableFormat = Literal["json", "csv"]
SamplesFormat = Literal["json", "csv", "npy"]

#: Numbers in one answer.
MAX_VALUES = 2_000_000
#: Multiplications in one answer of samples, up to four seconds of a core: samples × weights of the generator.
MAX_WORK = 10**11
#: Bytes of a file that are sent at a time.
_PIECE = 2**18
#: Frames of a film; jobs have up to 252 snapshots of whole steps.
MAX_FRAMES = 100


def history(database: JobDatabase, job_id: str, form: TableFormat) -> Iterator[bytes]:
    """Return the losses of every step after ``first_step``, piece by piece.

    Raises:
        NotThereError: the losses cannot be read.
    """
    with database.store() as store:
        job = store.get(job_id)
        losses = store.losses_of(job)
    names, first = LOSS_NAMES[job["specification"]["model"]], job["first_step"]
    if form == "csv":
        return sampling.losses_as_csv(losses, names, first)
    return sampling.losses_as_json(losses, names, first)


def picture(database: JobDatabase, job_id: str, step: int | None, size: int) -> bytes:
    """Draw a job as PNG: its points, its discriminator, its losses until ``step`` (by default the last snapshot's).

    Raises:
        NotThereError: the job has no snapshot of that step.
    """
    job, losses, steps = _drawable(database, job_id)
    if step is None:
        step = steps[-1]
    if step not in steps:
        near = min(steps, key=lambda known: abs(known - step))
        raise NotThereError(f"expected a step with a snapshot, got {step}; the nearest is {near}, the last {steps[-1]}")
    with reading_files_of(job_id):
        real, (snapshot,) = stored.pictured(database.files(job), [step])
    losses = losses[: step - job["first_step"]]
    return pictures.picture(snapshot, losses, real=real, size=size, **_captions(job, [step]))


def film(database: JobDatabase, job_id: str, form: FilmFormat, size: int, fps: int, gone: threading.Event) -> bytes:
    """Draw up to ``MAX_FRAMES`` snapshots of a job as an animation, or none once ``gone`` is set.

    Raises:
        NotThereError: the job has no snapshot.
    """
    job, losses, steps = _drawable(database, job_id)
    places = np.linspace(0, len(steps) - 1, min(len(steps), MAX_FRAMES)).round().astype(int)
    steps = [steps[place] for place in places]
    with reading_files_of(job_id):
        real, snapshots = stored.pictured(database.files(job), steps)
    losses = losses[: steps[-1] - job["first_step"]]
    return pictures.film(snapshots, losses, form, fps, gone, real=real, size=size, **_captions(job, steps))


def _drawable(database: JobDatabase, job_id: str) -> tuple[JobRow, npt.NDArray[np.float32], list[int]]:
    """Return a job, its losses and the steps of its snapshots, of which there is one at least."""
    with database.store() as store:
        job = store.get(job_id)
        losses = store.losses_of(job)
    known = file_names.snapshot_steps(database.files(job).names())
    steps = [step for step in known if step <= job["snapshot"]]
    if not steps and job["snapshot"] >= 0:
        raise NotThereError(f"the pictures of job {job_id} are gone: its files were deleted")
    if not steps:
        raise NotThereError(f"the job is {job['state']} and has no picture yet")
    return job, losses, steps


def _captions(job: JobRow, steps: list[int]) -> dict[str, Any]:
    """Return what a figure says besides: of its losses, and of the snapshots of these steps."""
    model, first = job["specification"]["model"], job["first_step"]
    return {
        "names": LOSS_NAMES[model],
        "first_step": first,
        "ends": [step - first for step in steps],
        "titles": [f"{model}, step {step:,} of {job['steps']:,}" for step in steps],
    }


def samples(database: JobDatabase, job_id: str, count: int, seed: int, form: SamplesFormat) -> Iterator[bytes]:
    """Draw fresh samples of the job's generator, in the units of its examples; return the answer piece by piece.

    Raises:
        NotThereError: the job has no weights yet.
        LimitError: the answer would have more than ``MAX_VALUES`` numbers, or take more than ``MAX_WORK``.
    """
    with database.store() as store:
        job = store.get(job_id)
    require_readable(job)
    check_count(count, job["specification"]["gen_shape"])
    with reading_files_of(job_id), _network(database, job, "generator.npz") as file:
        outputs = sampling.sample(file, job["specification"]["latent_type"], count, seed)
        drawn = sampling.in_units(outputs, _own_data(job))
    if form == "csv":
        return sampling.as_csv(drawn)
    if form == "npy":
        return sampling.as_npy(drawn.points)
    numbers = sampling.as_json(drawn.points, drawn.formats)
    return itertools.chain([b'{"seed":%d,"samples":' % seed], numbers, [b"}"])


def check_count(count: int, widths: Sequence[int]) -> None:
    """Check that one answer may have ``count`` samples of a generator with layers of these widths.

    Raises:
        LimitError: they are too many numbers, or too much work.
    """
    dimensions, weights = widths[-1], parameters(widths)
    if count * weights > MAX_WORK:
        raise LimitError(
            f"count: expected at most {MAX_WORK // weights:,} samples in one answer of a generator with {weights:,} "
            f"weights, got {count:,}; ask several times, with different seeds"
        )
    if count * dimensions > MAX_VALUES:
        raise LimitError(
            f"count: expected at most {MAX_VALUES:,} numbers in one answer, got {count:,} samples of "
            f"{dimensions:,}; ask several times, with different seeds"
        )


def points(database: JobDatabase, job_id: str) -> tuple[int, Iterator[bytes]]:
    """Return a ``.npy`` of the caller's own examples as the networks get them: its size, and its bytes piece by piece.

    Raises:
        NotThereError: there is none.
    """
    with database.store() as store:
        job = store.get(job_id)
    require_readable(job)
    data = _own_data(job)
    if data is None:
        raise NotThereError("the job has no points of its own: it learns a toy distribution, which the seed decides")
    with reading_files_of(job_id), contextlib.ExitStack() as opened:
        file = opened.enter_context(database.files(job).open(file_names.POINTS))
        stored.own_points(file, data)
        opened.pop_all()  # open, it can be read to its end, whoever deletes it
    return os.fstat(file.fileno()).st_size, _pieces(file)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    """Read a file from its start, piece by piece, and close it."""
    with file:
        file.seek(0)
        while piece := file.read(_PIECE):
            yield piece


def _own_data(job: JobRow) -> StoredData | None:
    """Return what is known of the caller's own examples, or None where the job learns a toy distribution.

    Raises:
        NotThereError: it cannot be read.
    """
    data = job["specification"].get("data")
    if not isinstance(data, dict) or "rows" not in data:
        return None
    try:
        return StoredData.model_validate(data)
    except ValidationError:
        raise NotThereError(f"what is stored of the points of job {job['id']} cannot be read") from None


def networks(database: JobDatabase, job_id: str) -> Iterator[bytes]:
    """Return a zip of ``generator.h5``, ``discriminator.h5`` and ``job.json``, piece by piece.

    Raises:
        NotThereError: the job has no weights yet.
    """
    with database.store() as store:
        job = store.get(job_id)
    files: dict[str, BinaryIO] = {}
    with reading_files_of(job_id), contextlib.ExitStack() as opened:
        for name in ("generator.h5", "discriminator.h5"):
            files[name] = opened.enter_context(_network(database, job, name))
        opened.pop_all()  # open, they can be read to their end, whoever deletes or renews them
    files["job.json"] = io.BytesIO(view(job).model_dump_json(indent=2).encode())
    return zipped(files)


def _network(database: JobDatabase, job: JobRow, name: str) -> BinaryIO:
    """Open a file of the job's networks."""
    if not job["weights"]:
        raise NotThereError(f"the job is {job['state']} and has no weights; they are written when it stops")
    return database.files(job).open(file_names.network(job["weights"], name))
