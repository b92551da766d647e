"""Pictures and arrays in, faces out; and what is said of what was left out."""

import os
import random
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from models.faces.loading import load_faces

FACES = np.random.default_rng(0).integers(0, 256, (60, 16, 16), dtype=np.uint8)


def _load(folder: Path) -> tuple[np.ndarray, dict[str, str]]:
    """Return the faces, and each file that was left out with the reason."""
    left_out: dict[str, str] = {}
    faces = load_faces(folder, on_left_out=lambda file, why: left_out.update({str(file.relative_to(folder)): why}))
    return faces, left_out


def test_a_npy_of_faces(tmp_path: Path) -> None:
    np.save(tmp_path / "faces.npy", FACES)
    np.testing.assert_array_equal(load_faces(tmp_path / "faces.npy"), FACES)
    np.testing.assert_array_equal(load_faces(f"{tmp_path}/faces.npy"), FACES)


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    grey = np.zeros((40, 80), np.uint8)
    grey[:, 20:60] = 200  # the central square; what is beside it is cut off
    Image.fromarray(grey).save(tmp_path / "a.png")
    (tmp_path / "more").mkdir()
    Image.fromarray(np.full((33, 33, 3), (255, 0, 0), np.uint8)).save(tmp_path / "more" / "b.JPG")
    (tmp_path / "notes.txt").write_text("not a picture, and not taken for one")
    faces = load_faces(tmp_path)

    assert faces.shape == (2, 16, 16)
    assert faces.dtype == np.uint8
    assert (faces[0] == 200).all()
    np.testing.assert_allclose(faces[1], 76, atol=2)  # the luminance of red


def test_a_picture_on_its_side_is_turned_upright(tmp_path: Path) -> None:
    picture = Image.fromarray(np.repeat(np.linspace(0, 255, 16, dtype=np.uint8)[:, np.newaxis], 16, axis=1))
    exif = Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "side.png", exif=exif)
    face = load_faces(tmp_path)[0].astype(int)
    assert (np.diff(face, axis=1) < 0).all()


def test_sixteen_bits_are_scaled_not_clipped(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 65_535, 16, dtype=np.uint16)[:, np.newaxis], 16, axis=1)
    Image.fromarray(ramp).save(tmp_path / "deep.png")
    np.testing.assert_allclose(load_faces(tmp_path)[0], np.linspace(0, 255, 16)[:, np.newaxis].repeat(16, 1), atol=1)


def test_what_is_transparent_lies_on_white(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((16, 16, 4), np.uint8)).save(tmp_path / "clear.png")
    assert (load_faces(tmp_path) == 255).all()


def test_what_only_looks_like_a_picture_is_passed_over(tmp_path: Path) -> None:
    Image.fromarray(FACES[0]).save(tmp_path / "face.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "._face.jpg").write_bytes(b"a resource fork")
    (tmp_path / "paper.pdf").write_bytes(b"%PDF")
    assert len(load_faces(tmp_path)) == 1


ARRAYS: list[tuple[Any, str]] = [
    (np.zeros((3, 16, 16)), r"got float64 \(3, 16, 16\); convert it: \(faces \* 255\)\.round\(\)\.astype\(np\.uint8\)"),
    (np.full((3, 16, 16), -0.5, np.float32), r"got float32 .*convert it: \(faces \* 127\.5 \+ 127\.5\)\.round"),
    (np.full((3, 16, 16), 254.6), r"got float64 .*convert it: faces\.round\(\)\.astype"),
    (np.full((3, 16, 16), 300), r"got int64 \(3, 16, 16\)$"),
    (np.full((3, 16, 16), 200), r"got int64 \(3, 16, 16\); convert it: faces\.astype\(np\.uint8\)"),
    (np.zeros((3, 16, 16), bool), r"got bool \(3, 16, 16\); convert it: faces\.astype\(np\.uint8\) \* 255"),
    (np.full((3, 16, 16), np.nan), r"got float64 \(3, 16, 16\)$"),
    (np.zeros((0, 16, 16)), r"got float64 \(0, 16, 16\)$"),
    (np.zeros((3, 16, 16, 1), np.uint8), r"got uint8 \(3, 16, 16, 1\); convert it: faces\[\.\.\., 0\]$"),
    (np.zeros((3, 1, 16, 16)), r"convert it: faces\[:, 0\], then \(faces \* 255\)"),
    (np.zeros((3, 256), np.uint8), r"got uint8 \(3, 256\); convert it: faces\.reshape\(-1, 16, 16\)$"),
    (np.zeros((16, 16), np.uint8), r"got uint8 \(16, 16\); convert it: faces\[np\.newaxis\]"),
    (np.zeros((3, 64, 64, 3), np.uint8), r"got uint8 \(3, 64, 64, 3\); save larger or coloured faces as pictures"),
    (np.zeros((), np.uint8), r"got uint8 \(\); save larger"),
    (np.zeros(3, [("a", "u1")]), r"got \[\('a', 'u1'\)\] \(3,\)"),
    (np.array([{"a": 1}]), "found an array of Python objects; convert it to uint8"),
    (b"PK\x03\x04", r"found an archive \(\.npz or \.zip\); save one array with np\.save, or unpack the pictures"),
    (b"\x93NUMPY\x01\x00\x10\x00{'descr': (((((", r"found a damaged \.npy file"),
    (b"\x89PNG\r\n\x1a\n", "found one picture; name the folder it lies in"),
    (b"version https://git-lfs.github.com/spec/v1\n", "found a Git LFS pointer; fetch the file with git lfs pull"),
    (b"", "found an empty file"),
    (b"no array", "found something else"),
    (None, "found nothing there"),
]


@pytest.mark.parametrize(("content", "message"), ARRAYS)
def test_files_that_are_no_faces(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "faces.npy"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content, allow_pickle=True)
    with pytest.raises(ValueError, match=message) as error:
        load_faces(path)
    assert str(error.value).startswith(f"{path}: expected ")


def test_what_is_advised_for_an_array_gives_faces(tmp_path: Path) -> None:
    """Each advice is followed as it stands."""
    for faces in (
        FACES / 255,
        FACES / 127.5 - 1,
        FACES.astype(np.int64),
        FACES[..., None],
        FACES.reshape(60, 256),
        FACES[:, None] / 255,
    ):
        np.save(tmp_path / "faces.npy", faces)
        with pytest.raises(ValueError, match="convert it: ") as error:
            load_faces(tmp_path / "faces.npy")
        for step in str(error.value).partition("convert it: ")[2].split(", then "):
            faces = eval(step, {"np": np, "faces": faces})
        np.save(tmp_path / "faces.npy", faces)
        np.testing.assert_array_equal(load_faces(tmp_path / "faces.npy"), FACES)


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"expected pictures .* in this folder, found none"):
        load_faces(tmp_path)


def _tiff(bits: int, sample_format: int, pixels: bytes) -> bytes:
    """Return a grey 16×16 TIFF of pixels that Pillow itself does not write."""
    entries = [(256, 16), (257, 16), (258, bits), (259, 1), (262, 1), (273, 0), (277, 1), (278, 16), (279, len(pixels))]
    entries.append((339, sample_format))
    start = 8 + 2 + 12 * len(entries) + 4
    content = b"II*\0" + struct.pack("<IH", 8, len(entries))
    for tag, value in entries:
        content += struct.pack("<HHII", tag, 4, 1, start if tag == 273 else value)
    return content + bytes(4) + pixels


UNKNOWN_RANGE = "pixels of unknown range (32 bits, or signed); save with 8 or 16 bits"
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1386816\n"
ELSEWHERE = ", which cannot be read here; convert to JPEG or PNG"
HEIC = "HEIC" + ELSEWHERE


def test_each_file_that_is_not_taken_is_told_with_its_reason(tmp_path: Path) -> None:
    Image.fromarray(FACES[0]).save(tmp_path / "a.png")
    png = (tmp_path / "a.png").read_bytes()
    files: dict[str, tuple[bytes, str]] = {
        "telephone.heic": (b"\0\0\0\x24ftypheic\0\0\0\0", HEIC),
        "telephone.jpg": (b"\0\0\0\x24ftypmif1\0\0\0\0", HEIC),
        "burst.HEIF": (b"\0\0\0\x24ftypmsf1\0\0\0\0", HEIC),
        "new.jxl": (b"\xff\x0a\0\0", "JPEG XL" + ELSEWHERE),
        "box": (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL" + ELSEWHERE),
        "camera.NEF": (
            _tiff(8, 1, bytes(256)),
            "a camera's raw format, which cannot be read here; convert to JPEG or PNG",
        ),
        "logo.svg": (b"<svg/>", "a drawing" + ELSEWHERE),
        "integers.tif": (_tiff(32, 1, bytes(1024)), UNKNOWN_RANGE),
        "signed.tif": (_tiff(32, 2, bytes(1024)), UNKNOWN_RANGE),
        "floats.tiff": (_tiff(32, 3, bytes(1024)), UNKNOWN_RANGE),
        "short.tif": (_tiff(16, 2, bytes(512)), UNKNOWN_RANGE),
        "twelve.tif": (_tiff(12, 1, bytes(384)), "12 bits a pixel; save with 8 or 16 bits"),
        "cut.png": (png[:-100], "damaged"),
        "cut.jpeg": (b"\xff\xd8\xff\xe0", "damaged"),
        "words.png": (b"not a picture at all", "damaged"),
        "cut": (png[:-100], "damaged"),
        "nothing.png": (b"", "empty"),
        "pointer.png": (LFS, "a Git LFS pointer; fetch the pictures with git lfs pull"),
        "notes.txt": (b"a list of names", "no picture"),
        "labels.csv": (b"file,name\n", "no picture"),
        "paper.pdf": (b"%PDF-1.4", "no picture"),
        "film.mp4": (b"\0\0\0\x20ftypisom", "no picture"),
        "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "a drawing" + ELSEWHERE),
        ".DS_Store": (b"\0\0\0\1Bud1", "hidden"),
        "._a.png": (b"a resource fork", "hidden"),
        ".thumbnails/a.png": (png, "hidden"),
        "__MACOSX/a.png": (png, "hidden"),
    }
    for name, (content, _) in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    (tmp_path / "others").symlink_to(tmp_path / "__MACOSX")
    os.mkfifo(tmp_path / "pipe.png")
    links = {"gone.png": "a link to nothing", "others": "a link to a folder, which is not followed"}

    faces, left_out = _load(tmp_path)
    np.testing.assert_array_equal(faces, FACES[:1])
    assert left_out == {name: why for name, (_, why) in files.items()} | links | {"pipe.png": "no picture"}


def test_pictures_are_taken_by_what_they_hold_and_not_by_their_names(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((20, 20), 100, np.uint8))
    for name, kind in {
        "a.jfif": "JPEG",
        "b.jpe": "JPEG",
        "c.jpg_large": "JPEG",
        "d": "PNG",
        "e.heic": "JPEG",  # renamed, as some programs do
        "f.png": "WEBP",
        "g.jp2": "JPEG2000",
        "h.pgm": "PPM",
        "i.gif": "GIF",
        "j.bmp": "BMP",
        "k.dib": "DIB",
        "l.tif": "TIFF",
    }.items():
        with (tmp_path / name).open("wb") as file:
            grey.save(file, kind)
    faces, left_out = _load(tmp_path)
    assert (len(faces), left_out) == (12, {})
    np.testing.assert_allclose(faces.astype(int), 100, atol=1)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16"])
def test_every_kind_of_colour_becomes_grey(mode: str, tmp_path: Path) -> None:
    Image.new("L", (20, 20), 255).convert(mode).save(tmp_path / "a.tif") if mode != "I;16" else Image.fromarray(
        np.full((20, 20), 65_535, np.uint16)
    ).save(tmp_path / "a.tif")
    assert (load_faces(tmp_path) >= 254).all()


def test_sixteen_bits_of_a_pgm_are_taken_whole(tmp_path: Path) -> None:
    (tmp_path / "a.pgm").write_bytes(b"P5\n16 16\n65535\n" + b"\x80\x00" * 256)
    np.testing.assert_array_equal(load_faces(tmp_path), np.full((1, 16, 16), 128))


def test_damaged_exif_data_do_not_cost_a_picture(tmp_path: Path) -> None:
    Image.fromarray(FACES[0]).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    faces, left_out = _load(tmp_path)
    np.testing.assert_array_equal(faces, FACES[:1])
    assert not left_out


def test_a_picture_of_too_many_pixels_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1_000)
    for name, side in (("a.png", 31), ("large.png", 40), ("bomb.png", 50)):
        Image.new("L", (side, side)).save(tmp_path / name)
    faces, left_out = _load(tmp_path)
    assert len(faces) == 2
    assert left_out == {"bomb.png": "more than 179 million pixels"}


def test_a_picture_that_may_not_be_read_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.png", "b.png"):
        Image.fromarray(FACES[0]).save(tmp_path / name)
    whole = Image.open

    def refuse(path: Path, **options: Any) -> Any:
        if path.name == "a.png":
            raise PermissionError(13, "Permission denied")
        return whole(path, **options)

    monkeypatch.setattr("PIL.Image.open", refuse)  # the superuser may read everything
    faces, left_out = _load(tmp_path)
    assert (len(faces), left_out) == (1, {"a.png": "may not be read"})


def test_whatever_is_damaged_ends_no_run(tmp_path: Path) -> None:
    """Cut, and with bytes changed, at random: each is either taken or left out."""
    draw = random.Random(0)
    for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "JPEG2000"):
        Image.fromarray(np.repeat(np.repeat(FACES[0], 4, 0), 4, 1)).save(tmp_path / "whole", kind)
        whole = (tmp_path / "whole").read_bytes()
        for i in range(40):
            content = bytearray(whole[: draw.randrange(len(whole))] if i % 2 else whole)
            for _ in range(i // 4):
                if content:
                    content[draw.randrange(len(content))] = draw.randrange(256)
            (tmp_path / f"{kind}-{i}.png").write_bytes(content)
    faces, left_out = _load(tmp_path)
    assert len(faces) + len(left_out) == 8 * 40 + 1
    assert len(left_out) > 100


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    with pytest.raises(ValueError, match=r"broken\.png: expected a picture, found one that is left out: damaged"):
        load_faces(tmp_path)
