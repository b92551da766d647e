"""Real examples from a picture: points in the plane, that lie where its pixels are dark.

Pictures come from strangers: their size is looked at before they are unpacked, and Pillow reads only the formats named
here.
"""

import math
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

from app.jobs.errors import UploadError
from app.jobs.service.examples import Table

Floats = npt.NDArray[np.float64]

#: The most points that are drawn.
MAX_POINTS = 100_000

_FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP")
#: Of a picture that is unpacked, 4 bytes each.
_MAX_PIXELS = 2**24
#: Larger pictures are made smaller before points are drawn, and JPEGs while they are unpacked.
_MAX_SIDE = 1_024
#: Least difference between the drawing and its ground, of 255 greys.
_LEAST_CONTRAST = 16
#: Whatever differs less from the ground than this share of the darkest is the ground: paper is never even.
_NOISE = 0.1
#: Share of [0, 1] left free at both ends of the longer side, as for other points: a sigmoid never reaches 0 and 1.
_MARGIN = 0.05


def is_picture(beginning: bytes) -> bool:
    """Say whether a file that begins with these (at least 16) bytes is a picture of a format that can be read."""
    return (
        beginning.startswith((b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8"))
        or (beginning.startswith(b"RIFF") and beginning[8:12] == b"WEBP")
        or (beginning.startswith(b"BM") and beginning[6:10] == b"\0\0\0\0")  # a title of a CSV may be BMI
    )


def read_drawing(path: Path, max_rows: int, seed: int) -> Table:
    """Draw points where a picture is dark, or, where its edge is dark, where it is light.

    The probability of a pixel is proportional to the difference from the ground, the grey of most of the edge.
    Transparent pixels are white. Within its pixel, a point lies anywhere. The drawing fills the unit square but for a
    margin, keeps its proportions, and stands upright. Of an animation, the first frame counts.

    Args:
        path: the file.
        max_rows: how many points, but no more than ``MAX_POINTS``.
        seed: decides which.

    Raises:
        UploadError: it is no picture, it is damaged, too large, or the same all over.
    """
    ink, is_light = _ink(_greys(path))
    points = _scattered(ink, min(max_rows, MAX_POINTS), np.random.default_rng([seed, 0xD4]))
    notes = ("the edge of the picture is dark: points lie where it is light",) if is_light else ()
    return Table(points, warnings=notes, in_unit_square=True)


def _greys(path: Path) -> npt.NDArray[np.uint8]:
    """Return the greys of a picture as it is looked at, no side longer than ``_MAX_SIDE``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as picture:
                picture.draft("RGB", (_MAX_SIDE, _MAX_SIDE))
                _check_size(*picture.size)
                return _reduced(picture)
    except UploadError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise UploadError(_TOO_LARGE) from None
    except Exception:  # Pillow can raise almost any error
        raise UploadError("expected a picture, got one that is damaged or was cut off; save it anew as PNG") from None


_TOO_LARGE = f"expected a picture of at most {_MAX_PIXELS:,} pixels"


def _check_size(width: int, height: int) -> None:
    if width * height > _MAX_PIXELS:
        raise UploadError(f"{_TOO_LARGE}, got {width:,} × {height:,} = {width * height:,}; make it smaller")


def _reduced(picture: Image.Image) -> npt.NDArray[np.uint8]:
    if picture.mode.startswith("I"):  # 16 bits, of which Pillow would clip the upper ones
        grey = Image.fromarray((np.asarray(picture).astype(np.uint32) >> 8).astype(np.uint8))
    elif picture.has_transparency_data:
        colours = picture.convert("RGBA")
        grey = Image.new("L", colours.size, 255)
        grey.paste(colours.convert("L"), mask=colours.getchannel("A"))
    else:
        grey = picture.convert("L")
    grey = grey.reduce(math.ceil(max(grey.size) / _MAX_SIDE))
    grey.info = picture.info  # which side is up
    return np.asarray(ImageOps.exif_transpose(grey))


def _ink(greys: npt.NDArray[np.uint8]) -> tuple[Floats, bool]:
    """Return how much each pixel differs from the ground, and whether the drawing is lighter than that."""
    edge = np.concatenate([greys[0], greys[-1], greys[:, 0], greys[:, -1]])
    ground = float(np.median(edge))
    is_light = ground < 128
    ink = (greys - ground if is_light else ground - greys).clip(0)
    if ink.max() < _LEAST_CONTRAST:
        raise UploadError(
            "expected a picture with something dark on a light ground, or light on a dark one, got one whose edge has "
            f"the grey {ground:g} of 0 … 255, and in which nothing is {'lighter' if is_light else 'darker'}"
        )
    ink[ink < _NOISE * ink.max()] = 0
    return ink, is_light


def _scattered(ink: Floats, count: int, rng: np.random.Generator) -> Floats:
    """Draw points, ``(count, 2)``, where there is ink; the longer side of all ink spans the unit square."""
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = ink.shape
    sums = ink.cumsum()
    pixels = np.searchsorted(sums[:-1], rng.random(count) * sums[-1], side="right")
    places = np.stack([pixels % width, height - 1 - pixels // width], axis=1) + rng.random((count, 2))
    points: Floats = 0.5 + (places - np.array([width, height]) / 2) * (1 - 2 * _MARGIN) / max(width, height)
    return points
