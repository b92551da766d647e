import gzip
import io
import lzma
import pickle
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st

from app.jobs.errors import UploadError
from app.jobs.service.csv_rows import MAX_LINE
from app.jobs.service.examples import MAX_COLUMNS
from app.jobs.service.uploads import read_table
from app.jobs.specification import MAX_POINT

Read = Callable[..., npt.NDArray[Any]]
REAL_TYPES = ["?", "i1", "u2", "<i4", ">i8", "u8", "f2", "<f4", ">f4", "f8", np.dtype(np.longdouble).str]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    path = tmp_path_factory.mktemp("uploads") / "upload"

    def read_bytes(content: bytes, filename: str = "points.csv", max_rows: int = 1_000) -> npt.NDArray[Any]:
        path.write_bytes(content)
        return read_table(path, filename, max_rows=max_rows).values

    return read_bytes


def _npy(values: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asanyarray(values), **options)
    return buffer.getvalue()


def _npy_with_header(header: str, content: bytes = b"") -> bytes:
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def _claiming(shape: str, descr: str = "'<f4'", content: bytes = b"\0" * 80) -> bytes:
    return _npy_with_header(f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}", content)


# --- what is accepted ------------------------------------------------------------------------------------------------


@given(
    np_st.arrays(
        st.sampled_from(REAL_TYPES).map(np.dtype),
        st.tuples(st.integers(1, 20), st.integers(1, 8)),
    ),
    st.sampled_from(["C", "F"]),
    st.sampled_from([(1, 0), (2, 0)]),
)
def test_what_npy_says_is_what_is_read(
    read: Read, table: npt.NDArray[Any], order: Any, version: tuple[int, int]
) -> None:
    content = _npy(np.asarray(table, order=order), version=version)
    with np.errstate(over="ignore"):
        expected = table.astype(np.float64)
    if (np.abs(expected) <= MAX_POINT).all():
        np.testing.assert_array_equal(read(content, "points.npy").astype(np.float64), expected)
    else:
        row, column = np.argwhere(~(np.abs(expected) <= MAX_POINT))[0]
        with pytest.raises(UploadError, match=rf"at index \[{row}, {column}\]"):
            read(content, "points.npy")


@pytest.mark.parametrize("dtype", REAL_TYPES)
def test_npy_of_every_real_type(read: Read, dtype: str) -> None:
    table = np.array([[0, 1, 1], [1, 0, 1]], dtype)
    np.testing.assert_array_equal(read(_npy(table)), table)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n",
        '"a","b"\n1,2',
        "# a b\n1;2",
        ",\n1,2",
        "Größe,b\n1,2",
        " 1 , 2 ",
        "+1.,2e0",
        "1.0,.2E+1",
        "a;b\n1\t2",
    ],
)
def test_csv_as_people_write_it(read: Read, text: str) -> None:
    np.testing.assert_array_equal(read(text.encode()), [[1, 2]])


def test_csv_of_one_column(read: Read) -> None:
    np.testing.assert_array_equal(read(b"x\n1\n2\n"), [[1], [2]])


@pytest.mark.parametrize("seed", range(5))
def test_csv_of_many_blocks(read: Read, seed: int) -> None:
    """Blocks of text end anywhere: in a number, between the characters of a line's end."""
    table = np.random.default_rng(seed).random((70_000, 3), np.float32)
    text = io.BytesIO()
    np.savetxt(text, table, "%.9g", delimiter=",", newline="\r\n", header="a,b,c", comments="")
    np.testing.assert_array_equal(read(text.getvalue(), max_rows=100_000).astype(np.float32), table)


def test_as_many_rows_and_columns_as_there_may_be(read: Read) -> None:
    line = b",".join([b"-1.123456789e-05"] * MAX_COLUMNS) + b"\n"
    assert read(line * 100, max_rows=100).shape == (100, MAX_COLUMNS)
    assert read(_npy(np.zeros((100, MAX_COLUMNS))), max_rows=100).shape == (100, MAX_COLUMNS)


def test_npy_of_named_columns(tmp_path: Path) -> None:
    """As ``DataFrame.to_records`` and ``numpy.genfromtxt`` make them."""
    path = tmp_path / "points.npy"
    people = np.array([(75.5, 170), (60.0, 165)], [("weight", "<f8"), ("height", ">i2")])
    np.save(path, people)
    table = read_table(path, "points.npy", max_rows=10)
    assert table.titles == ("weight", "height")
    np.testing.assert_array_equal(table.values, [[75.5, 170], [60, 165]])


@pytest.mark.filterwarnings("ignore:Stored array in format 3.0")
def test_npy_of_columns_with_titles_that_are_not_latin(tmp_path: Path) -> None:
    """For these, numpy.save writes the version 3.0."""
    path = tmp_path / "points.npy"
    np.save(path, np.array([(0.5, 2)], [("βάρος", "<f8"), ("身長", "<f8")]))
    table = read_table(path, "points.npy", max_rows=10)
    assert table.titles == ("βάρος", "身長")
    np.testing.assert_array_equal(table.values, [[0.5, 2]])


def test_npy_as_python_2_wrote_it(read: Read) -> None:
    np.testing.assert_array_equal(read(_claiming("(10L, 2L)")), np.zeros((10, 2)))


# --- what is refused -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (b"", "got an empty file"),
        (b"\n \n\r\n", "got no row of numbers"),
        (b"x,y\n", "got no row of numbers"),
        (b"1,2\n3,x\n", "line 2, column 2: expected a number, got 'x'"),
        (b"x,1\n2,3\n", "line 1, column 1: expected a number, got 'x'"),
        (b"x,y\na,b\n", "line 2, column 1 .x.: expected a number, got 'a'"),
        (b"x,y\n\n1,2\n\n3,4,5\n", "line 5: expected 2 numbers, as in line 3, got 3"),
        (b"1,2\n3\n", "line 2: expected 2 numbers, as in line 1, got 1"),
        (b"1,2\n3,\n", "line 2, column 2: expected a number, got nothing"),
        (b",0.5,1\n0,3,4\n", "line 1, column 1: expected a number, got nothing"),
        (b"1,2\nnan,4\n", "line 2, column 1: expected a number, got 'nan'"),
        (b"nan,nan\n1,2\n", "line 1, column 1: expected a number, got 'nan'"),
        (b"1,2\n3,-inf\n", "line 2, column 2: expected a number, got '-inf'"),
        (b"1,2\n3,1e999\n", "line 2, column 2: expected a number within ±1e.300, got 1e999"),
        (b"1,2\n-1.01e300,4\n", "line 2, column 1: expected a number within ±1e.300, got -1.01e300"),
        (b"1+2j,3\n", "line 1, column 1: expected a number, got '1+2j'"),
        (b"0x10,3\n", "line 1, column 1: expected a number, got '0x10'"),
        (b"1_0,3\n", "line 1, column 1: expected a number, got '1_0'"),
        (b"1,2\n3,\0\n", "line 2, column 2: expected a number, got a NUL byte"),
        ("1,2\n3,٤\n".encode(), "line 2, column 2: expected a number, got '٤'"),
        ("Größe\n1\n".encode("latin1"), "got bytes that are not UTF-8"),
        (b"1,2\n" + b"3,4\n" * 1_000, "rows: expected 1 to 1,000, got 1,001 or more"),
        (b",".join([b"1"] * 1_025), "columns: expected 1 to 1,024, got 1,025"),
        (b"1,2\n1." + b"0" * MAX_LINE, "line 2: expected at most 32,768 characters"),
        (b"1,2\n1." + b"0" * 10 * 2**20, "line 2: expected at most 32,768 characters"),
        (b"1,2\n1,1." + b"0" * MAX_LINE + b"\n1,2\n" * 10, "line 2: expected at most 32,768 characters"),
        (b"1,2\n" + b"x" * 1_000 + b",2", r"got 'x{36}\.\.\.;"),
    ],
)
def test_bad_csv(read: Read, text: bytes, problem: str) -> None:
    with pytest.raises(UploadError, match=problem.replace("+", "\\+")):
        read(text)


def test_the_line_is_right_far_into_the_file(read: Read) -> None:
    text = b"a,b\n\n" + b"0.25,0.75\n\r\n" * 100_000 + b"0.25,?\n"
    with pytest.raises(UploadError, match=r"line 200003, column 2 \(b\): expected a number, got '\?'"):
        read(text, max_rows=1_000_000)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (np.array([{}]), "pickled Python objects, which are never read"),
        (np.zeros((2, 2), np.complex64), r"expected real numbers, got complex ones \(complex64\)"),
        (np.array([["a"]]), "expected real numbers, got the type <U1"),
        (np.zeros((2, 2), "m8[s]"), "expected real numbers, got the type timedelta"),
        (np.zeros(2, [("x", "f4"), ("y", "U3")]), "expected real numbers, got the type <U3"),
        (np.zeros(2, [("x", "f4"), ("y", "O")]), "pickled Python objects, which are never read"),
        (np.zeros(2, [("x", "f4", 3)]), "expected real numbers, got the type"),
        (np.zeros((2, 2), [("x", "f4")]), "expected named columns in one dimension, got 2"),
        (np.zeros(5), r"got the shape \(5,\); where an example is one number, save points.reshape\(-1, 1\)"),
        (np.zeros(()), "expected two dimensions .* got 0"),
        (np.zeros((2, 16, 16)), r"got 3, of the shape \(2, 16, 16\); save points.reshape\(len\(points\), -1\)"),
        (np.zeros((0, 2)), "rows: expected 1 to 1,000, got 0"),
        (np.zeros((2, 0)), "columns: expected 1 to 1,024, got 0"),
        (np.zeros((1_001, 2)), "rows: expected 1 to 1,000, got 1,001"),
        (np.zeros((1, 1_025)), "columns: expected 1 to 1,024, got 1,025"),
        (np.array([[0, 1], [2, np.nan]]), r"expected finite numbers within ±1e\+300, got nan at index \[1, 1\]"),
        (np.array([[0, 0x7F800001]], "u4").view("f4"), r"got nan at index \[0, 1\]"),  # a signalling one: no warning
        (np.array([[0, 1], [np.inf, 3]], np.float16), r"got inf at index \[1, 0\]"),
        (np.array([[0, -1.1e300]]), r"got -1.1e\+300 at index \[0, 1\]"),
        (np.array([[np.finfo(np.longdouble).max]]), "at index"),
    ],
)
def test_bad_npy(read: Read, values: npt.NDArray[Any], problem: str) -> None:
    with pytest.raises(UploadError, match=problem):
        read(_npy(values), "points.npy")


def test_the_index_is_right_far_into_the_file(read: Read) -> None:
    values = np.zeros((400_000, 5), np.float32)
    values[300_000, 3] = np.nan
    with pytest.raises(UploadError, match=r"got nan at index \[300000, 3\]"):
        read(_npy(values), max_rows=1_000_000)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_claiming("(10, 2)", content=b"\0" * 79), "expected 10 × 2 × 4 = 80 bytes after the header, .* got 79"),
        (_claiming("(10, 2)", content=b"\0" * 81), "got 81"),
        (_claiming("(1000, 1024)"), "4,096,000 bytes .* got 80"),
        (_claiming("(1000000000000, 2)"), "rows: expected 1 to 1,000, got 1,000,000,000,000"),
        (_claiming("(2, 1000000000000)"), "columns: expected 1 to 1,024"),
        (_claiming("(-10, -2)"), "damaged or unusual header"),
        (_claiming(f"(0x{'f' * 8_000}, 2)"), "damaged or unusual header"),
        (_claiming(f"({'9' * 8_000}, 2)"), "damaged or unusual header"),
        (_claiming("(10, 2)", "'|O'"), "pickled Python objects"),
        (_claiming("(10, 2)", "'<f4', 'x': 1"), "damaged or unusual header"),
        (_claiming("(10, 2)", "('<f4', (1000000000,))"), "expected real numbers|damaged or unusual header"),
        (_claiming("(10, 2)", "{[]: 1}"), "damaged or unusual header"),
        (_claiming("(10, 2)", "__import__('os').abort()"), "damaged or unusual header"),
        (_npy_with_header("(" * 9_000), "damaged or unusual header"),
        (_npy_with_header("[" * 15_000), "damaged or unusual header"),
        (_npy_with_header("{}"), "damaged or unusual header"),
        (_npy(np.zeros((2, 2)))[:20], "damaged or unusual header"),
        (b"\x93NUMPY", "damaged or unusual header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "damaged or unusual header"),
        (b"\x93NUMPY\x03\x00\x10\x00\x00\x00{", "damaged or unusual header"),
        (b"1,2\n3,4\n", "got a file named .npy that is none"),
    ],
)
def test_hostile_npy(read: Read, content: bytes, problem: str) -> None:
    with pytest.raises(UploadError, match=problem):
        read(content, "points.npy")


@given(st.binary(max_size=200), st.integers(0, 200), st.sampled_from(["points.npy", "points.csv"]))
def test_damaged_files_are_read_or_refused(read: Read, noise: bytes, at: int, filename: str) -> None:
    for sound in (_npy(np.ones((9, 2))), b"a,b\n" + b"0.5,0.25\n" * 20, b""):
        try:
            points = read(sound[:at] + noise + sound[at + len(noise) :], filename)
        except UploadError:
            continue
        assert points.ndim == 2
        assert np.isfinite(points).all()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("points.csv", "1,2\n" * 100_000)
    return buffer.getvalue()


@pytest.mark.parametrize("filename", ["points.csv", "points.npy", "points.zip", ""])
@pytest.mark.parametrize(
    ("content", "what"),
    [
        (_zip(), "zip"),
        (gzip.compress(b"1,2\n", mtime=0), "gzip"),
        (lzma.compress(b"1,2\n"), "xz"),
        (pickle.dumps([[1, 2]]), "pickle"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
    ],
)
def test_other_files_are_named_and_not_opened(read: Read, content: bytes, what: str, filename: str) -> None:
    with pytest.raises(UploadError, match=f"expected a picture, a CSV of numbers or a .npy .*{what}"):
        read(content, filename)


@pytest.mark.parametrize(
    "content",
    [
        b"\n" * 2**23,
        b"1" * 2**23,
        b"," * 2**23,
        b"\0" * 2**23,
        b" " * 2**23,
        b"1,2\n" * 2**21,
        b"\t\t\n" * 2**21,
        b"a,b\n" * 2**21,
        (b"9" * 16_000 + b"." + b"9" * 16_000 + b"x\n") * 200,
    ],
    ids=["blank", "digits", "commas", "NUL", "spaces", "rows", "tabs", "words", "long cells"],
)
def test_monsters_are_refused_quickly(read: Read, content: bytes) -> None:
    start = time.process_time()
    with pytest.raises(UploadError):
        read(content)
    assert time.process_time() - start < 60, "more than linear time, or a loop over single characters"
