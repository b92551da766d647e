"""Grey pixels to picture files. A face is uint8 of shape (height, width); faces are (count, height, width)."""

import io
import math
import zlib
from itertools import groupby
from typing import Literal

import numpy as np
import numpy.typing as npt
from PIL import Image

Grey = npt.NDArray[np.uint8]
Resample = Literal["nearest", "bilinear", "bicubic", "lanczos"]
AnimationFormat = Literal["gif", "webp", "apng"]
PictureFormat = Literal["png", "webp", "jpg", "gif", "svg"]

MEDIA_TYPES = {
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "apng": "image/apng",
    "jpg": "image/jpeg",
    "svg": "image/svg+xml",
}


def sheet_png(faces: Grey, size: int, resample: Resample, columns: int | None = None) -> bytes:
    """Enlarge faces, lay them out and encode the sheet as an 8-bit greyscale PNG."""
    picture = sheet(enlarge(faces, size, resample), columns)
    if faces.shape[-1] < size:
        return _encode(Image.fromarray(picture), "PNG")
    # Faces as they are, stored: compressed, they would shrink by a sixth at most, and take ten times as long.
    start, end = _frame(*picture.shape)
    return start + _chunk(b"IDAT", zlib.compress(_rows(picture[np.newaxis]), level=0)) + end


def picture(face: Grey, file_format: PictureFormat, size: int, resample: Resample) -> bytes:
    """Resize one face and encode it. SVG keeps its pixels as squares, whatever ``resample`` says."""
    if file_format == "svg":
        return svg(face, size)
    if file_format == "png":
        return sheet_png(face[np.newaxis], size, resample)
    image = Image.fromarray(enlarge(face[np.newaxis], size, resample)[0])
    if file_format == "jpg":
        return _encode(image, "JPEG", quality=95, optimize=True)
    return _encode(image, file_format.upper(), **({"lossless": True} if file_format == "webp" else {}))


def svg(face: Grey, size: int) -> bytes:
    """Draw a face as crisp squares of one unit; neighbours in a row that have the same grey are one rectangle."""
    height, width = face.shape
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size}" height="{size}" viewBox="0 0 {width} {height}" '
        'shape-rendering="crispEdges">'
    ]
    for y, row in enumerate(face.tolist()):
        x = 0
        for grey, squares in groupby(row):
            run = len(list(squares))
            lines.append(f'<rect x="{x}" y="{y}" width="{run}" height="1" fill="#{grey:02x}{grey:02x}{grey:02x}"/>')
            x += run
    return "\n".join([*lines, "</svg>\n"]).encode()


def pngs(faces: Grey) -> list[bytes]:
    """Encode small faces, of 16×16 pixels say, as one 8-bit greyscale PNG each, without compression."""
    count, height, width = faces.shape
    data, size = _rows(faces), height * (1 + width)
    start, end = _frame(height, width)
    # The head of a zlib stream of one stored block (RFC 1950, RFC 1951).
    stored = b"\x78\x01\x01" + size.to_bytes(2, "little") + (size ^ 0xFFFF).to_bytes(2, "little")
    pictures = []
    for first in range(0, count * size, size):
        pixels = data[first : first + size]
        stream = stored + pixels + zlib.adler32(pixels).to_bytes(4)
        pictures.append(start + _chunk(b"IDAT", stream) + end)
    return pictures


def _rows(pictures: Grey) -> bytes:
    """Return the rows of all pictures as PNG has them."""
    count, height, width = pictures.shape
    rows = np.zeros((count, height, 1 + width), np.uint8)  # the 0 before each row: no filter
    rows[:, :, 1:] = pictures
    return rows.tobytes()


def _frame(height: int, width: int) -> tuple[bytes, bytes]:
    """Return what a PNG has before and after its pixels."""
    header = width.to_bytes(4) + height.to_bytes(4) + b"\x08\x00\x00\x00\x00"  # 8 bits, grey
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header), _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    """Wrap a part of a PNG (ISO 15948) in its length, kind and checksum."""
    content = kind + content
    return (len(content) - 4).to_bytes(4) + content + zlib.crc32(content).to_bytes(4)


def enlarge(faces: Grey, size: int, resample: Resample) -> Grey:
    """Resize square faces to ``size`` × ``size`` pixels each; ``nearest`` averages where they get smaller."""
    if faces.shape[-1] == size:
        return faces
    if resample == "nearest" and size % faces.shape[-1] == 0:
        factor = size // faces.shape[-1]
        return faces.repeat(factor, axis=-1).repeat(factor, axis=-2)
    smaller = resample == "nearest" and size < faces.shape[-1]
    method = Image.Resampling.BOX if smaller else Image.Resampling[resample.upper()]
    enlarged = np.empty((len(faces), size, size), np.uint8)  # not a list of faces: it would take as much again
    for place, face in zip(enlarged, faces, strict=True):
        place[:] = np.asarray(Image.fromarray(face).resize((size, size), method))
    return enlarged


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
