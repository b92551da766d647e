"""A look at a job before it is submitted: what its file of points holds, and how large it would be."""

import numpy as np
from pydantic import BaseModel, Field

from app.jobs.disk import disk_use
from app.jobs.limits import sizes, specify
from app.jobs.service.database import JobDatabase
from app.jobs.service.examples import Table, prepared
from app.jobs.service.submit import described
from app.jobs.specification import JobRequest, StoredData

#: Rows and coordinates that are shown.
_ROWS = 2_000
_COLUMNS = 5
#: Digits that resolve the width of a column.
_DIGITS = 4


class Preview(BaseModel):
    """What a job would learn from a file."""

    name: str | None = Field(description="That of the file, without its ending.")
    rows: int
    dimensions: int
    titles: tuple[str, ...] | None = Field(description="Of the columns, where the file has them.")
    skipped: tuple[str, ...] = Field(description="What of the file is not among the points.")
    warnings: tuple[str, ...] = Field(description="What may be meant otherwise than it was taken.")
    points: list[list[float]] = Field(
        description="Up to 2,000 of the points, from all of the file, in its units, with up to five coordinates."
    )


def preview(table: Table) -> Preview:
    """Describe examples as a job would learn them: outliers are moved."""
    stored, points = prepared(table, True)
    chosen = np.linspace(0, stored.rows - 1, min(stored.rows, _ROWS)).round().astype(int)
    some = points[chosen, :_COLUMNS]
    if stored.transform is None:
        rows, formats = some.tolist(), [f"%.{_DIGITS}g"] * some.shape[1]
    else:
        rows, formats = stored.transform.to_values(some).tolist(), stored.transform.formats(_DIGITS)
    shown = [[float(form % value) for form, value in zip(formats, row, strict=False)] for row in rows]
    return Preview(**stored.model_dump(exclude={"transform"}), points=shown)


class Network(BaseModel):
    """How large a network would be."""

    widths: tuple[int, ...] = Field(description="Of its layers, from input to output.")
    weights: int = Field(description="Numbers that are trained, biases included.")


class Estimate(BaseModel):
    """How large a job would be."""

    steps: int = Field(description="epochs × steps_per_epoch.")
    generator: Network
    discriminator: Network
    memory: int = Field(description="Bytes that it takes, on top of an idle training process.")
    disk: int = Field(description="Bytes that it writes at most.")


def estimate(database: JobDatabase, request: JobRequest, table: Table | None, outline: StoredData | None) -> Estimate:
    """Check a job as if it were submitted, and say how large it would be.

    Args:
        database: of the jobs, with the limits.
        request: the checked body.
        table: examples from an uploaded file.
        outline: facts about points that will come with the job, but are not here.

    Raises:
        LimitError: the job exceeds a limit of this service.
    """
    specification = specify(request, outline or described(database, request, table), database.settings)
    job = sizes(specification)
    return Estimate(
        steps=job.steps,
        generator=Network(widths=job.generator, weights=job.generator_weights),
        discriminator=Network(widths=job.discriminator, weights=job.discriminator_weights),
        memory=job.memory,
        disk=disk_use(specification, database.settings.job_bytes).total,
    )
