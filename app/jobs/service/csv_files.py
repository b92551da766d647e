"""Real examples from a CSV, as NumPy, R, pandas, Excel and people write it.

What is certain is understood. All else is refused, with its line and column: a number that is read as another one would
train a network on wrong data.
"""

from itertools import chain
from pathlib import Path
from typing import NoReturn

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import Decimals, are_sound, number_of
from app.jobs.service.csv_layout import Layout, learn_layout
from app.jobs.service.csv_rows import Row, RowReader, without_end
from app.jobs.service.examples import Table, check_limit

Floats = npt.NDArray[np.float64]


def read_csv(path: Path, encoding: str, max_rows: int) -> Table:
    """Read a CSV.

    Between the columns stand commas, semicolons, tabs, bars or white space. Decimals have points, or commas where that
    is certain; there are no thousands separators. Cells may be quoted. There may be a line of titles, row names under
    no title, comments after ``#``, lines and last columns without content.

    Raises:
        UploadError: it is not as described.
        OSError: it cannot be read.
    """
    # Bytes that are not in the encoding become U+FFFD, which is refused where it stands.
    with open(path, encoding=encoding, errors="replace") as text:
        reader = RowReader(text)
        blocks = reader.blocks()
        head: list[Row] = []
        while len(head) < 2 and (rows := next(blocks, None)) is not None:
            head += rows
        layout, head = learn_layout(head, reader.comment)
        parser, count, parts = _Parser(layout), 0, []
        for rows in filter(None, chain([head], blocks)):
            count += len(rows)
            check_limit("rows", count, max_rows, "or more")
            parts.append(parser.parse(rows))
    parser.decimals.check()
    skipped = []
    if layout.names:
        skipped.append("column 1: row names")
    if layout.padding:
        skipped.append(f"{layout.padding:,} empty column{'s' * (layout.padding > 1)} at the end")
    return Table(np.concatenate(parts), layout.titles, (*skipped, *reader.skipped()), layout.warnings)


class _Parser:
    """Turns rows into numbers: with NumPy where it cannot go wrong, else cell by cell, which finds what is wrong."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.decimals = Decimals()

    def parse(self, rows: list[Row]) -> Floats:
        """Return the numbers of the rows, ``(rows, columns)``.

        Raises:
            UploadError: a cell is no number, or there are too few or too many.
        """
        values = self._parse_at_once(rows)
        return self._parse_by_cell(rows) if values is None else values

    def _parse_at_once(self, rows: list[Row]) -> Floats | None:
        """Return the numbers of the rows, or None where a closer look is needed."""
        layout, texts = self._layout, [row.text for row in rows]
        numbers = (text.split(layout.delimiter, 1)[-1] for text in texts) if layout.names else texts
        point = next((row.line for row, text in zip(rows, numbers, strict=True) if "." in text), None)
        if layout.delimiter != "," and any("," in text for text in texts):
            if layout.names or point or not self.decimals.sure_of_comma:
                return None
            texts = [text.replace(",", ".") for text in texts]
        if layout.padding and layout.delimiter:
            texts = [text.rstrip(layout.delimiter + " ") for text in texts]
        try:
            values: Floats = np.loadtxt(
                texts,
                np.float64,
                comments=None,
                delimiter=layout.delimiter,
                quotechar='"' if any('"' in text for text in texts) else None,
                converters={0: lambda _: 0.0} if layout.names else None,
                ndmin=2,
            )
        except ValueError:
            return None
        if values.shape != (len(rows), layout.columns) or not are_sound(values).all():
            return None
        if point and not self.decimals.saw_point(point):
            return None
        return values[:, layout.names :]

    def _parse_by_cell(self, rows: list[Row]) -> Floats:
        layout = self._layout
        values = np.empty((len(rows), layout.columns - layout.names))
        for i, row in enumerate(rows):
            cells = row.cells(layout.delimiter)
            cells = cells[: layout.columns] + without_end(cells[layout.columns :])
            for column, cell in enumerate(cells[layout.names : layout.columns], layout.names + 1):
                try:
                    values[i, column - 1 - layout.names] = number_of(cell, self.decimals, row.line)
                except ValueError as error:
                    raise UploadError(f"line {row.line}, {layout.column(column)}: {error}") from None
            if len(cells) != layout.columns:
                self._refuse_count(row, len(cells))
        return values

    def _refuse_count(self, row: Row, count: int) -> NoReturn:
        what = "cells" if self._layout.names else "numbers"
        raise UploadError(
            f"line {row.line}: expected {self._layout.columns:,} {what}, as in line {self._layout.line}, got {count:,}"
        )
