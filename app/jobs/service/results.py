"""What a job has produced, in the formats that clients ask for: losses, pictures, samples, networks.

All functions raise ``UnknownJobError`` if the job does not exist.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

from app.jobs.errors import NotThereError
from app.jobs.limits import LimitError
from app.jobs.record.values import JobRow, require_readable
from app.jobs.service import pictures, sampling
from app.jobs.service.database import JobDatabase, reading_files_of
from app.jobs.service.views import view
from app.jobs.specification import StoredData
from models.catalogue import LOSS_NAMES

TableFormat = Literal["json", "csv"]
SamplesFormat = Literal["json", "csv", "npy"]

#: Numbers in one answer.
MAX_VALUES = 2_000_000


def history(database: JobDatabase, job_id: str, form: TableFormat) -> str:
    """Return the losses of every step after ``first_step``.

    Raises:
        NotThereError: the losses cannot be read.
    """
    with database.store() as store:
        job = store.get(job_id)
        losses = store.losses_of(job)
    names, first = LOSS_NAMES[job["specification"]["model"]], job["first_step"]
    if form == "csv":
        rows = np.column_stack([np.arange(first + 1, first + 1 + len(losses)), losses.astype(np.float64)])
        text = io.StringIO()
        np.savetxt(text, rows, ["%d"] + ["%.9g"] * len(names), ",", header=",".join(("step", *names)), comments="")
        return text.getvalue()
    values = (f'"{name}":{sampling.as_json(column)}' for name, column in zip(names, losses.T, strict=True))
    return f'{{"first_step":{first},"losses":{{{",".join(values)}}}}}'


def picture(database: JobDatabase, job_id: str, step: int | None, size: int) -> bytes:
    """Draw a job as PNG: its points, its discriminator, its losses until ``step`` (by default the last snapshot's).

    Raises:
        NotThereError: the job has no snapshot of that step.
    """
    with database.store() as store:
        job = store.get(job_id)
        losses = store.losses_of(job)
    files = database.files(job_id)
    steps = [known for known in files.snapshot_steps() if known <= job["snapshot"]]
    if not steps and job["snapshot"] >= 0:
        raise NotThereError(f"the pictures of job {job_id} are gone: its files were deleted")
    if not steps:
        raise NotThereError(f"the job is {job['state']} and has no picture yet")
    if step is None:
        step = steps[-1]
    if step not in steps:
        near = min(steps, key=lambda known: abs(known - step))
        raise NotThereError(f"expected a step with a snapshot, got {step}; the nearest is {near}, the last {steps[-1]}")
    with reading_files_of(job_id):
        real, snapshot = (json.loads(path.read_text()) for path in (files.real, files.snapshot(step)))
    return pictures.picture(
        losses[: step - job["first_step"]],
        real=real,
        snapshot=snapshot,
        names=LOSS_NAMES[job["specification"]["model"]],
        first_step=job["first_step"],
        title=f"{job['specification']['model']}, step {step:,} of {job['steps']:,}",
        size=size,
    )


def samples(database: JobDatabase, job_id: str, count: int, seed: int, form: SamplesFormat) -> str | bytes:
    """Draw fresh samples of the job's generator, in the units of its examples.

    Raises:
        NotThereError: the job has no weights yet.
        LimitError: the answer would have more than ``MAX_VALUES`` numbers.
    """
    with database.store() as store:
        job = store.get(job_id)
    require_readable(job)
    dimensions = job["specification"]["gen_shape"][-1]
    if count * dimensions > MAX_VALUES:
        raise LimitError(
            f"count: expected at most {MAX_VALUES:,} numbers in one answer, got {count:,} samples of "
            f"{dimensions:,}; ask several times, with different seeds"
        )
    path = _weights(database, job) / "generator.npz"
    with reading_files_of(job_id):
        outputs = sampling.sample(path, job["specification"]["latent_type"], count, seed)
    stored = job["specification"]["data"]
    drawn = sampling.in_units(outputs, StoredData.model_validate(stored) if "rows" in stored else None)
    if form == "csv":
        return sampling.as_csv(drawn)
    if form == "npy":
        return sampling.as_npy(drawn.points)
    return f'{{"seed":{seed},"samples":{sampling.as_json(drawn.points, drawn.formats)}}}'


def networks(database: JobDatabase, job_id: str) -> bytes:
    """Return a zip of ``generator.h5``, ``discriminator.h5`` and ``job.json``.

    Raises:
        NotThereError: the job has no weights yet.
    """
    with database.store() as store:
        job = store.get(job_id)
    folder = _weights(database, job)
    buffer = io.BytesIO()
    with reading_files_of(job_id), zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("generator.h5", "discriminator.h5"):
            archive.write(folder / name, name)
        archive.writestr("job.json", view(job).model_dump_json(indent=2))
    return buffer.getvalue()


def _weights(database: JobDatabase, job: JobRow) -> Path:
    """Return the folder of the job's networks."""
    if not job["weights"]:
        raise NotThereError(f"the job is {job['state']} and has no weights; they are written when it stops")
    return database.files(job["id"]).weights(job["weights"])
