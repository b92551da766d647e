"""Real examples from a CSV, as NumPy, R, pandas, Excel and people write it.

What can be told for certain is understood. All else is refused, with its line and column: a number that is read as
another one would train a network on something that nobody has measured.
"""

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn, TextIO

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import (
    Decimals,
    are_sound,
    begins_with_failure,
    has_comma,
    is_missing,
    is_number,
    is_word,
    number_of,
    printable,
    thousands_with_points,
)
from app.jobs.service.examples import Table

Floats = npt.NDArray[np.float64]

MAX_COLUMNS = 1_024
#: Characters of a line: enough for as many columns of 25 digits.
MAX_LINE = 32 * MAX_COLUMNS

ACCEPTED = "expected a CSV of numbers or a .npy of shape (rows, dimensions)"

#: Characters that are worked on at a time.
_BLOCK = 2**20

#: Rows by which points are told from marks between thousands.
_LOOKED_AT = 1_000

#: In the order in which they are believed. None is white space, of any length.
_DELIMITERS = ("\t", ";", ",", "|", None)
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
#: A line of nothing but these holds no example.
_SEPARATORS = "\t;,| \xa0"


def read_csv(path: Path, encoding: str, max_rows: int) -> Table:
    """Read a CSV.

    Between the columns stand commas, semicolons, tabs, bars or white space. Decimals have points, or commas where that
    is certain; there are no thousands separators. Cells may be quoted. There may be a line of titles, row names under
    no title, comments after ``#``, lines and last columns without content.

    Raises:
        UploadError: it is not as described.
        OSError: it cannot be read.
    """
    reader = _Csv(max_rows)
    first = 1
    # What is not in the encoding becomes U+FFFD, which is complained about where it stands.
    with open(path, encoding=encoding, errors="replace") as text:
        for lines in _line_blocks(text):
            reader.add(first, lines)
            first += len(lines)
    return reader.table()


def _line_blocks(text: TextIO) -> Iterator[list[str]]:
    """Yield all lines, many at a time, without their ends."""
    rest = ""
    while block := text.read(_BLOCK):
        *lines, rest = (rest + block).split("\n")
        yield lines
        if len(rest) > MAX_LINE:
            break
    yield [rest]


class _Row(NamedTuple):
    """A line with content."""

    line: int
    text: str

    def cells(self, delimiter: str | None) -> list[str]:
        """Split the row."""
        if '"' not in self.text:
            return [cell.strip() for cell in self.text.split(delimiter)]
        if self.text.count('"') % 2:
            raise UploadError(f"line {self.line}: expected the end of what is quoted in the same line, got none")
        # To the csv module, white space is single spaces, each with more of them to be skipped.
        text = self.text if delimiter else " ".join(self.text.split())
        (cells,) = csv.reader([text], delimiter=delimiter or " ", skipinitialspace=True)
        return [cell.strip() for cell in cells]

    def delimiter(self) -> str | None:
        """Return what stands between the numbers, the first of which may be a name; a comma where there is nothing."""
        split = {one: self.cells(one) for one in _DELIMITERS if self.quotes_whole_cells(one)}
        if not set(split.get(None, ())).isdisjoint(";,|"):
            del split[None]  # white space only surrounds the separators
        present = [one for one, cells in split.items() if sum(map(bool, cells)) > 1]
        present = present or [one for one, cells in split.items() if len(cells) > 1]
        for one in present:
            if all(is_number(cell) or is_missing(cell) for cell in split[one][1:]):
                return one
        return present[0] if present else ","

    def quotes_whole_cells(self, delimiter: str | None) -> bool:
        """Say whether what is quoted ends where a cell does."""
        ends = (self.text[match.end() :] for match in _QUOTED.finditer(self.text))
        return all(
            not end.strip() or (end.lstrip(" ").startswith(delimiter) if delimiter else end[0].isspace())
            for end in ends
        )

    def is_data(self) -> bool:
        """Say whether there is a number, and nothing that is none."""
        cells = self.cells(self.delimiter())
        return any(map(is_number, cells)) and all(is_number(cell) or is_missing(cell) for cell in cells)


class _Layout(NamedTuple):
    """What the first lines say about all others."""

    delimiter: str | None
    columns: int  # with that of the row names
    names: bool  # the first column holds the names of the rows
    padding: int  # last columns that are empty in all rows
    titles: tuple[str, ...] | None  # of the columns of numbers
    line: int  # of the first row

    def column(self, number: int) -> str:
        """Return what to call a column of the file, the first of which has the number 1."""
        title = self.titles[number - 1 - self.names] if self.titles and self.names < number <= self.columns else ""
        return f"column {number} ({title})" if title else f"column {number}"


class _Csv:
    """Gathers the points of a CSV, block by block of its lines."""

    def __init__(self, max_rows: int) -> None:
        self._max_rows = max_rows
        self._head: list[_Row] = []  # until there are two, by which the layout can be told
        self._layout: _Layout | None = None
        self._rows = 0
        self._parts: list[Floats] = []
        self._decimals = Decimals()
        self._begun = False
        self._comments = 0
        self._last_comment = ""  # before the first row
        self._empty: list[int] = []
        self._warnings: list[str] = []

    def add(self, first: int, lines: list[str]) -> None:
        """Take the next lines, the first of which has the number ``first``."""
        if max(map(len, lines), default=0) > MAX_LINE:
            number = next(number for number, line in enumerate(lines, first) if len(line) > MAX_LINE)
            raise UploadError(f"line {number}: expected at most {MAX_LINE:,} characters, got more")
        rows = [row for row in map(_Row, range(first, first + len(lines)), lines) if self._has_content(row)]
        if self._layout is None:
            self._head += rows
            rows = self._without_titles() if len(self._head) > 1 else []
        self._take(rows)

    def table(self) -> Table:
        """Return all rows."""
        if self._layout is None and self._head:
            self._take(self._without_titles())
        if self._layout is None or not self._parts:
            raise UploadError(f"{ACCEPTED}, got no row of numbers")
        try:
            self._decimals.check()
        except ValueError as error:
            raise UploadError(str(error)) from None
        return Table(
            np.concatenate(self._parts), self._layout.titles, tuple(self._skipped(self._layout)), tuple(self._warnings)
        )

    def _has_content(self, row: _Row) -> bool:
        text = row.text.strip(_SEPARATORS)
        if not text:
            if row.text.strip():
                self._empty.append(row.line)
            return False
        if text[0] == "#" and not begins_with_failure(text):
            self._comments += 1
            if not self._begun:
                self._last_comment = text.lstrip("# ")
            return False
        self._begun = True
        return True

    def _skipped(self, layout: _Layout) -> Iterator[str]:
        if layout.names:
            yield "column 1: row names"
        if layout.padding:
            yield f"{layout.padding:,} empty column{'s' * (layout.padding > 1)} at the end"
        if self._comments:
            yield f"{self._comments:,} comment line{'s' * (self._comments > 1)}"
        if self._empty:
            first = f"line {self._empty[0]}"
            yield first + (f" and {len(self._empty) - 1:,} more" if self._empty[1:] else "") + ": no content"

    # --- the first lines -----------------------------------------------------------------------------------------

    def _without_titles(self) -> list[_Row]:
        """Learn what the first rows say about the rest; return those that are examples."""
        rows, directive = self._head, None
        if match := re.fullmatch(r'\s*"?sep=(.)"?\s*', rows[0].text, re.IGNORECASE):  # Excel's
            directive, rows = match[1].strip(" ") or None, rows[1:]
        if not rows:
            return []
        head, delimiter = None, directive or rows[0].delimiter()
        if len(rows) == 1:
            head = rows[0] if _are_words(rows[0].cells(delimiter)) else None
        elif not rows[0].is_data() or self._is_counted_out(rows[0].cells(delimiter), rows[1]):
            below = directive or rows[1].delimiter()
            if _are_words(rows[0].cells(below)) or self._is_counted_out(rows[0].cells(below), rows[1]):
                head, delimiter = rows[0], below
        rows = rows[head is not None :]
        if rows:
            self._layout = self._learnt(rows[0], head, delimiter)
            self._warn_of_thousands(rows[:_LOOKED_AT], self._layout)
        return rows

    def _warn_of_thousands(self, rows: list[_Row], layout: _Layout) -> None:
        """Tell of points that may stand between thousands: with semicolons write those who have decimal commas."""
        if layout.delimiter != ";":
            return
        cells = [row.cells(";") for row in rows if row.text.count('"') % 2 == 0]
        for i in range(layout.names, layout.columns):
            if doubtful := thousands_with_points([row[i] for row in cells if i < len(row)]):
                self._warnings.append(
                    f"{layout.column(i + 1)}: {doubtful} is taken as a number below a thousand; if its point stands "
                    "between thousands, write the numbers without it"
                )
                return  # one is enough

    def _is_counted_out(self, cells: list[str], below: _Row) -> bool:
        """Say whether these are the titles 0, 1, 2, …, which pandas gives to columns without any."""
        index = cells[0] == ""
        counted = [str(i) for i in range(len(cells) - index)]
        if len(cells) < 2 or cells[index:] != counted:
            return False
        if index:
            return True
        # A row may be 0, 1, too, the first of a curve; but pandas writes a point into all numbers of such a column.
        delimiter = below.delimiter()
        titles = delimiter is not None and not any(re.fullmatch(r"[+-]?\d+", cell) for cell in below.cells(delimiter))
        if titles:
            taken = "titles; if it is a row, write titles above it"
        else:
            taken = "a row; if these are titles, leave the line out"
        self._warnings = [f"the first line, 0, 1, …, is taken as {taken}"]
        return titles

    def _learnt(self, row: _Row, head: _Row | None, delimiter: str | None) -> _Layout:
        cells = row.cells(delimiter)
        columns = len(_without_end(cells))
        if head is None:
            names = columns > 1 and _is_name(row)
            titles = self._titles_in_comment(delimiter, columns - names)
        else:
            titles = _titles(head, delimiter, columns, len(cells))
            names = _have_names(titles, cells, row, delimiter)
            titles = titles[names and len(titles) == columns :]
            if columns < len(titles) <= len(cells):
                columns = len(titles)  # and what is missing is complained about
            if len(titles) + names != columns:
                raise UploadError(
                    f"line {row.line}: expected {len(titles):,} number{'s' * (len(titles) > 1)}, as there are titles "
                    f"in line {head.line}, got {columns:,}; each column needs a title, and decimals a point"
                )
        _check_limit("columns", columns - names, MAX_COLUMNS)
        return _Layout(delimiter, columns, names, max(0, len(cells) - columns), titles, row.line)

    def _titles_in_comment(self, delimiter: str | None, columns: int) -> tuple[str, ...] | None:
        """Return the titles that ``numpy.savetxt`` writes as a comment, if there are as many as columns."""
        for one in dict.fromkeys((delimiter, *_DELIMITERS)):
            if self._last_comment.count('"') % 2 == 0 and self._last_comment:
                cells = _Row(0, self._last_comment).cells(one)
                if len(cells) == columns and _are_words(cells) and all(cells):
                    return tuple(map(printable, cells))
        return None

    # --- the rows ------------------------------------------------------------------------------------------------

    def _take(self, rows: list[_Row]) -> None:
        if not rows or self._layout is None:
            return
        self._rows += len(rows)
        _check_limit("rows", self._rows, self._max_rows, "or more")
        values = self._parsed_at_once(rows, self._layout)
        self._parts.append(self._parsed_by_cell(rows, self._layout) if values is None else values)

    def _parsed_at_once(self, rows: list[_Row], layout: _Layout) -> Floats | None:
        """Return the numbers of the rows, or None where a closer look is needed."""
        texts = [row.text for row in rows]
        numbers = (text.split(layout.delimiter, 1)[-1] for text in texts) if layout.names else texts
        point = next((row.line for row, text in zip(rows, numbers, strict=True) if "." in text), None)
        commas = layout.delimiter != "," and any("," in text for text in texts)
        if commas:
            if layout.names or point or not self._decimals.sure_of_comma:
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
        if point and not self._decimals.saw_point(point):
            return None
        return values[:, layout.names :]

    def _parsed_by_cell(self, rows: list[_Row], layout: _Layout) -> Floats:
        """Return the numbers of the rows, or say what is wrong, and where."""
        values = np.empty((len(rows), layout.columns - layout.names))
        for i, row in enumerate(rows):
            cells = row.cells(layout.delimiter)
            cells = cells[: layout.columns] + _without_end(cells[layout.columns :])
            for column, cell in enumerate(cells[layout.names : layout.columns], layout.names + 1):
                try:
                    values[i, column - 1 - layout.names] = number_of(cell, self._decimals, row.line)
                except ValueError as error:
                    raise UploadError(f"line {row.line}, {layout.column(column)}: {error}") from None
            if len(cells) != layout.columns:
                self._complain_of_count(row, len(cells), layout)
        return values

    def _complain_of_count(self, row: _Row, count: int, layout: _Layout) -> NoReturn:
        raise UploadError(
            f"line {row.line}: expected {layout.columns:,} {'cells' if layout.names else 'numbers'}, as in line "
            f"{layout.line}, got {count:,}"
        )


def _is_name(row: _Row) -> bool:
    """Say whether the first cell is quoted and no other one: R quotes what is no number, others also commas."""
    text = row.text.strip()
    if not text.startswith('"') or text.count('"') != 2 or text.endswith('"'):
        return False
    return not has_comma(text[1 : text.index('"', 1)].strip())


def _have_names(titles: tuple[str, ...], cells: list[str], row: _Row, delimiter: str | None) -> bool:
    """Say whether the first column holds the names of the rows: R and pandas give no title to it."""
    count = len(_without_end(cells))
    if count > 1 and len(titles) == count:
        return titles[0] in ("", "Unnamed: 0")
    if len(titles) != count - 1:
        return False
    # Between commas, a number more than titles may come of a decimal comma; a heading may have any number of words.
    return _is_name(row) or not is_number(cells[0]) or (delimiter != "," and cells[0].isdigit())


def _are_words(cells: Sequence[str]) -> bool:
    """Say whether cells can be titles: there are words, and no numbers."""
    return any(map(is_word, cells)) and not any(map(is_number, cells))


def _titles(head: _Row, delimiter: str | None, columns: int, most: int) -> tuple[str, ...]:
    """Return the titles of a line, split as the numbers are, or else so that there are as many."""
    cells = _without_end(head.cells(delimiter))
    if len(cells) == 1 or not columns - 1 <= len(cells) <= most:
        others = (_without_end(head.cells(one)) for one in _DELIMITERS if head.quotes_whole_cells(one))
        fitting = (other for other in others if len(other) == columns and all(other) and set(other).isdisjoint(";,|"))
        cells = next(fitting, cells)
    for column, cell in enumerate(cells, 1):
        if "\0" in cell or "\ufffd" in cell:
            raise UploadError(
                f"line {head.line}, column {column}: expected a title, got bytes that are not UTF-8; save it as UTF-8"
            )
    return tuple(map(printable, cells))


def _without_end(cells: list[str]) -> list[str]:
    """Return cells without the empty ones at the end."""
    return cells[: next((i for i in range(len(cells), 0, -1) if cells[i - 1]), 0)]


def _check_limit(what: str, count: int, most: int, suffix: str = "") -> None:
    if not 1 <= count <= most:
        raise UploadError(f"{what}: expected 1 to {most:,}, got {count:,} {suffix}".rstrip())
