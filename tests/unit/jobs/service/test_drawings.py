"""Points from pictures: odd ones, damaged ones, and whether points lie where the pixels are dark."""

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as np_st
from PIL import Image, ImageDraw, ImageOps

from app.jobs.errors import UploadError
from app.jobs.service import drawings
from app.jobs.service.examples import Table, prepared
from app.jobs.service.uploads import read_table

Read = Callable[..., Table]
Points = npt.NDArray[np.float64]


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    path = tmp_path_factory.mktemp("drawings") / "upload"

    def read_bytes(content: bytes, filename: str = "drawing.png", max_rows: int = 2_000, seed: int = 0) -> Table:
        path.write_bytes(content)
        return read_table(path, filename, max_rows=max_rows, seed=seed)

    return read_bytes


def _file(picture: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def _wedge(mode: str = "L", size: tuple[int, int] = (60, 40)) -> Image.Image:
    """Return a black triangle on white, whose right angle is at the bottom left; it tells all eight orientations."""
    picture = Image.new("L", size, 255)
    width, height = size
    ImageDraw.Draw(picture).polygon(
        [(width // 6, height // 4), (width // 6, 3 * height // 4), (5 * width // 6, 3 * height // 4)], fill=0
    )
    return picture.convert(mode)


def _check_wedge(points: Points) -> None:
    """Check that points fill the triangle, 2 to 1, in the middle of the unit square."""
    (low_x, low_y), (high_x, high_y) = points.min(axis=0), points.max(axis=0)
    np.testing.assert_allclose((low_x, high_x), (0.05, 0.95), atol=0.04)
    np.testing.assert_allclose((low_y, high_y), (0.5 - 0.225, 0.5 + 0.225), atol=0.05)
    across = (points - [low_x, low_y]) / [high_x - low_x, high_y - low_y]
    assert (across.sum(axis=1) < 1.1).all()
    np.testing.assert_allclose(across.mean(axis=0), [1 / 3, 1 / 3], atol=0.04)


def _grey_and_alpha() -> Image.Image:
    black = Image.new("L", (60, 40), 0)
    black.putalpha(ImageOps.invert(_wedge()))
    return black


def _sixteen_bits() -> Image.Image:
    return Image.fromarray(np.asarray(_wedge()).astype(np.uint16) * 257)


def _palette_with_transparency() -> bytes:
    """Black everywhere; outside of the triangle the black is transparent."""
    picture = Image.fromarray((np.asarray(_wedge()) > 0).astype(np.uint8)).convert("P")
    picture.putpalette([0, 0, 0, 0, 0, 0])
    return _file(picture, transparency=1)


def _turned(orientation: int) -> bytes:
    """Return the wedge as a camera stores it that is held in this way."""
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 5: Image.Transpose.TRANSPOSE}
    exif = Image.Exif()
    exif[0x0112] = orientation
    return _file(_wedge().transpose(undo[orientation]), "JPEG", quality=95, exif=exif)


def _animation() -> bytes:
    return _file(_wedge("P"), "GIF", save_all=True, append_images=[Image.new("P", (60, 40))], duration=100)


WEDGES = {
    "grey": _file(_wedge()),
    "bilevel": _file(_wedge("1")),
    "palette": _file(_wedge("P")),
    "16 bits": _file(_sixteen_bits()),
    "RGB": _file(_wedge("RGB")),
    "RGBA, black wherever it is transparent": _file(_grey_and_alpha().convert("RGBA")),
    "LA": _file(_grey_and_alpha()),
    "palette with transparency": _palette_with_transparency(),
    "JPEG": _file(_wedge(), "JPEG", quality=95),
    "CMYK": _file(_wedge("CMYK"), "JPEG", quality=95),
    "WebP": _file(_wedge(), "WEBP", lossless=True),
    "GIF": _file(_wedge(), "GIF"),
    "BMP": _file(_wedge(), "BMP"),
    "animation": _animation(),
    **{f"orientation {value}": _turned(value) for value in (3, 5, 6)},
    "light on dark": _file(ImageOps.invert(_wedge())),
    "pale": _file(Image.eval(_wedge(), lambda grey: 200 + grey // 8)),
    "large": _file(_wedge(size=(3_000, 2_000)).convert("1")),
    "off the centre": _file(ImageOps.expand(_wedge(), (200, 30, 0, 5), fill=255)),
}


@pytest.mark.parametrize("content", WEDGES.values(), ids=WEDGES)
def test_pictures_of_every_kind_give_the_drawing(content: bytes, read: Read) -> None:
    for filename in ("wedge.png", "wedge.csv", "wedge.npy"):  # its bytes say what it is
        table = read(content, filename)
    assert table.values.shape == (2_000, 2)
    _check_wedge(table.values)


def _huge(kind: str) -> bytes:
    """Return a PNG that claims more pixels than it has."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    side = {"large": 5_000, "very large": 12_000, "a bomb": 2**31 - 1}[kind]
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


REFUSED = {
    "white": (_file(Image.new("L", (9, 9), 255)), "edge has the grey 255 of 0 … 255, and in which nothing is darker"),
    "black": (_file(Image.new("RGB", (9, 9))), "edge has the grey 0 of 0 … 255, and in which nothing is lighter"),
    "1×1": (_file(Image.new("L", (1, 1), 0)), "nothing is lighter"),
    "1×5000": (_file(Image.new("1", (1, 5_000))), "nothing is lighter"),
    "transparent": (_file(Image.new("RGBA", (9, 9))), "nothing is darker"),
    "faint": (_file(Image.eval(_wedge(), lambda grey: 245 + grey // 26)), "nothing is darker"),
    "truncated PNG": (_file(_wedge(size=(600, 400)))[:300], "damaged or was cut off"),
    "truncated JPEG": (_file(_wedge(), "JPEG")[:-200], "damaged or was cut off"),
    "truncated GIF": (_file(_wedge(), "GIF")[:-60], "damaged or was cut off"),
    "only the beginning": (b"\x89PNG\r\n\x1a\n", "damaged or was cut off"),
    "a sound": (b"RIFF\x24\0\0\0WAVEfmt ", "expected a picture, a CSV of numbers"),
    "TIFF": (_file(_wedge(), "TIFF"), "TIFF"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
    **{
        kind: (_huge(kind), "expected a picture of at most 16,777,216 pixels")
        for kind in ("large", "very large", "a bomb")
    },
}


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_what_shows_no_drawing_is_refused_in_words(content: bytes, words: str, read: Read) -> None:
    with pytest.raises(UploadError) as refusal:
        read(content)
    assert words in str(refusal.value)


def test_text_named_as_a_picture_is_read_as_text(read: Read) -> None:
    assert read(b"BMI,age\n21,30\n25,40\n", "people.png").values.tolist() == [[21, 30], [25, 40]]


def test_one_pixel_among_many_gives_points_that_fill_it(read: Read) -> None:
    picture = Image.new("L", (50, 20), 255)
    picture.putpixel((3, 4), 0)
    points = read(_file(picture)).values
    assert ((points >= 0.05) & (points <= 0.95)).all()
    np.testing.assert_allclose(points.mean(axis=0), 0.5, atol=0.03)
    np.testing.assert_allclose(points.std(axis=0), 0.9 / np.sqrt(12), atol=0.02)
    assert len(np.unique(points[:, 0])) == len(points)


def test_darker_pixels_get_more_points(read: Read) -> None:
    picture = Image.new("L", (6, 6), 255)
    for column, grey in ((1, 0), (2, 128), (3, 192), (4, 250)):  # the last is as good as white
        picture.paste(grey, (column, 1, column + 1, 5))
    points = read(_file(picture), max_rows=20_000).values
    counts = np.histogram(points[:, 0], 3, (points[:, 0].min(), points[:, 0].max()))[0]
    ink = np.array([255, 127, 63])
    np.testing.assert_allclose(counts / len(points), ink / ink.sum(), atol=0.02)


def test_the_same_picture_and_seed_give_the_same_points(read: Read) -> None:
    content = _file(_wedge())
    first, again, other = (read(content, seed=seed).values for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.isin(other, first).any()
    assert len(read(content, max_rows=10**6).values) == drawings.MAX_POINTS


def test_points_of_a_picture_are_left_where_they_are_and_named(read: Read) -> None:
    table = read(_file(ImageOps.invert(_wedge())), "C:\\Users\\ada\\My drawing.v2.png")
    for normalize in (True, False):
        stored, values = prepared(table, normalize)
        np.testing.assert_array_equal(values, table.values.astype(np.float32))
        assert (stored.transform, stored.name, stored.rows) == (None, "My drawing.v2", 2_000)
        assert stored.warnings == ("the edge of the picture is dark: points lie where it is light",)


def _table_or_refusal(read: Read, content: bytes, **options: int) -> Table | str:
    try:
        return read(content, **options)
    except UploadError as refusal:
        return str(refusal)


@given(np_st.arrays(np.uint8, np_st.array_shapes(min_dims=2, max_dims=2, max_side=12)), st.integers(0, 9))
def test_points_of_any_picture_lie_in_the_unit_square(read: Read, greys: npt.NDArray[np.uint8], seed: int) -> None:
    found = _table_or_refusal(read, _file(Image.fromarray(greys)), max_rows=50, seed=seed)
    if isinstance(found, str):
        assert "expected a picture with something dark" in found
        return
    assert found.values.shape == (50, 2)
    assert ((found.values >= 0.05 - 1e-9) & (found.values <= 0.95 + 1e-9)).all()


@given(st.binary(max_size=200), st.sampled_from(["PNG", "JPEG", "WEBP", "GIF", "BMP"]), st.integers(0, 400))
def test_whatever_the_bytes_the_answer_is_points_or_words(read: Read, noise: bytes, form: str, place: int) -> None:
    content = _file(_wedge(), form)
    found = _table_or_refusal(read, content[:place] + noise + content[place + len(noise) :], max_rows=10)
    assert found if isinstance(found, str) else np.isfinite(found.values.astype(np.float64)).all()
