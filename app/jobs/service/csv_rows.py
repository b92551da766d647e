"""The lines of a CSV with content, split into cells, and what stands between the cells."""

import csv
import re
from collections.abc import Iterator
from typing import NamedTuple, TextIO

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import begins_with_failure, is_missing, is_number
from app.jobs.service.examples import MAX_COLUMNS

#: Characters of a line: enough for as many columns of 25 digits.
MAX_LINE = 32 * MAX_COLUMNS

#: Characters that are read at a time.
_BLOCK = 2**20

#: In order of precedence. None is white space of any length.
DELIMITERS = ("\t", ";", ",", "|", None)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
#: A line of nothing else holds no example.
_SEPARATORS = "\t;,| \xa0"


class Row(NamedTuple):
    """A line with content."""

    line: int
    text: str

    def cells(self, delimiter: str | None) -> list[str]:
        """Split the row."""
        if '"' not in self.text:
            return [cell.strip() for cell in self.text.split(delimiter)]
        if self.text.count('"') % 2:
            raise UploadError(f"line {self.line}: expected the end of what is quoted in the same line, got none")
        # The csv module knows no white space but single spaces, which may be followed by more of them.
        text = self.text if delimiter else " ".join(self.text.split())
        (cells,) = csv.reader([text], delimiter=delimiter or " ", skipinitialspace=True)
        return [cell.strip() for cell in cells]

    def delimiter(self) -> str | None:
        """Return what stands between the numbers, the first of which may be a name; a comma if there is one cell."""
        split = {one: self.cells(one) for one in DELIMITERS if self.quotes_whole_cells(one)}
        if not set(split.get(None, ())).isdisjoint(";,|"):
            del split[None]  # white space only surrounds the separators
        present = [one for one, cells in split.items() if sum(map(bool, cells)) > 1]
        present = present or [one for one, cells in split.items() if len(cells) > 1]
        for one in present:
            if all(is_number(cell) or is_missing(cell) for cell in split[one][1:]):
                return one
        return present[0] if present else ","

    def quotes_whole_cells(self, delimiter: str | None) -> bool:
        """Say whether quotation marks close where a cell ends."""
        ends = (self.text[match.end() :] for match in _QUOTED.finditer(self.text))
        return all(
            not end.strip() or (end.lstrip(" ").startswith(delimiter) if delimiter else end[0].isspace())
            for end in ends
        )

    def is_data(self) -> bool:
        """Say whether there is a number, and nothing but numbers and missing ones."""
        cells = self.cells(self.delimiter())
        return any(map(is_number, cells)) and all(is_number(cell) or is_missing(cell) for cell in cells)


def without_end(cells: list[str]) -> list[str]:
    """Return cells without the empty ones at the end."""
    return cells[: next((i for i in range(len(cells), 0, -1) if cells[i - 1]), 0)]


class RowReader:
    """Reads the rows of a CSV, and counts the lines that are none."""

    def __init__(self, text: TextIO) -> None:
        self._text = text
        self._begun = False
        self._comments = 0
        self._empty: list[int] = []  # lines of separators only
        self.comment = ""  # the last one before the first row

    def blocks(self) -> Iterator[list[Row]]:
        """Yield all rows, many at a time.

        Raises:
            UploadError: a line is too long.
        """
        first, rest, block = 1, "", "more"
        while block:
            block = "" if len(rest) > MAX_LINE else self._text.read(_BLOCK)
            *lines, rest = (rest + block).split("\n")
            lines += [] if block else [rest]
            for number, line in enumerate(lines, first):
                if len(line) > MAX_LINE:
                    raise UploadError(f"line {number}: expected at most {MAX_LINE:,} characters, got more")
            yield [row for row in map(Row, range(first, first + len(lines)), lines) if self._has_content(row)]
            first += len(lines)

    def skipped(self) -> Iterator[str]:
        """Yield what to say about the lines that are no rows."""
        if self._comments:
            yield f"{self._comments:,} comment line{'s' * (self._comments > 1)}"
        if self._empty:
            more = f" and {len(self._empty) - 1:,} more" if self._empty[1:] else ""
            yield f"line {self._empty[0]}{more}: no content"

    def _has_content(self, row: Row) -> bool:
        text = row.text.strip(_SEPARATORS)
        if not text:
            if row.text.strip():
                self._empty.append(row.line)
            return False
        if text[0] == "#" and not begins_with_failure(text):
            self._comments += 1
            if not self._begun:
                self.comment = text.lstrip("# ")
            return False
        self._begun = True
        return True
