"""Reads grey 16×16 faces from a folder of pictures, or from an array in a file."""

import hashlib
import os
import tokenize
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import PIL.Image
import PIL.ImageOps

Faces = npt.NDArray[np.uint8]

#: What Pillow is asked to read, whatever a file is called. What it would hand to other programs is not among it.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP")

#: Names that say that a file was meant as a picture: where it cannot be read, it is damaged.
_PICTURE_SUFFIXES = {
    *(".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm"),
    *(".ppm", ".qoi", ".tif", ".tiff", ".webp"),
}

#: Pictures that cannot be read here: how they begin after four bytes, and how they are called.
_OTHER_STARTS = (
    *((b"ftyp" + brand, "HEIC") for brand in (b"hei", b"hev", b"mif1", b"msf1")),
    (b"ftypavi", "AVIF"),
    (b"JXL ", "JPEG XL"),
)
_RAW = "a camera's raw format"
_OTHER_SUFFIXES = {
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIC"),
    **dict.fromkeys((".arw", ".cr2", ".cr3", ".dng", ".nef", ".orf", ".raf", ".raw", ".rw2"), _RAW),
    **dict.fromkeys((".eps", ".svg", ".wmf"), "a drawing"),
    **{".jxl": "JPEG XL", ".psd": "Photoshop", ".tga": "TGA", ".ico": "an icon"},
}

_HIDDEN, _NO_PICTURE = "hidden", "no picture"
_SIDE = 16
_TIFF_BITS = 258  # the tag that tells them


class _LeftOutError(ValueError):
    """A file that is not taken; the message is the reason, in the same words for every file of the kind."""


def load_faces(path: str | os.PathLike[str], *, on_left_out: Callable[[Path, str], None] | None = None) -> Faces:
    """Load grey faces, uint8 ``(count, 16, 16)``.

    Args:
        path: a ``.npy`` file of that shape and dtype, or a folder of pictures, which are converted to grey, cropped
            to their central square and resized. They are taken by what they hold, not by their names; hidden files
            are not looked at.
        on_left_out: called with each file of the folder that is not taken, and why, in few words. Without it, a
            picture that cannot be read is an error, and what is no picture is passed over.

    Raises:
        ValueError: nothing there can be read as faces; the message names the file.
    """
    where = Path(path)
    return _load_folder(where, on_left_out) if where.is_dir() else _load_array(where)


def split_holdout(faces: Faces, holdout: int, seed: int) -> tuple[Faces, Faces]:
    """Return ``(training, development)`` faces, of which ``holdout`` development ones; a seed gives one split."""
    order = np.random.default_rng(seed).permutation(len(faces))
    return faces[order[holdout:]], faces[order[:holdout]]


def faces_sha256(faces: Faces) -> str:
    """Return what identifies a set of faces: the SHA-256 of their pixels, in order."""
    return hashlib.sha256(np.ascontiguousarray(faces).tobytes()).hexdigest()


def _load_folder(folder: Path, on_left_out: Callable[[Path, str], None] | None) -> Faces:
    faces = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Pillow: it warns of what it mends, and of pictures that are merely large
        for file in sorted(path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir()):
            try:
                faces.append(_load_picture(file, folder))
            except _LeftOutError as error:
                if on_left_out is not None:
                    on_left_out(file, str(error))
                elif str(error) not in (_HIDDEN, _NO_PICTURE):
                    raise ValueError(f"{file}: expected a picture, found one that is left out: {error}") from error
    if not faces:
        raise ValueError(f"{folder}: expected pictures (PNG, JPEG, TIFF, WebP, …) in this folder, found none")
    return np.stack(faces)


def _load_picture(file: Path, folder: Path) -> Faces:
    if any(part.startswith(".") or part == "__MACOSX" for part in file.relative_to(folder).parts):
        raise _LeftOutError(_HIDDEN)
    if file.is_dir():
        raise _LeftOutError("a link to a folder, which is not followed")
    if not file.is_file():
        raise _LeftOutError("a link to nothing" if file.is_symlink() else _NO_PICTURE)
    if _OTHER_SUFFIXES.get(file.suffix.lower()) == _RAW:  # to Pillow some are a TIFF, of a thumbnail
        raise _LeftOutError(_not_here(_RAW))
    PIL.Image.init()
    try:
        with PIL.Image.open(file, formats=[name for name in FORMATS if name in PIL.Image.OPEN]) as picture:
            picture.load()
            _check_range(picture)
            grey = _grey(_upright(picture))
    except _LeftOutError:
        raise
    except Exception as error:  # Pillow raises all kinds of them on damaged files
        raise _LeftOutError(_reason(file, error)) from error
    return np.asarray(_central_square(grey).resize((_SIDE, _SIDE), PIL.Image.Resampling.LANCZOS), np.uint8)


def _reason(file: Path, error: Exception) -> str:
    """Return in few words why Pillow could not read a file."""
    if isinstance(error, PermissionError):
        return "may not be read"
    if isinstance(error, PIL.Image.DecompressionBombError):
        return "more than 179 million pixels"
    with file.open("rb") as start:
        head = start.read(64)
    suffix = file.suffix.lower()
    if not head:
        return "empty"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer; fetch the pictures with git lfs pull"
    other = next((kind for begins, kind in _OTHER_STARTS if head.startswith(begins, 4)), _OTHER_SUFFIXES.get(suffix))
    if other is not None:
        return _not_here(other)
    if isinstance(error, PIL.UnidentifiedImageError) and suffix not in _PICTURE_SUFFIXES:
        return _NO_PICTURE
    return "damaged"


def _not_here(kind: str) -> str:
    return f"{kind}, which cannot be read here; convert to JPEG or PNG"


def _check_range(picture: PIL.Image.Image) -> None:
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):  # whose 16 bits Pillow shows like this
        raise _LeftOutError("pixels of unknown range (32 bits, or signed); save with 8 or 16 bits")
    if getattr(picture, "tag_v2", {}).get(_TIFF_BITS, (16,))[0] == 12:  # Pillow leaves them at 0 … 4095
        raise _LeftOutError("12 bits a pixel; save with 8 or 16 bits")
    if picture.mode == "LAB":
        raise _LeftOutError("Lab colours; save in RGB or grey")


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except Exception:  # only the EXIF data are damaged: the pixels have been read
        return picture


def _grey(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert any picture to 8-bit grey; what is transparent lies on white."""
    if picture.mode.startswith("I"):  # 16 bits, which Pillow's own conversion would clip
        return PIL.Image.fromarray((np.asarray(picture, np.float64) / 257).round().clip(0, 255).astype(np.uint8))
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        picture = PIL.Image.alpha_composite(PIL.Image.new("RGBA", picture.size, "white"), picture)
    return picture.convert("L")


def _central_square(picture: PIL.Image.Image) -> PIL.Image.Image:
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side))


def _load_array(path: Path) -> Faces:
    try:
        with open(path, "rb") as file:
            head = file.read(64)
            file.seek(0)
            faces = np.lib.format.read_array(file, allow_pickle=False)
    except OSError as error:
        found = "nothing there" if isinstance(error, FileNotFoundError) else str(error)
        raise ValueError(f"{path}: expected a .npy file or a folder of pictures, found {found}") from error
    except (ValueError, EOFError, SyntaxError, MemoryError, tokenize.TokenError) as error:
        raise ValueError(
            f"{path}: expected a .npy file or a folder of pictures, found {_no_array(head, error)}"
        ) from error
    if faces.dtype != np.uint8 or faces.shape[1:] != (_SIDE, _SIDE):
        raise ValueError(
            f"{path}: expected uint8 faces of shape (count, {_SIDE}, {_SIDE}), got {faces.dtype} {faces.shape}"
            + _advice(faces)
        )
    return faces


def _no_array(head: bytes, error: Exception) -> str:
    """Return what a file is that is no array."""
    if not head:
        return "an empty file"
    if head.startswith(b"PK"):
        return "an archive (.npz or .zip); save one array with np.save, or unpack the pictures into a folder"
    if head.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer; fetch the file with git lfs pull"
    if head.startswith((b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")):
        return "one picture; name the folder it lies in"
    if head.startswith(b"\x93NUMPY") and "pickle" in str(error).lower():
        return "an array of Python objects; convert it to uint8"
    if head.startswith(b"\x93NUMPY"):
        return f"a damaged .npy file ({error})"
    return "something else"


def _advice(faces: npt.NDArray[np.generic]) -> str:
    """Return what makes these numbers the faces that are expected, where that can be guessed."""
    steps = []
    if faces.shape[1:] == (_SIDE, _SIDE, 1):
        steps.append("faces[..., 0]")
    elif faces.shape[1:] == (1, _SIDE, _SIDE):
        steps.append("faces[:, 0]")
    elif faces.shape[1:] == (_SIDE * _SIDE,):
        steps.append(f"faces.reshape(-1, {_SIDE}, {_SIDE})")
    elif faces.shape == (_SIDE, _SIDE):
        steps.append("faces[np.newaxis]")
    elif faces.shape[1:] != (_SIDE, _SIDE):
        return "; save larger or coloured faces as pictures in a folder: they are made grey and resized"
    if faces.dtype.kind == "f" and faces.size and np.isfinite(faces).all():
        low, high = float(faces.min()), float(faces.max())
        if low >= 0.0 and high <= 1.0:
            steps.append("(faces * 255).round().astype(np.uint8)")
        elif low >= -1.0 and high <= 1.0:
            steps.append("(faces * 127.5 + 127.5).round().astype(np.uint8)")
        elif low >= 0.0 and high <= 255.0:
            steps.append("faces.round().astype(np.uint8)")
    elif faces.dtype.kind in "iu" and faces.dtype != np.uint8 and faces.size:
        if int(faces.min()) >= 0 and int(faces.max()) <= 255:
            steps.append("faces.astype(np.uint8)")
    elif faces.dtype.kind == "b":
        steps.append("faces.astype(np.uint8) * 255")
    return f"; convert it: {', then '.join(steps)}" if steps else ""
