"""Cells of a CSV: numbers, missing numbers and words; decimal points and commas."""

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from app.jobs.errors import UploadError
from app.jobs.specification import MAX_POINT

#: All patterns take linear time in the length of the cell.
_POINT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d+,\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
#: 1,234 may be one thousand two hundred and thirty-four, or a little more than one.
_THOUSANDS_OR_DECIMALS = re.compile(r"[+-]?[1-9]\d{0,2},\d{3}", re.ASCII)
_THOUSANDS = re.compile(r"[+-]?\d{1,3}([,.' \u00a0\u202f’]\d{3})+([.,]\d*)?", re.ASCII)

_POINT_OR_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}", re.ASCII)
_BELOW_A_THOUSAND = re.compile(r"[+-]?\d{1,3}", re.ASCII)
#: Meant as a number, but not read as one; no title either.
_ODD_NUMBER = re.compile(
    r"[+\u2212-]?(0[xX][\da-fA-F]+|(\d[\d_]*([.,]\d*)?|[.,]\d+)([dDeE][+-]?\d+)?)|"
    + _THOUSANDS.pattern.replace("[+-]", r"[+\u2212-]"),
    re.ASCII,
)
#: What Excel writes into a cell that has no result, in any language, or is too narrow; then the next cell.
_FAILED = re.compile(r"#(N/A|NV|¡?[^\W\d_a-z]+(/0)?[!?]|#+(?=[;,\t]))(?![^;,\t])")

_MAX_TITLE = 60

_MISSING = frozenset({"", "na", "n/a", "#n/a", "nan", "null", "none", "nil", "-", "--", "?", ".", "inf", "infinity"})


def is_number(cell: str) -> bool:
    """Say whether a cell is a finite number, with a decimal point or comma."""
    return bool(_POINT.fullmatch(cell) or _COMMA.fullmatch(cell))


def is_missing(cell: str) -> bool:
    """Say whether a cell stands for a missing number."""
    return cell.lstrip("+-").lower() in _MISSING


def is_word(cell: str) -> bool:
    """Say whether a cell can be a title."""
    return not (is_number(cell) or is_missing(cell) or _ODD_NUMBER.fullmatch(cell))


def begins_with_failure(line: str) -> bool:
    """Say whether the first cell of a line is an error of Excel; such a line is no comment."""
    return bool(_FAILED.match(line))


def has_comma(cell: str) -> bool:
    """Say whether a cell is a number with a comma, between decimals or thousands."""
    return bool(_COMMA.fullmatch(cell) or ("," in cell and _THOUSANDS.fullmatch(cell)))


def thousands_with_points(column: Sequence[str]) -> str | None:
    """Return a number of a column in which all points may stand between thousands, such as 1.075 beside 980."""
    pointed = next(filter(_POINT_OR_THOUSANDS.fullmatch, column), None)
    if pointed is None or not any(map(_BELOW_A_THOUSAND.fullmatch, column)):
        return None
    fitting = all(_POINT_OR_THOUSANDS.fullmatch(cell) or _BELOW_A_THOUSAND.fullmatch(cell) for cell in column)
    return pointed if fitting else None


class Decimals:
    """Whether a file has decimal points or commas, as far as it was read."""

    def __init__(self) -> None:
        self._point = self._comma = 0  # lines
        self._doubtful: tuple[int, str] | None = None  # line and cell

    @property
    def sure_of_comma(self) -> bool:
        """Whether the file has decimal commas, beyond doubt."""
        return self._comma > 0

    def saw_point(self, line: int) -> bool:
        """Note that a line has a decimal point; return False where it cannot have one."""
        self._point = self._point or line
        return not self._comma and self._doubtful is None

    def saw_comma(self, line: int, cell: str) -> bool:
        """Note a number with a comma; return False where it cannot have one."""
        if not _THOUSANDS_OR_DECIMALS.fullmatch(cell):
            self._comma = self._comma or line
        elif self._doubtful is None:
            self._doubtful = (line, cell)
        return not self._point

    def elsewhere(self) -> str:
        """Say where the file has points, and where commas."""
        comma = self._comma or (self._doubtful[0] if self._doubtful else 0)
        return f"line {self._point} has a point, line {comma} a comma"

    def check(self) -> None:
        """Refuse a file in which every comma may stand between thousands or before decimals.

        Raises:
            UploadError: it is such a file.
        """
        if self._doubtful and not self._comma:
            line, cell = self._doubtful
            raise UploadError(
                f"line {line}: expected a number of one meaning, got {cell}, which may be {cell.replace(',', '.')} or "
                f"{cell.replace(',', '')}; write decimals with a point and thousands without a mark"
            )


def number_of(cell: str, decimals: Decimals, line: int) -> float:
    """Return the number of a stripped cell.

    Raises:
        ValueError: there is none, or its meaning is not certain; the message does not say where.
    """
    if is_missing(cell):
        shown = repr(short(cell)) if cell else "nothing"
        raise ValueError(f"expected a number, got {shown}; fill in what is missing, or leave the row out")
    if _POINT.fullmatch(cell):
        consistent = "." not in cell or decimals.saw_point(line)
    elif _COMMA.fullmatch(cell):
        consistent = decimals.saw_comma(line, cell)
    else:
        raise ValueError(_problem(cell))
    if not consistent:
        raise ValueError(
            f"expected all decimals with points or all with commas, and no mark between thousands, got {short(cell)}; "
            f"{decimals.elsewhere()}"
        )
    number = float(cell.replace(",", "."))
    if not abs(number) <= MAX_POINT:
        raise ValueError(f"expected a number within ±{MAX_POINT:g}, got {short(cell)}")
    return number


def _problem(cell: str) -> str:
    if "\0" in cell:
        return "expected a number, got a NUL byte; save the file as text in UTF-8"
    if "\ufffd" in cell:
        return "expected a number, got bytes that are not UTF-8; save the file as UTF-8"
    if _THOUSANDS.fullmatch(cell):
        return f"expected a number without a mark between thousands, got {short(cell)}"
    return (
        f"expected a number, got {short(repr(cell))}; leave out columns of text; between columns stand commas, "
        "semicolons, tabs or spaces"
    )


def are_sound(values: npt.NDArray[np.floating]) -> npt.NDArray[np.bool_]:
    """Say which numbers are finite and within ±``MAX_POINT``."""
    sound: npt.NDArray[np.bool_] = (values >= -MAX_POINT) & (values <= MAX_POINT)
    return sound


def short(text: str, most: int = 40) -> str:
    """Return a text, cut where it is long."""
    return text if len(text) <= most else text[: most - 3] + "..."


def printable(title: str) -> str:
    """Return a title without control characters, cut where it is long."""
    return short("".join(char if char.isprintable() else " " for char in title).strip(), _MAX_TITLE)
