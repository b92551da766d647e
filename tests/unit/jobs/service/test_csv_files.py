"""CSV as NumPy, R, pandas, Excel and people write it: understood, or refused with the line and the column."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from app.jobs.errors import UploadError
from app.jobs.service.examples import Table
from app.jobs.service.uploads import read_table
from app.jobs.specification import MAX_POINT

Read = Callable[..., Table]

POINTS = [[0.5, 0.75], [1.25, 2.0]]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    path = tmp_path_factory.mktemp("csv") / "points.csv"

    def read_bytes(content: bytes | str, max_rows: int = 1_000) -> Table:
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_table(path, "points.csv", max_rows=max_rows)

    return read_bytes


def _savetxt(**options: Any) -> str:
    text = io.StringIO()
    np.savetxt(text, POINTS, **options)
    return text.getvalue()


def _csv(*rows: list[Any], **options: Any) -> str:
    text = io.StringIO()
    csv.writer(text, **options).writerows(rows)
    return text.getvalue()


#: All of these say the same two points: text, titles, and what is skipped.
UNDERSTOOD: dict[str, tuple[bytes | str, tuple[str, ...] | None, tuple[str, ...]]] = {
    "numpy.savetxt": (_savetxt(), None, ()),
    "numpy.savetxt with a header": (_savetxt(header="x y"), ("x", "y"), ("1 comment line",)),
    "numpy.savetxt with two headers": (_savetxt(header="made today\nx y"), ("x", "y"), ("2 comment lines",)),
    "numpy.savetxt with commas": (_savetxt(delimiter=",", header="x,y", comments=""), ("x", "y"), ()),
    "numpy.savetxt with tabs and a footer": (_savetxt(delimiter="\t", footer="the end"), None, ("1 comment line",)),
    "Python's csv, everything quoted": (_csv(["x", "y"], *POINTS, quoting=csv.QUOTE_ALL), ("x", "y"), ()),
    "Python's csv, words quoted": (_csv(["x", "y"], *POINTS, quoting=csv.QUOTE_NONNUMERIC), ("x", "y"), ()),
    "Excel, tabs": (_csv(["x", "y"], *POINTS, dialect="excel-tab"), ("x", "y"), ()),
    "R's write.table": ('"x" "y"\n"1" 0.5 0.75\n"2" 1.25 2\n', ("x", "y"), ("column 1: row names",)),
    "R's write.table, names": ('"x" "y"\n"Ada L" 0.5 0.75\n"Bob" 1.25 2\n', ("x", "y"), ("column 1: row names",)),
    "R's write.table, quote=FALSE": ("x y\n1 0.5 0.75\n2 1.25 2\n", ("x", "y"), ("column 1: row names",)),
    "R's write.table, sep=','": ('"x","y"\n"1",0.5,0.75\n"2",1.25,2\n', ("x", "y"), ("column 1: row names",)),
    "R's write.table, col.names=FALSE": ('"1" 0.5 0.75\n"2" 1.25 2\n', None, ("column 1: row names",)),
    "R's write.csv": ('"","x","y"\n"1",0.5,0.75\n"2",1.25,2\n', ("x", "y"), ("column 1: row names",)),
    "R's write.csv, row.names=FALSE": ('"x","y"\n0.5,0.75\n1.25,2\n', ("x", "y"), ()),
    "R's write.csv2": ('"";"x";"y"\n"1";0,5;0,75\n"2";1,25;2\n', ("x", "y"), ("column 1: row names",)),
    "R's write.table, dec=','": ("0,5 0,75\n1,25 2\n", None, ()),
    "pandas": (",x,y\n0,0.5,0.75\n1,1.25,2.0\n", ("x", "y"), ("column 1: row names",)),
    "pandas, shuffled": (",x,y\n17,0.5,0.75\n3,1.25,2.0\n", ("x", "y"), ("column 1: row names",)),
    "pandas, dates": (",x,y\n2026-01-01,0.5,0.75\n2026-01-02,1.25,2.0\n", ("x", "y"), ("column 1: row names",)),
    "pandas, read and written again": (
        "Unnamed: 0,x,y\n0,0.5,0.75\n1,1.25,2.0\n",
        ("x", "y"),
        ("column 1: row names",),
    ),
    "pandas, without titles": (",0,1\n0,0.5,0.75\n1,1.25,2.0\n", ("0", "1"), ("column 1: row names",)),
    "Excel in Germany": ("\ufeffx;y\r\n0,5;0,75\r\n1,25;2\r\n", ("x", "y"), ()),
    "Excel's Unicode text": ("x\ty\r\n0.5\t0.75\r\n1.25\t2\r\n".encode("utf-16"), ("x", "y"), ()),
    "UTF-16, the other way round": ("\ufeffx,y\n0.5,0.75\n1.25,2\n".encode("utf-16-be"), ("x", "y"), ()),
    "UTF-32": ("x,y\n0.5,0.75\n1.25,2\n".encode("utf-32"), ("x", "y"), ()),
    "Excel, with its separator": ("sep=;\r\nx;y\r\n0.5;0.75\r\n1.25;2\r\n", ("x", "y"), ()),
    "Excel, with tabs as its separator": ("sep=\t\r\nx\ty\r\n0.5\t0.75\r\n1.25\t2\r\n", ("x", "y"), ()),
    "tabs as the separator, no titles": ("sep=\t\n0.5\t0.75\n1.25\t2\n", None, ()),
    "comments with signs": ("#WHAT?!\n#what?\n0.5,0.75\n####\n1.25,2\n", None, ("3 comment lines",)),
    "titles that are dates": ("2026-01-01,2026-01-02\n0.5,0.75\n1.25,2\n", ("2026-01-01", "2026-01-02"), ()),
    "Excel, deleted cells": (
        "x,y,,\r\n0.5,0.75,,\r\n1.25,2,,\r\n,,,\r\n,,,\r\n",
        ("x", "y"),
        ("2 empty columns at the end", "line 4 and 1 more: no content"),
    ),
    "LibreOffice, decimal commas quoted": ('"x","y"\n"0,5","0,75"\n"1,25",2\n', ("x", "y"), ()),
    "an old Mac": ("x,y\r0.5,0.75\r1.25,2\r", ("x", "y"), ()),
    "a semicolon after each row": ("0.5;0.75;\n1.25;2;\n", None, ("1 empty column at the end",)),
    "aligned": ("      x      y\n    0.5   0.75\n   1.25      2\n", ("x", "y"), ()),
    "R, names with spaces and decimal commas": (
        '"x" "y"\n"row 0" 0,5 0,75\n"row 1" 1,25 2\n',
        ("x", "y"),
        ("column 1: row names",),
    ),
    "bars": ("x|y\n0.5|0.75\n1.25|2\n", ("x", "y"), ()),
    "a comma and a space": ("x, y\n0.5, 0.75\n1.25, 2\n", ("x", "y"), ()),
    "titles of several words": ("x\ty\n0.5\t0.75\n1.25\t2\n".replace("x", "body weight (kg)", 1),
                                ("body weight (kg)", "y"), ()),
    "titles that are quoted": ('"weight, kg","height"\n0.5,0.75\n1.25,2\n', ("weight, kg", "height"), ()),
    "titles of which one could be missing": ("NA,K\n0.5,0.75\n1.25,2\n", ("NA", "K"), ()),
    "titles in a comment": ("#x,y\n0.5,0.75\n1.25,2\n", ("x", "y"), ("1 comment line",)),
    "comments in between": ("0.5 0.75\n# half-time\n1.25 2\n", None, ("1 comment line",)),
    "blank lines": ("\n\n0.5,0.75\n\n   \n1.25,2\n\n", None, ()),
    "no last line's end": ("0.5,0.75\n1.25,2", None, ()),
    "plus signs and exponents": ("+5e-1,7.5E-1\n1.25e0,+2.\n", None, ()),
}  # fmt: skip


@pytest.mark.parametrize("case", UNDERSTOOD)
def test_what_programs_write_is_understood(case: str, read: Read) -> None:
    content, titles, skipped = UNDERSTOOD[case]
    table = read(content)
    np.testing.assert_array_equal(table.values, POINTS)
    assert table.titles == titles
    assert table.skipped == skipped
    assert table.warnings == ()


REFUSED: dict[str, tuple[bytes | str, str]] = {
    "a missing value": ("x,y\n1,2\n3,NA\n", "line 3, column 2 (y): expected a number, got 'NA'; fill in what is"),
    "an empty cell": ("x;y\n\n1;2\n;4\n", "line 4, column 1 (x): expected a number, got nothing; fill in"),
    "not a number": ("1 2\nNaN 4\n", "line 2, column 1: expected a number, got 'NaN'"),
    "an error of Excel": ("x,y\n1,#N/A\n", "line 2, column 2 (y): expected a number, got '#N/A'"),
    "a missing value among quoted ones": ('"x","y"\n"1",""\n', "line 2, column 2 (y): expected a number, got nothing"),
    "a column of words": ("a,b,c\n1,2,setosa\n", "line 2, column 3 (c): expected a number, got 'setosa'; leave out"),
    "a column of dates": ("day,b\n2026-01-01,2\n", "line 2, column 1 (day): expected a number, got '2026-01-01'"),
    "a second line of titles": ("x,y\nkg,cm\n1,2\n", "line 2, column 1 (x): expected a number, got 'kg'"),
    "thousands, English": ('x,y\n"1,234.5",2\n', "line 2, column 1 (x): expected a number without a mark between thou"),
    "thousands, German": ("x;y\n1.234,5;2\n", "line 2, column 1 (x): expected a number without a mark between thou"),
    "thousands, French": ("x;y\n1 234;2\n", "line 2, column 1 (x): expected a number without a mark between thou"),
    "thousands, Swiss": ("x;y\n1'234;2\n", "line 2, column 1 (x): expected a number without a mark between thou"),
    "millions": ('x,y\n"1,234,567",2\n', "line 2, column 1 (x): expected a number without a mark between thou"),
    "thousands or decimals": ("x;y\n1,234;5,678\n", "line 2: expected a number of one meaning, got 1,234, which"),
    "points and commas": ("x;y\n0,5;1\n2.5;1\n", "line 3, column 1 (x): expected all decimals with points or all with"),
    "commas and points": ("x;y\n2.5;1\n0,5;1\n", "line 2 has a point, line 3 a comma"),
    "decimal commas between commas": ("x,y\n0,5,0,7\n", "line 2: expected 2 numbers, as there are titles in line 1"),
    "one column with decimal commas": ("x\n1,5\n2,7\n", "line 2: expected 1 number, as there are titles in line 1"),
    "a title too many": ("x,y,z\n1,2\n", "line 2: expected 3 numbers, as there are titles in line 1, got 2"),
    "a row too long": ("1,2\n\n# x\n3,4,5\n", "line 4: expected 2 numbers, as in line 1, got 3"),
    "a row too short": ('"","x","y"\n"1",2,3\n"2",3\n', "line 3: expected 3 cells, as in line 2, got 2"),
    "a row cut off": ("x y z\n1 2 3\n4 5\n", "line 3: expected 3 numbers, as in line 2, got 2"),
    "an open quotation mark": ('x,y\n1,"2\n3,4\n', "line 2: expected the end of what is quoted in the same line"),
    "a title of two lines": ('"weight\n(kg)",y\n1,2\n', "line 1: expected the end of what is quoted in the same line"),
    "a comment after a row": ("1,2 # good\n", "line 1, column 2: expected a number, got '2 # good'"),
    "Latin-1": ("Größe,y\n1,2\n".encode("latin-1"), "line 1, column 1: expected a title, got bytes that are not"),
    "bytes": (b"x,y\n1,2\n3,\xff\n", "line 3, column 2 (y): expected a number, got bytes that are not UTF-8"),
    "UTF-16 without a mark": ("1,2\n".encode("utf-16-le"), "line 1, column 1: expected a title, got bytes that are"),
    "a logical value": ("x,y\n1,TRUE\n", "line 2, column 2 (y): expected a number, got 'TRUE'"),
    "a percentage": ("x,y\n1,5%\n", "line 2, column 2 (y): expected a number, got '5%'"),
    "a typographer's minus": ("x,y\n1,−5\n", "line 2, column 2 (y): expected a number, got '−5'"),
    "infinity": ("x,y\n1,-Inf\n", "line 2, column 2 (y): expected a number, got '-Inf'"),
    "too large": ("x,y\n1,1e301\n", "line 2, column 2 (y): expected a number within ±1e+300, got 1e301"),
    "only titles": ("x,y\n", "got no row of numbers"),
    "only comments": ("# x\n#\n", "got no row of numbers"),
    "only separators": (",,\n;\n", "got no row of numbers"),
    "only a separator's name": ("sep=;\n", "got no row of numbers"),
    "only a byte order mark": (b"\xff\xfe", "got no row of numbers"),
    "a web page": ("<!DOCTYPE html>\n<html>\n<p>1,2</p>\n", "of shape (rows, dimensions), got a web page"),
    "JSON": ("[[1, 2],\n [3, 4]]\n", "got lists in brackets; send JSON as data.points in the body"),
    "JSON, indented": ("[\n  [1, 2],\n  [3, 4]\n]\n", "got lists in brackets; send JSON as data.points in the body"),
    "JSON lines": ('{"x": 1}\n{"x": 2}\n', "got JSON; send it as data.points in the body"),
    "a printed array": ("[[1. 2.]\n [3. 4.]]\n", "got lists in brackets"),
    "a matrix of MATLAB": ("[1.5 2.5; 3 4]\n", "got lists in brackets"),
    "tuples": ("(1, 2)\n(3, 4)\n", "got lists in brackets"),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "expected a picture, got one that is damaged or was cut off"),
    "a file of MATLAB": (b"MATLAB 5.0 MAT-file, Platform: GLNXA64\0\0", "got a file of MATLAB (.mat); write it with"),
    "Excel's error in the first column": ("x;y\n1;2\n#NV;3\n", "line 3, column 1 (x): expected a number, got '#NV'"),
    "Excel's error, English": ("x,y\n1,2\n#N/A,3\n", "line 3, column 1 (x): expected a number, got '#N/A'; fill in"),
    "Excel's error, alone": ("x\n1\n#DIV/0!\n", "line 3, column 1 (x): expected a number, got '#DIV/0!'"),
    "Excel's cell too narrow": ("x;y\n###;2\n3,5;4\n", "line 2, column 1 (x): expected a number, got '###'"),
    "thousands in the first row only": ("1.234,5;1.000,0\n100,5;2,5\n", "line 1, column 1: expected a number without"),
    "exponents of Fortran in the first row only": ("1.5D+02 2.5D+02\n3 4\n", "line 1, column 1: expected a number"),
    "underscores in the first row only": ("1_000,2_000\n3,4\n", "line 1, column 1: expected a number, got '1_000'"),
    "a typographer's minus in the first row only": ("−5,−6\n3,4\n", "line 1, column 1: expected a number, got '−5'"),
    "quoted thousands in the first column": ('"1,234",5\n"2,345",6\n', "line 1: expected a number of one meaning, got"),
    "a heading": ("all results\n1.5 2 3\n4.5 5 6\n", "line 2: expected 2 numbers, as there are titles"),
    "a note after a semicolon": ("; note\n1,2\n3,4\n", "line 2: expected 1 number, as there are titles in line 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_told_is_refused_with_its_line_and_column(case: str, read: Read) -> None:
    content, problem = REFUSED[case]
    with pytest.raises(UploadError) as caught:
        read(content)
    assert problem in str(caught.value)


def test_points_that_may_stand_between_thousands_are_told(read: Read) -> None:
    table = read("id;price\n1;1.075\n2;980\n3;12.500\n")
    np.testing.assert_array_equal(table.values[:, 1], [1.075, 980, 12.5])
    (warning,) = table.warnings
    assert warning.startswith("column 2 (price): 1.075 is taken as a number below a thousand; if its point stands")
    for unlike in (
        "1;1.075\n2;2.000\n",
        "1;1.075\n2;980.5\n",
        "1;1.075\n2;0.125\n3;7\n",
        "1;980\n",
        "1,1.075\n2,980\n",
    ):
        assert read(unlike).warnings == ()


def test_a_quoted_number_with_a_comma_is_no_row_name(read: Read) -> None:
    np.testing.assert_array_equal(read('"0,5",1\n"0,75",2\n').values, [[0.5, 1], [0.75, 2]])


def test_integers_that_may_be_titles_are_taken_as_a_row_and_told(read: Read) -> None:
    table = read("0,1\n5,7\n")
    np.testing.assert_array_equal(table.values, [[0, 1], [5, 7]])
    assert "if these are titles, leave the line out" in table.warnings[0]


def test_numbers_that_pandas_gives_as_titles_are_told(read: Read) -> None:
    table = read("0,1\n0.5,0.75\n1.25,2.0\n")
    np.testing.assert_array_equal(table.values, POINTS)
    assert table.titles == ("0", "1")
    assert "taken as titles; if it is a row, write titles above it" in table.warnings[0]


@pytest.mark.parametrize("text", ["0 1\n0.5 0.75\n", "0,1\n0.5,1\n", "0\t1\n1\t0.75\n"])
def test_a_curve_that_begins_at_0_and_1_keeps_its_first_point(read: Read, text: str) -> None:
    table = read(text)
    np.testing.assert_array_equal(table.values[0], [0, 1])
    assert "taken as a row; if these are titles" in table.warnings[0]


def test_decimal_commas_far_into_the_file(read: Read) -> None:
    text = "x;y\n" + "0,25;0,75\n" * 200_000
    np.testing.assert_array_equal(read(text, max_rows=200_000).values, np.tile([[0.25, 0.75]], (200_000, 1)))
    with pytest.raises(
        UploadError, match=r"line 200002, column 2 \(y\): expected all decimals with points or all with"
    ):
        read(text + "1;0.5\n", max_rows=300_000)


def test_row_names_far_into_the_file(read: Read) -> None:
    text = ",x,y\n" + "".join(f"n.{i},0.25,{i}\n" for i in range(100_000))
    table = read(text, max_rows=100_000)
    np.testing.assert_array_equal(table.values[:, 1], np.arange(100_000))
    with pytest.raises(UploadError, match=r"line 100002, column 3 \(y\): expected a number, got '\?'; fill in"):
        read(text + "last,1,?\n", max_rows=200_000)


def test_a_title_shows_what_can_be_seen(read: Read) -> None:
    table = read("a\x1b[31mb,c\u200bd," + "x" * 100 + "\n1,2,3\n")
    assert table.titles == ("a [31mb", "c d", "x" * 57 + "...")


# --- property tests ----------------------------------------------------------------------------------------------

TABLES = np_st.arrays(
    np.float64,
    st.tuples(st.integers(1, 12), st.integers(1, 6)),
    elements=st.one_of(st.floats(-MAX_POINT, MAX_POINT), st.integers(-9_999, 9_999).map(float)),
)
_WORDS = st.text("abcÄ _-()%", min_size=1, max_size=8).map(lambda word: f"q{word.strip()}")


def _attempted(read: Read, content: bytes | str) -> Table | str:
    """Return the table, or why there is none."""
    try:
        return read(content)
    except UploadError as error:
        return str(error)


@given(TABLES, st.data())
def test_what_a_csv_says_is_what_is_read(read: Read, table: npt.NDArray[np.float64], data: st.DataObject) -> None:
    columns = table.shape[1]
    delimiter = data.draw(st.sampled_from([",", ";", "\t", " ", "   ", "|", ", ", " ; "]))
    # Nobody can tell one column with decimal commas from two of whole numbers.
    comma = columns > 1 and "," not in delimiter and data.draw(st.booleans())
    quoting = data.draw(st.booleans())
    titles = data.draw(st.none() | st.lists(_WORDS, min_size=columns, max_size=columns))
    names = data.draw(st.booleans()) and titles is not None

    def cell(value: float) -> str:
        text = repr(float(value)).replace(".", "," if comma else ".")
        return f'"{text}"' if quoting else text

    lines = [delimiter.join(map(cell, row)) for row in table]
    if titles is not None:
        head = [f'"{title}"' for title in titles]
        if names:
            lines = [f'"row {i}"{delimiter}{line}' for i, line in enumerate(lines)]
            head = ['""', *head] if data.draw(st.booleans()) else head
        lines.insert(0, delimiter.join(head))
    if data.draw(st.booleans()) and delimiter.strip():
        lines = [line + delimiter for line in lines]
    for _ in range(data.draw(st.integers(0, 2))):
        # After the first row: a comment before it may be the titles.
        lines.insert(
            data.draw(st.integers(1, len(lines))), data.draw(st.sampled_from(["", "  ", "# note", ",;", "\t"]))
        )
    end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = end.join(lines) + data.draw(st.sampled_from(["", end]))
    encoding = data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))

    found = _attempted(read, text.encode(encoding))
    if isinstance(found, str):
        # Only where thousands look the same: 1,234 without anything that says more.
        assert comma, (text, found)
        assert "of one meaning" in found, text
        return
    np.testing.assert_array_equal(found.values, table, err_msg=repr(text))
    # White space of any length separates columns, also in what is quoted: it is told as one space.
    shown = None if found.titles is None else tuple(" ".join(title.split()) for title in found.titles)
    assert shown == (None if titles is None else tuple(" ".join(title.split()) for title in titles)), text
    assert ("column 1: row names" in found.skipped) == names


@given(st.text(st.sampled_from("01259.,;:|\t \n\r\"'#+-eENAnaxyz\0\ufeffä\u2212"), max_size=60))
def test_any_text_is_read_or_refused_and_what_is_read_stands_there(read: Read, text: str) -> None:
    table = _attempted(read, text)
    if isinstance(table, str):
        assert "expected" in table
        return
    assert np.isfinite(table.values).all()
    assert table.values.ndim == 2
    # No number comes from nowhere.
    assert set(np.abs(table.values).ravel()) <= set(_numbers_in(text)), text


def _numbers_in(text: str) -> Iterator[float]:
    """Yield the absolute values of all that could be a number in a text, whatever separates it from the next one."""
    for word in "".join(char if char in "0123456789.,eE+-" else " " for char in text).split():
        for candidate in (word.replace(",", "."), *word.split(",")):
            with contextlib.suppress(ValueError):
                yield abs(float(candidate))


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(read: Read, content: bytes) -> None:
    table = _attempted(read, content)
    if isinstance(table, str):
        assert "expected" in table
        return
    assert np.isfinite(table.values).all()
