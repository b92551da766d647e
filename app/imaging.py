"""Grey pixels to picture files. A face is uint8 of shape (height, width); faces are (count, height, width)."""

import io
import math
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.uint8]
Resample = Literal["nearest", "bilinear", "bicubic", "lanczos"]
AnimationFormat = Literal["gif", "webp", "apng"]

MEDIA_TYPES = {"png": "image/png", "gif": "image/gif", "webp": "image/webp", "apng": "image/apng"}


def png(picture: Grey) -> bytes:
    """Encode a grey picture as an 8-bit greyscale PNG."""
    return _encode(Image.fromarray(picture), "PNG")


def enlarge(faces: Grey, size: int, resample: Resample) -> Grey:
    """Resize square faces to ``size`` × ``size`` pixels each."""
    if faces.shape[-1] == size:
        return faces
    if resample == "nearest" and size % faces.shape[-1] == 0:
        factor = size // faces.shape[-1]
        return faces.repeat(factor, axis=-1).repeat(factor, axis=-2)
    method = Image.Resampling[resample.upper()]
    return np.stack([np.asarray(Image.fromarray(face).resize((size, size), method)) for face in faces])


def sheet(faces: Grey, columns: int | None = None) -> Grey:
    """Lay faces out row by row; places left over are black.

    Args:
        faces: at least one.
        columns: faces in a row, by default as many as make the sheet nearly square.
    """
    count, height, width = faces.shape
    columns = min(columns or math.ceil(math.sqrt(count)), count)
    rows = math.ceil(count / columns)
    cells = np.zeros((rows * columns, height, width), np.uint8)
    cells[:count] = faces
    return cells.reshape(rows, columns, height, width).swapaxes(1, 2).reshape(rows * height, columns * width)


def animation(faces: Grey, file_format: AnimationFormat, fps: int) -> bytes:
    """Encode faces as the frames of an animation that plays for ever."""
    first, *rest = [Image.fromarray(face) for face in faces]
    options = {"save_all": True, "append_images": rest, "duration": round(1000 / fps), "loop": 0}
    if file_format == "webp":
        options |= {"lossless": True}
    return _encode(first, "PNG" if file_format == "apng" else file_format.upper(), **options)


def _encode(image: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()
