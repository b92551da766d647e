"""The film of a job: its snapshots as the frames of an animation."""

import io
from collections.abc import Iterator
from itertools import chain
from typing import Any, cast

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from PIL import Image

from app.jobs.service.pictures import FilmFormat
from app.jobs.service.plots.figure import JobFigure
from app.jobs.service.plots.style import BLUE, GREEN, INK, SOFT, VERMILLION

#: Milliseconds for which the last frame stands still.
_LAST = 2_000
#: Pixels of all frames: Pillow keeps them until the file is written, 4 bytes each at most.
_MAX_PIXELS = 48_000_000
#: Colours of a GIF and an APNG; one of 256 is left for pixels that stay as they are.
_COLOURS = 255
#: About as many frames decide which, beside those that must be exact.
_SAMPLED = 6
_EXACT = ("#ffffff", INK, SOFT, BLUE, VERMILLION, GREEN)

_PILLOW_NAMES: dict[FilmFormat, str] = {"gif": "GIF", "webp": "WEBP", "apng": "PNG"}


def film(job: JobFigure, form: FilmFormat, fps: int) -> bytes:
    """Return the snapshots of a job as an animation that is repeated for ever.

    Of large pictures there are fewer frames, evenly chosen, the first and the last among them.

    Args:
        job: the figure.
        form: of the file. GIF and APNG have 255 colours, the same in all frames; WebP has all, but is lossy.
        fps: frames per second; GIF rounds the duration of a frame to hundredths of a second.
    """
    painter = Painter(job)
    width, height = job.figure.canvas.get_width_height()
    most = max(2, _MAX_PIXELS // (width * height))
    places = np.linspace(0, job.count - 1, min(job.count, most)).round().astype(int).tolist()
    frames: Iterator[Image.Image] = map(painter.frame, places)
    options: dict[str, Any] = {"quality": 90, "method": 2}  # of WebP
    if form != "webp":
        some = places[:: -max(1, len(places) // _SAMPLED)]  # the last one, too
        palette = _palette([painter.frame(place) for place in some])
        frames = (frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames)
        options = {"palette": palette.palette} if form == "gif" else {}  # or else each frame brings its own
    first, *others = frames
    buffer = io.BytesIO()
    first.save(
        buffer,
        _PILLOW_NAMES[form],
        save_all=True,
        append_images=others,
        duration=[round(1000 / fps)] * len(others) + [_LAST],
        loop=0,
        **options,
    )
    return buffer.getvalue()


class Painter:
    """Draws what stays once, and on a copy of it whatever may change."""

    def __init__(self, job: JobFigure) -> None:
        self._job = job
        self._canvas = cast(Any, FigureCanvasAgg(job.figure))  # most of its methods have no types
        self._moving = _moving(job)
        for artist in self._moving:
            artist.set_animated(True)
        self._canvas.draw()
        self._still = self._canvas.copy_from_bbox(job.figure.bbox)

    def frame(self, place: int) -> Image.Image:
        """Return the picture of a snapshot."""
        self._canvas.restore_region(self._still)
        self._job.show(place)
        for artist in self._moving:
            artist.draw(self._canvas.get_renderer())
        return Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")


def _moving(job: JobFigure) -> list[Artist]:
    """Return the artists that may change or lie above one that does, from the lowest to the highest."""
    moving: list[Artist] = [*job.figure.texts]
    for axes in job.figure.axes:
        parts = chain(axes.images, axes.collections, axes.patches, axes.lines, axes.texts, axes.spines.values())
        moving += sorted(parts, key=Artist.get_zorder)
    return moving


def _palette(frames: list[Image.Image]) -> Image.Image:
    """Return a picture whose palette suits all of these frames: the exact colours, and the best of all others."""
    exact = (np.array([to_rgb(colour) for colour in _EXACT]) * 255).round()
    pixels = np.concatenate([np.asarray(frame) for frame in frames])
    best = Image.fromarray(pixels).quantize(_COLOURS - len(exact)).getpalette()
    others = np.reshape(best or [], (-1, 1, 3))
    # Pillow looks for the colour that is nearest to the first six bits of a pixel's: for these, no other may be.
    seen = exact // 4 * 4
    farther = np.linalg.norm(others - seen, axis=-1) > np.linalg.norm(exact - seen, axis=-1)
    palette = Image.new("P", (1, 1))
    palette.putpalette(np.concatenate([exact, others[farther.all(axis=1), 0]]).astype(np.uint8).tobytes())
    return palette
