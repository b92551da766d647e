"""What the first rows of a CSV say about all others: delimiter, titles, row names, empty columns."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from app.jobs.errors import UploadError
from app.jobs.service.csv_cells import has_comma, is_number, is_word, printable, thousands_with_points
from app.jobs.service.csv_rows import DELIMITERS, Row, without_end
from app.jobs.service.examples import ACCEPTED, MAX_COLUMNS, check_limit

#: Rows by which points are told from marks between thousands.
_LOOKED_AT = 1_000


class Layout(NamedTuple):
    """The columns of a CSV."""

    delimiter: str | None
    columns: int  # with that of the row names
    names: bool  # the first column holds the names of the rows
    padding: int  # last columns that are empty in all rows
    titles: tuple[str, ...] | None  # of the columns of numbers
    line: int  # of the first row
    warnings: tuple[str, ...] = ()

    def column(self, number: int) -> str:
        """Return what to call a column of the file, the first of which has the number 1."""
        title = self.titles[number - 1 - self.names] if self.titles and self.names < number <= self.columns else ""
        return f"column {number} ({title})" if title else f"column {number}"


def learn_layout(rows: list[Row], comment: str) -> tuple[Layout, list[Row]]:
    """Return the layout, and those of the first rows that are examples; ``comment`` stands before them.

    Raises:
        UploadError: there is no example, or it does not fit the titles.
    """
    directive = None
    if rows and (match := re.fullmatch(r'\s*"?sep=(.)"?\s*', rows[0].text, re.IGNORECASE)):  # Excel's
        directive, rows = match[1].strip(" ") or None, rows[1:]
    delimiter, head, warnings = _find_titles(rows, directive)
    rows = rows[head is not None :]
    if not rows:
        raise UploadError(f"{ACCEPTED}, got no row of numbers")
    layout = _layout(rows[0], head, delimiter, comment)
    return layout._replace(warnings=(*warnings, *_doubtful_points(rows[:_LOOKED_AT], layout))), rows


def _find_titles(rows: list[Row], directive: str | None) -> tuple[str | None, Row | None, list[str]]:
    """Return the delimiter, the row of titles if the first one is, and a warning if that is not certain."""
    if not rows:
        return None, None, []
    first, delimiter = rows[0], directive or rows[0].delimiter()
    if len(rows) == 1:
        return delimiter, first if _are_words(first.cells(delimiter)) else None, []
    warnings: list[str] = []
    if not first.is_data() or _are_counted(first.cells(delimiter), rows[1], warnings):
        below = directive or rows[1].delimiter()
        cells = first.cells(below)
        if _are_words(cells) or _are_counted(cells, rows[1], warnings):
            return below, first, warnings[-1:]
    return delimiter, None, warnings[-1:]


def _are_words(cells: Sequence[str]) -> bool:
    """Say whether cells can be titles: there are words, and no numbers."""
    return any(map(is_word, cells)) and not any(map(is_number, cells))


def _are_counted(cells: list[str], below: Row, warnings: list[str]) -> bool:
    """Say whether these are the titles 0, 1, 2, …, which pandas gives to columns without any; add a warning."""
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
    warnings.append(f"the first line, 0, 1, …, is taken as {taken}")
    return titles


def _doubtful_points(rows: list[Row], layout: Layout) -> Iterator[str]:
    """Yield a warning if points may stand between thousands: files with semicolons often have decimal commas."""
    if layout.delimiter != ";":
        return
    cells = [row.cells(";") for row in rows if row.text.count('"') % 2 == 0]
    for i in range(layout.names, layout.columns):
        if doubtful := thousands_with_points([row[i] for row in cells if i < len(row)]):
            yield (
                f"{layout.column(i + 1)}: {doubtful} is taken as a number below a thousand; if its point stands "
                "between thousands, write the numbers without it"
            )
            return  # one is enough


def _layout(row: Row, head: Row | None, delimiter: str | None, comment: str) -> Layout:
    cells = row.cells(delimiter)
    columns = len(without_end(cells))
    if head is None:
        names = columns > 1 and _is_name(row)
        titles = _titles_in_comment(comment, delimiter, columns - names)
    else:
        titles = _titles(head, delimiter, columns, len(cells))
        names = _have_names(titles, cells, row, delimiter)
        titles = titles[names and len(titles) == columns :]
        if columns < len(titles) <= len(cells):
            columns = len(titles)  # the missing numbers are reported later
        if len(titles) + names != columns:
            raise UploadError(
                f"line {row.line}: expected {len(titles):,} number{'s' * (len(titles) > 1)}, as there are titles in "
                f"line {head.line}, got {columns:,}; each column needs a title, and decimals a point"
            )
    check_limit("columns", columns - names, MAX_COLUMNS)
    return Layout(delimiter, columns, names, max(0, len(cells) - columns), titles, row.line)


def _titles(head: Row, delimiter: str | None, columns: int, most: int) -> tuple[str, ...]:
    """Return the titles of a line, split as the numbers are, or else so that there are as many."""
    cells = without_end(head.cells(delimiter))
    if len(cells) == 1 or not columns - 1 <= len(cells) <= most:
        others = (without_end(head.cells(one)) for one in DELIMITERS if head.quotes_whole_cells(one))
        fitting = (other for other in others if len(other) == columns and all(other) and set(other).isdisjoint(";,|"))
        cells = next(fitting, cells)
    for column, cell in enumerate(cells, 1):
        if "\0" in cell or "\ufffd" in cell:
            raise UploadError(
                f"line {head.line}, column {column}: expected a title, got bytes that are not UTF-8; save it as UTF-8"
            )
    return tuple(map(printable, cells))


def _titles_in_comment(comment: str, delimiter: str | None, columns: int) -> tuple[str, ...] | None:
    """Return the titles that ``numpy.savetxt`` writes as a comment, if there are as many as columns."""
    if not comment or comment.count('"') % 2:
        return None
    for one in (delimiter, *DELIMITERS):
        cells = Row(0, comment).cells(one)
        if len(cells) == columns and _are_words(cells) and all(cells):
            return tuple(map(printable, cells))
    return None


def _is_name(row: Row) -> bool:
    """Say whether the first cell only is quoted, as R quotes names; other programs also quote decimal commas."""
    text = row.text.strip()
    if not text.startswith('"') or text.count('"') != 2 or text.endswith('"'):
        return False
    return not has_comma(text[1 : text.index('"', 1)].strip())


def _have_names(titles: tuple[str, ...], cells: list[str], row: Row, delimiter: str | None) -> bool:
    """Say whether the first column holds the names of the rows: R and pandas give it no title."""
    count = len(without_end(cells))
    if count > 1 and len(titles) == count:
        return titles[0] in ("", "Unnamed: 0")
    if len(titles) != count - 1:
        return False
    # Between commas, a number more than titles may come of a decimal comma; a heading may have any number of words.
    return _is_name(row) or not is_number(cells[0]) or (delimiter != "," and cells[0].isdigit())
