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

#: Formats that Pillow may read, whatever a file's name. Formats that it hands to other programs are left out.
FORMATS = ("AVIF", "BMP", "DIB", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "QOI", "TIFF", "WEBP")

#: Suffixes of pictures: a file of such a name that cannot be read is damaged.
_PICTURE_SUFFIXES = {
    *(".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm"),
    *(".ppm", ".qoi", ".tif", ".tiff", ".webp"),
}

#: Pictures that cannot be read here: their bytes from the fifth on, and their format.
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

_LFS = b"version https://git-lfs"
#: Files that are mistaken for arrays, by their first bytes.
_NOT_ARRAYS = (
    (b"PK", "an archive (.npz or .zip); save one array with np.save, or unpack the pictures into a folder"),
    (_LFS, "a Git LFS pointer; fetch the file with git lfs pull"),
    *(
        (magic, "one picture; name the folder it lies in")
        for magic in (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")
    ),
)

_HIDDEN, _NO_PICTURE = "hidden", "no picture"
_SIDE = 16
_TIFF_BITS = 258  # the tag of the bits per sample


class _LeftOutError(ValueError):
    """A file that is left out; the message is the reason, in the same words for every file of its kind."""


def load_faces(path: str | os.PathLike[str], *, on_left_out: Callable[[Path, str], None] | None = None) -> Faces:
    """Load grey faces, uint8 ``(count, 16, 16)``.

    Args:
        path: a ``.npy`` file of that shape and dtype, or a folder of pictures, which are converted to grey, cropped
            to their central square and resized. Pictures are recognised by their contents; hidden files are skipped.
        on_left_out: called with each file of the folder that is left out, and the reason. Without it, a picture that
            cannot be read is an error, and other files are skipped.

    Raises:
        ValueError: nothing can be read as faces; the message names the file.
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
        warnings.simplefilter("ignore")  # Pillow warns of errors that it corrects and of large pictures
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
    if _OTHER_SUFFIXES.get(file.suffix.lower()) == _RAW:  # Pillow reads some as a TIFF with the thumbnail
        raise _LeftOutError(_not_here(_RAW))
    PIL.Image.init()
    try:
        with PIL.Image.open(file, formats=[name for name in FORMATS if name in PIL.Image.OPEN]) as picture:
            picture.load()
            _check_range(picture)
            grey = _grey(_upright(picture))
    except _LeftOutError:
        raise
    except Exception as error:  # on damaged files Pillow raises errors of many classes
        raise _LeftOutError(_reason(file, error)) from error
    return np.asarray(_central_square(grey).resize((_SIDE, _SIDE), PIL.Image.Resampling.LANCZOS), np.uint8)


def _reason(file: Path, error: Exception) -> str:
    """Return why Pillow could not read a file."""
    if isinstance(error, PermissionError):
        return "may not be read"
    if isinstance(error, PIL.Image.DecompressionBombError):
        return "more than 179 million pixels"
    with file.open("rb") as start:
        head = start.read(64)
    suffix = file.suffix.lower()
    if not head:
        return "empty"
    if head.startswith(_LFS):
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
    if picture.mode == "F" or (picture.mode == "I" and picture.format != "PPM"):  # a PPM of 16 bits has mode I
        raise _LeftOutError("pixels of unknown range (32 bits, or signed); save with 8 or 16 bits")
    if getattr(picture, "tag_v2", {}).get(_TIFF_BITS, (16,))[0] == 12:  # Pillow does not scale 0 … 4095
        raise _LeftOutError("12 bits a pixel; save with 8 or 16 bits")
    if picture.mode == "LAB":
        raise _LeftOutError("Lab colours; save in RGB or grey")


def _upright(picture: PIL.Image.Image) -> PIL.Image.Image:
    try:
        return PIL.ImageOps.exif_transpose(picture)
    except Exception:  # only the EXIF data are damaged
        return picture


def _grey(picture: PIL.Image.Image) -> PIL.Image.Image:
    """Convert any picture to 8-bit grey, on a white background."""
    if picture.mode.startswith("I"):  # Pillow's own conversion would clip the 16 bits
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
    """Return what a file is that is not an array."""
    if not head:
        return "an empty file"
    for magic, kind in _NOT_ARRAYS:
        if head.startswith(magic):
            return kind
    if not head.startswith(b"\x93NUMPY"):
        return "something else"
    if "pickle" in str(error).lower():
        return "an array of Python objects; convert it to uint8"
    return f"a damaged .npy file ({error})"


def _advice(faces: npt.NDArray[np.generic]) -> str:
    """Return how to convert these numbers to faces, as far as that can be guessed."""
    to_shape = {
        (_SIDE, _SIDE, 1): "faces[..., 0]",
        (1, _SIDE, _SIDE): "faces[:, 0]",
        (_SIDE * _SIDE,): f"faces.reshape(-1, {_SIDE}, {_SIDE})",
        (_SIDE, _SIDE): "",
    }
    if faces.shape == (_SIDE, _SIDE):
        steps = ["faces[np.newaxis]"]
    elif faces.shape[1:] in to_shape:
        steps = [to_shape[faces.shape[1:]]]
    else:
        return "; save larger or coloured faces as pictures in a folder: they are made grey and resized"
    steps = [step for step in (*steps, _to_bytes(faces)) if step]
    return f"; convert it: {', then '.join(steps)}" if steps else ""


def _to_bytes(faces: npt.NDArray[np.generic]) -> str:
    kind = faces.dtype.kind
    if kind == "b":
        return "faces.astype(np.uint8) * 255"
    if kind not in "fiu" or faces.dtype == np.uint8 or not faces.size or not np.isfinite(faces).all():
        return ""
    low, high = float(faces.min()), float(faces.max())
    if kind == "f" and low >= 0.0 and high <= 1.0:
        return "(faces * 255).round().astype(np.uint8)"
    if kind == "f" and low >= -1.0 and high <= 1.0:
        return "(faces * 127.5 + 127.5).round().astype(np.uint8)"
    if low < 0.0 or high > 255.0:
        return ""
    return "faces.round().astype(np.uint8)" if kind == "f" else "faces.astype(np.uint8)"
