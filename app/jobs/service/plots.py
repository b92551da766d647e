"""Plots with numpy and Pillow only: a canvas, and panels with axes, points, heatmaps, bars and curves.

A canvas is measured in units that grow with the picture; it is drawn at twice its size, which smooths all edges.
"""

import math
import sys
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import lru_cache
from itertools import count
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

Floats = npt.NDArray[np.float64]
Colour = tuple[int, int, int]

PAPER: Colour = (255, 255, 255)
INK: Colour = (30, 27, 23)
SOFT: Colour = (92, 85, 74)
GRID: Colour = (229, 225, 218)

# Okabe and Ito (2008): told apart with every kind of colour vision.
BLUE: Colour = (0, 114, 178)
VERMILLION: Colour = (213, 94, 0)
GREEN: Colour = (0, 158, 115)

TEXT = 13.0
SMALL = 11.5

#: Corners of a circle, and of each dash and gap of a dashed one.
_CORNERS, _DASH = 96, 4

_SUPERSAMPLING = 2
_OPAQUE = 255
#: What Pillow's own font has beyond ASCII, and what stands for some characters that it lacks.
_IN_FONT = "·…’°±"
_STAND_INS = str.maketrans("−–—×“”", '---x""')


#: The largest numbers that are drawn, and the least share of its own numbers that a range is wide.
_LARGEST = 1e300
_NARROWEST = 1e-12
#: Digits of its numbers that two ends of an axis may have in common before the labels get too long.
_DIGITS = 5
#: Of a step of an axis: so far beyond its end a round number still counts as the end.
_SLACK = Fraction(1, 10**9)


class Range(NamedTuple):
    """From where to where an axis goes."""

    low: float
    high: float

    @classmethod
    def around(cls, *values: Floats, margin: float = 0.0) -> "Range":
        """Return the range of all finite numbers, never an empty one; 0 … 1 where there are none.

        Numbers too large to calculate with lie beyond its ends.
        """
        numbers = np.concatenate([part[np.isfinite(part)] for part in values]) if values else np.empty(0)
        if not numbers.size:
            return cls(0.0, 1.0)
        low, high = np.clip([numbers.min(), numbers.max()], -_LARGEST, _LARGEST).tolist()
        spread = max(high - low, _NARROWEST * max(abs(low), abs(high)))
        if spread < 1 / _LARGEST:
            spread = 1.0
        middle = (low + high) / 2
        half = spread * (0.5 + margin)
        return cls(middle - half, middle + half)


class Rectangle(NamedTuple):
    """A part of a canvas, in units, from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


class Canvas:
    """A picture to draw on.

    Args:
        width: of the whole, in units.
        height: of the whole, in units.
        pixels: how wide the finished picture is.
    """

    def __init__(self, width: float, height: float, pixels: int) -> None:
        self._scale = _SUPERSAMPLING * pixels / width
        size = (_SUPERSAMPLING * pixels, _SUPERSAMPLING * math.ceil(height * pixels / width))
        self._image = Image.new("RGB", size, PAPER)
        self._draw = ImageDraw.Draw(self._image, "RGBA")  # blends what is not opaque

    def finished(self) -> Image.Image:
        """Return the picture."""
        return self._image.reduce(_SUPERSAMPLING)

    def text(self, x: float, y: float, text: str, size: float = TEXT, colour: Colour = INK, anchor: str = "ls") -> None:
        """Write a line; ``anchor`` is Pillow's: which part of the text stands at the point."""
        self._draw.text(
            (x * self._scale, y * self._scale), _writable(text), colour, _font(size * self._scale), anchor=anchor
        )

    def text_width(self, text: str, size: float = TEXT) -> float:
        """Return how wide a line is."""
        return _font(size * self._scale).getlength(_writable(text)) / self._scale

    def line(self, points: Floats, colour: Colour, width: float = 1.0) -> None:
        """Draw a line through points of shape ``(count, 2)``."""
        self._draw.line(self._pixels(points), colour, max(1, round(width * self._scale)), joint="curve")

    def polygon(self, points: Floats, colour: Colour, alpha: int = _OPAQUE) -> None:
        """Fill an area whose corners are of shape ``(count, 2)``."""
        self._draw.polygon(self._pixels(points), (*colour, alpha))

    def box(self, area: Rectangle, colour: Colour, alpha: int = _OPAQUE) -> None:
        """Fill a rectangle."""
        left, top, right, bottom = (round(value * self._scale) for value in area)
        self._draw.rectangle((left, top, max(right - 1, left), max(bottom - 1, top)), (*colour, alpha))

    def frame(self, area: Rectangle, colour: Colour) -> None:
        """Draw a rectangle's edge."""
        left, top, right, bottom = area
        corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        self.line(np.array(corners), colour)

    def disc(self, x: float, y: float, radius: float, colour: Colour, alpha: int, edge: Colour | None = None) -> None:
        """Draw a dot."""
        x, y, radius = x * self._scale, y * self._scale, radius * self._scale
        outline = None if edge is None else (*edge, alpha)
        width = max(1, round(0.6 * self._scale))
        self._draw.ellipse((x - radius, y - radius, x + radius, y + radius), (*colour, alpha), outline, width)

    def paste(self, area: Rectangle, pixels: Image.Image) -> None:
        """Fill a rectangle with pixels, whose outermost centres come to lie on its edge."""
        left, top, right, bottom = (round(value * self._scale) for value in area)
        inner = (0.5, 0.5, pixels.width - 0.5, pixels.height - 0.5)
        resized = pixels.resize((right - left, bottom - top), Image.Resampling.BICUBIC, inner)
        self._image.paste(resized, (left, top))

    def _pixels(self, points: Floats) -> list[float]:
        flat: list[float] = (points * self._scale).ravel().tolist()
        return flat


class Panel:
    """A plot: a rectangle of a canvas with axes.

    Args:
        canvas: to draw on.
        area: of the plot itself; its numbers stand outside.
        x: the horizontal axis.
        y: the vertical axis.
    """

    def __init__(self, canvas: Canvas, area: Rectangle, x: Range, y: Range) -> None:
        self._canvas = canvas
        self.area = area
        self._x, self._y = x, y

    def axes(self, grid: bool = False, name: str = "", least: float = 0.0) -> None:
        """Draw the frame and its numbers; the horizontal axis has a name, and numbers at least ``least`` apart."""
        left, top, right, bottom = self.area
        offsets = [
            f"{axis} from {start:,.15g}" for axis, side in (("x", self._x), ("y", self._y)) if (start := offset(side))
        ]
        note = "   ·   ".join(filter(None, [name, *offsets]))
        self._canvas.text((left + right) / 2, bottom + 21, note, SMALL, SOFT, "mt")
        for value, label in ticks(self._x, 5, least):
            x = self._at(value, 0)[0]
            if grid:
                self._canvas.line(np.array([(x, top), (x, bottom)]), GRID)
            self._canvas.line(np.array([(x, bottom), (x, bottom + 4)]), SOFT)
            self._canvas.text(x, bottom + 7, label, SMALL, SOFT, "mt")
        for value, label in ticks(self._y, 6):
            y = self._at(0, value)[1]
            if grid:
                self._canvas.line(np.array([(left, y), (right, y)]), GRID)
            self._canvas.line(np.array([(left - 4, y), (left, y)]), SOFT)
            self._canvas.text(left - 7, y, label, SMALL, SOFT, "rm")
        self._canvas.frame(self.area, SOFT)

    def points(self, points: Floats, colours: Sequence[Colour], radius: float, alpha: int, edge: Colour | None) -> None:
        """Draw those of the points ``(count, 2)`` that lie in the panel, each in its colour."""
        for (x, y), colour in zip(points.tolist(), colours, strict=True):
            if self._x.low <= x <= self._x.high and self._y.low <= y <= self._y.high:
                self._canvas.disc(*self._at(x, y), radius, colour, alpha, edge)

    def circle(self, x: float, y: float, radius: float, colour: Colour, dashed: bool = False) -> None:
        """Draw a line with a light rim around a place, ``radius`` away on both axes, where it lies in the panel."""
        angles = np.linspace(0, 2 * np.pi, _CORNERS + 1)
        xs, ys = x + radius * np.cos(angles), y + radius * np.sin(angles)
        inside = (self._x.low <= xs) & (xs <= self._x.high) & (self._y.low <= ys) & (ys <= self._y.high)
        dashes = inside & (np.arange(len(angles)) // _DASH % 2 == 0) if dashed else inside
        for drawn, shade, width in ((inside, PAPER, 2.8), (dashes, colour, 1.2)):
            for part in _finite_runs(np.where(drawn, 0.0, np.nan)):
                if part.stop - part.start > 1:
                    self._canvas.line(self._all_at(xs[part], ys[part]), shade, width)

    def bars(self, edges: Floats, heights: Floats, colour: Colour) -> None:
        """Draw a histogram: an area and its upper edge."""
        xs = np.repeat(edges, 2)
        ys = np.concatenate([[0.0], np.repeat(heights, 2), [0.0]])
        outline = self._all_at(xs, ys)
        self._canvas.polygon(outline, colour, 70)
        self._canvas.line(outline, colour, 1.6)

    def curve(self, xs: Floats, ys: Floats, colour: Colour) -> None:
        """Draw a line; it is interrupted where a number is missing, and stays within the panel."""
        for part in _finite_runs(ys):
            points = self._all_at(xs[part], ys[part])
            if len(points) == 1:
                self._canvas.disc(points[0, 0], points[0, 1], 2.5, colour, _OPAQUE)
            else:
                self._canvas.line(points, colour, 1.6)

    def band(self, xs: Floats, lows: Floats, highs: Floats, colour: Colour) -> None:
        """Draw the area between two lines."""
        for part in _finite_runs(lows + highs):
            there, back = self._all_at(xs[part], highs[part]), self._all_at(xs[part], lows[part])[::-1]
            self._canvas.polygon(np.concatenate([there, back]), colour, 60)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        ((left, top),) = self._all_at(np.array([x]), np.array([y])).tolist()
        return left, top

    def _all_at(self, xs: Floats, ys: Floats) -> Floats:
        left, top, right, bottom = self.area
        across = (np.clip(xs, *self._x) - self._x.low) / (self._x.high - self._x.low)
        up = (np.clip(ys, *self._y) - self._y.low) / (self._y.high - self._y.low)
        return np.stack([left + across * (right - left), bottom - up * (bottom - top)], axis=1)


def ticks(axis: Range, most: int, least: float = 0.0) -> list[tuple[float, str]]:
    """Return the numbers of an axis and their labels: at least one, up to ``most`` or one more.

    They are one, two or five times a power of ten apart, and not less than ``least``. Where no such number lies on the
    axis, they are its ends. The labels say how far they are from the axis's :func:`offset`.
    """
    # Exact: floats overflow on the longest axes, and lack digits on narrow ones far from 0.
    low, high = Fraction(axis.low), Fraction(axis.high)
    largest = max(abs(low), abs(high))
    for step in _round_steps(max((high - low) / (most + 1), Fraction(least), Fraction(math.ulp(largest)))):
        first, last = math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK)
        if last - first <= most:
            break
    values = [i * step for i in range(first, last + 1)]
    if not values:
        values, step = sorted({low, high}), (high - low) or largest
    start, apart = Fraction(offset(axis)), float(min(step, Fraction(sys.float_info.max)))
    return [(float(value), number(float(value - start), apart)) for value in values]


def offset(axis: Range) -> float:
    """Return what the labels of an axis leave out: 0, unless it is narrow and far from 0."""
    low, high = Fraction(axis.low), Fraction(axis.high)
    if low == high or _exponent(max(abs(low), abs(high))) - _exponent(high - low) < _DIGITS:
        return 0.0
    unit = Fraction(10) ** (_exponent(high - low) + 1)
    return float(low // unit * unit)


def number(value: float, step: float) -> str:
    """Return a number as text, with the digits that tell it from others ``step`` away."""
    value += 0.0  # no sign before zero
    if step < 1e-4 or abs(value) >= 1e7:
        digits = 1 + math.floor(math.log10(abs(value)) + 1e-9) - math.floor(math.log10(step) + 1e-9) if value else 1
        return f"{value:.{max(1, digits)}g}"
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return f"{value:,.{decimals}f}"


def _round_steps(least: Fraction) -> Iterator[Fraction]:
    """Yield one, two and five times the powers of ten, from ``least`` upwards."""
    for exponent in count(_exponent(least)):
        for factor in (1, 2, 5):
            if (step := factor * Fraction(10) ** exponent) >= least:
                yield step


def _exponent(value: Fraction) -> int:
    """Return the power of ten of a number's first digit."""
    guess = math.floor(math.log10(value.numerator) - math.log10(value.denominator))
    return next(power for power in (guess + 1, guess, guess - 1) if Fraction(10) ** power <= value)


def _finite_runs(values: Floats) -> list[slice]:
    """Return where the stretches of finite numbers are."""
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    edges = np.flatnonzero(finite[1:] != finite[:-1]).tolist()
    return [slice(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def _writable(text: str) -> str:
    text = text.translate(_STAND_INS)
    return "".join(char if (char.isascii() and char.isprintable()) or char in _IN_FONT else "?" for char in text)


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
