import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.faces import imaging

RNG = np.random.default_rng(0)


def _faces(count: int) -> imaging.Grey:
    return RNG.integers(0, 256, (count, 16, 16), dtype=np.uint8)


def _decode(data: bytes) -> Any:
    return Image.open(io.BytesIO(data))


def test_faces_become_one_png_each() -> None:
    faces = _faces(20)
    pictures = imaging.pngs(faces)

    assert pictures == imaging.pngs(faces.copy())
    assert pictures == [imaging.sheet_png(face[np.newaxis], 16, "nearest") for face in faces]
    for face, content in zip(faces, pictures, strict=True):
        picture = _decode(content)
        assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (16, 16))
        np.testing.assert_array_equal(np.asarray(picture), face)


@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (32, 32), (32, 33), (64, 64)])
def test_png_of_any_size(shape: tuple[int, int]) -> None:
    picture = RNG.integers(0, 256, shape, dtype=np.uint8)
    content = imaging.pngs(picture[np.newaxis])[0]

    _decode(content).verify()  # checksums
    np.testing.assert_array_equal(np.asarray(_decode(content)), picture)


@pytest.mark.parametrize(("count", "size"), [(1, 16), (1, 32), (5, 16), (64, 16), (1_000, 16), (5, 48)])
def test_a_sheet_as_png(count: int, size: int) -> None:
    faces = _faces(count)
    content = imaging.sheet_png(faces, size, "nearest", columns=3)
    picture = _decode(content)

    assert (picture.format, picture.mode) == ("PNG", "L")
    np.testing.assert_array_equal(np.asarray(picture), imaging.sheet(imaging.enlarge(faces, size, "nearest"), 3))
    _decode(content).verify()  # checksums


def test_enlarged_sheets_are_compressed() -> None:
    assert len(imaging.sheet_png(_faces(64), 64, "nearest")) < 64 * 64**2 / 8


def test_sheet_runs_row_by_row() -> None:
    faces = _faces(5)
    sheet = imaging.sheet(faces, columns=2)

    assert sheet.shape == (48, 32)
    for i, face in enumerate(faces):
        row, column = divmod(i, 2)
        np.testing.assert_array_equal(sheet[16 * row : 16 * row + 16, 16 * column : 16 * column + 16], face)
    assert not sheet[32:, 16:].any()


@pytest.mark.parametrize(
    ("count", "columns", "shape"),
    [(1, None, (16, 16)), (2, None, (16, 32)), (9, None, (48, 48)), (3, 10, (16, 48)), (7, 1, (112, 16))],
)
def test_shape_of_a_sheet(count: int, columns: int | None, shape: tuple[int, int]) -> None:
    assert imaging.sheet(_faces(count), columns).shape == shape


@pytest.mark.parametrize("size", [16, 17, 48, 1024])
@pytest.mark.parametrize("resample", ["nearest", "bilinear", "bicubic", "lanczos"])
def test_enlarged_faces(size: int, resample: imaging.Resample) -> None:
    assert imaging.enlarge(_faces(2), size, resample).shape == (2, size, size)


def test_nearest_repeats_pixels_exactly() -> None:
    faces = _faces(2)
    np.testing.assert_array_equal(imaging.enlarge(faces, 48, "nearest")[:, ::3, 2::3], faces)
    by_pillow = np.asarray(Image.fromarray(faces[0]).resize((48, 48), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(imaging.enlarge(faces, 48, "nearest")[0], by_pillow)


def test_an_svg_merges_neighbours_of_the_same_grey() -> None:
    face = np.array([[0, 0, 255], [7, 7, 7], [1, 2, 1]], np.uint8)
    lines = imaging.svg(face, 30).decode().splitlines()

    assert lines[0].startswith('<svg xmlns="http://www.w3.org/2000/svg" width="30" height="30" viewBox="0 0 3 3"')
    assert lines[1:-1] == [
        '<rect x="0" y="0" width="2" height="1" fill="#000000"/>',
        '<rect x="2" y="0" width="1" height="1" fill="#ffffff"/>',
        '<rect x="0" y="1" width="3" height="1" fill="#070707"/>',
        '<rect x="0" y="2" width="1" height="1" fill="#010101"/>',
        '<rect x="1" y="2" width="1" height="1" fill="#020202"/>',
        '<rect x="2" y="2" width="1" height="1" fill="#010101"/>',
    ]


def test_a_jpeg_is_good() -> None:
    gradient = np.add.outer(np.arange(16), np.arange(16)).astype(np.uint8) * 8
    decoded = np.asarray(_decode(imaging.picture(gradient, "jpg", 256, "lanczos")))
    assert np.abs(decoded.astype(int) - imaging.enlarge(gradient[np.newaxis], 256, "lanczos")[0]).max() <= 6


def test_smaller_than_it_is_a_face_is_averaged() -> None:
    [face] = _faces(1)
    means = face.reshape(4, 4, 4, 4).mean(axis=(1, 3))
    assert np.abs(imaging.enlarge(face[np.newaxis], 4, "nearest")[0] - means).max() <= 1


@pytest.mark.parametrize(("file_format", "name"), [("gif", "GIF"), ("webp", "WEBP"), ("apng", "PNG")])
def test_animation(file_format: imaging.AnimationFormat, name: str) -> None:
    faces = _faces(4)
    picture = _decode(imaging.animation(faces, file_format, fps=20))

    assert picture.format == name
    assert picture.n_frames == 4
    assert picture.info["loop"] == 0
    for i, face in enumerate(faces):
        picture.seek(i)
        np.testing.assert_array_equal(np.asarray(picture.convert("L")), face)
        if file_format != "webp":  # which tells its durations only while it decodes
            assert picture.info["duration"] == 50
