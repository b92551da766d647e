"""A look at points before they are trained on: what a file of them holds."""

import numpy as np
from pydantic import BaseModel, Field

from app.jobs.service.examples import Table, prepared

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
