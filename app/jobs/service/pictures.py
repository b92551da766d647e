"""The exercise's pictures of a job: real and generated points, the discriminator, the losses."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from app.jobs.service.plots import (
    BLUE,
    GREEN,
    INK,
    SMALL,
    SOFT,
    TEXT,
    VERMILLION,
    Canvas,
    Colour,
    Floats,
    Panel,
    Range,
    Rectangle,
    number,
)

Losses = npt.NDArray[np.float32]

_REAL, _GENERATED = BLUE, VERMILLION
_LOSS_COLOURS = (BLUE, VERMILLION, GREEN)
_EDGE: Colour = (255, 255, 255)

# What the discriminator takes for real is tinted blue, for generated orange, like the points.
_TAKEN_FOR_GENERATED, _UNDECIDED, _TAKEN_FOR_REAL = (253, 205, 165), (250, 249, 246), (168, 211, 240)

#: Units: of a cell of the picture and of the plot in it; narrow pictures have one column of cells.
_CELL_WIDTH, _CELL_HEIGHT, _HEAD = 450.0, 412.0, 62.0
_LEFT, _ABOVE, _PLOT = 56.0, 34.0, 336.0
_NARROW = 600

#: Each plotted column of many steps is this wide, in units; fewer steps than columns are drawn one by one.
_COLUMN = 1.5
_BINS = 40
#: Of the losses' values, the share at either end that may be cut off: a few spikes would flatten all the rest.
_TAIL = 0.5
_MANY = 200

_Plot = Callable[[Canvas, Rectangle], None]


def picture(
    real: dict[str, Any],
    snapshot: dict[str, Any] | None,
    losses: Losses,
    names: Sequence[str],
    *,
    first_step: int,
    title: str,
    size: int = 900,
) -> Image.Image:
    """Draw a job at a step.

    Two coordinates: the points on the discriminator's scores, and the losses. More: also the next two coordinates, or,
    where there are five of which the last three lie in 0 … 1, the points in the colour that these three are. One:
    histograms.

    Args:
        real: the ``data`` event: ``real``, ``dimensions``, ``box``, ``modes``, ``mode_radius``.
        snapshot: the ``snapshot`` event: ``generated``, ``scores``, ``figures``, ``covered``; None where
            there is none yet.
        losses: float32 ``(steps, names)`` of every step from ``first_step`` to that of the snapshot.
        names: of the losses.
        first_step: the step before the first of the losses.
        title: a line for the top.
        size: width in pixels, at least 300; below 600 the plots stand in one column.

    Returns:
        An RGB picture, ``size`` pixels wide.
    """
    points = _Points.of(real, snapshot)
    plots = _point_plots(points)
    plots.append(partial(_plot_losses, losses=losses, names=names, first_step=first_step))
    columns = 2 if size >= _NARROW else 1
    canvas = Canvas(_CELL_WIDTH * columns, _HEAD + _CELL_HEIGHT * math.ceil(len(plots) / columns), size)
    _write_head(canvas, title, {} if snapshot is None else snapshot["figures"])
    for place, plot in enumerate(plots):
        row, column = divmod(place, columns)
        # The last one takes what is left of its row.
        last_column = columns - 1 if place == len(plots) - 1 else column
        left, top = _CELL_WIDTH * column + _LEFT, _HEAD + _CELL_HEIGHT * row + _ABOVE
        plot(canvas, Rectangle(left, top, _CELL_WIDTH * last_column + _LEFT + _PLOT, top + _PLOT))
    return canvas.finished()


def _write_head(canvas: Canvas, title: str, figures: dict[str, float | None]) -> None:
    canvas.text(20, 30, title, 18)
    names = [name for name in figures if name != "modes_covered" or "modes_fairly_covered" not in figures]
    shown = [f"{_figure_name(name)} {'-' if figures[name] is None else f'{figures[name]:.3g}'}" for name in names]
    canvas.text(20, 50, "   ·   ".join(shown), TEXT, SOFT)


def _figure_name(name: str) -> str:
    return name.replace("fairly_", "").replace("_", " ").replace("kl", "KL").replace("wasserstein", "Wasserstein")


# --- points ----------------------------------------------------------------------------------------------------------


class _Points(NamedTuple):
    """Real and generated points, ``(count, up to 5)``, and what there is to know about them."""

    real: Floats
    generated: Floats
    dimensions: int
    box: list[Range]
    modes: Floats | None
    radius: float | None  # around a mode
    covered: list[bool] | None  # of each mode
    scores: Floats | None

    @classmethod
    def of(cls, real: dict[str, Any], snapshot: dict[str, Any] | None) -> "_Points":
        points = np.array(real["real"], np.float64)
        generated = np.empty((0, points.shape[1])) if snapshot is None else np.array(snapshot["generated"], np.float64)
        scores = None if snapshot is None or snapshot["scores"] is None else np.array(snapshot["scores"], np.float64)
        modes = None if real["modes"] is None else np.array(real["modes"], np.float64)
        return cls(
            points,
            generated,
            real["dimensions"],
            [Range.around(np.array(side)) for side in real["box"]],
            modes,
            real.get("mode_radius"),  # snapshots of earlier versions have none
            None if snapshot is None else snapshot.get("covered"),
            scores,
        )

    def side(self, i: int) -> Range:
        """Return from where to where coordinate ``i`` is shown."""
        if i < len(self.box):
            return self.box[i]
        return Range.around(self.real[:, i], self.generated[:, i], np.array([0.0, 1.0]), margin=0.02)

    def are_coloured(self) -> bool:
        """Say whether they are places with a colour, as the exercise's four clouds."""
        colours = self.real[:, 2:]
        return self.dimensions == 5 and bool((colours >= 0).all() and (colours <= 1).all())


def _point_plots(points: _Points) -> list[_Plot]:
    if points.dimensions == 1:
        return [partial(_plot_histograms, points=points)]
    plane = partial(_plot_plane, points=points)
    if points.dimensions == 2:
        return [plane]
    if points.are_coloured():
        return [
            partial(_plot_colours, box=points.box, points=points.real, title="real points in their colours"),
            partial(_plot_colours, box=points.box, points=points.generated, title="generated points in theirs"),
            plane,
        ]
    return [plane, partial(_plot_pair, points=points, pair=(2, 3) if points.dimensions > 3 else (1, 2))]


def _plot_histograms(canvas: Canvas, area: Rectangle, points: _Points) -> None:
    axis = points.box[0]
    edges = np.linspace(*axis, _BINS + 1)
    shares = [
        np.histogram(values, edges)[0] / max(1, len(values)) for values in (points.real[:, 0], points.generated[:, 0])
    ]
    panel = Panel(canvas, area, axis, Range(0.0, 1.1 * max(float(share.max()) for share in shares) or 1.0))
    panel.axes(grid=True)
    for share, colour in zip(shares, (_REAL, _GENERATED), strict=True):
        panel.bars(edges, share, colour)
    _legend(canvas, area, [("real", _REAL), ("generated", _GENERATED)], "share of the points")


def _plot_plane(canvas: Canvas, area: Rectangle, points: _Points) -> None:
    panel = Panel(canvas, area, *points.box[:2])
    if points.scores is not None:
        low, high = float(points.scores.min()), float(points.scores.max())
        canvas.paste(area, _heatmap(points.scores, low, high))
        _colour_bar(canvas, area, low, high)
    panel.axes()
    _draw_both(panel, points, (0, 1))
    _draw_modes(panel, points)
    _legend(canvas, area, [("real", _REAL), ("generated", _GENERATED)], _plane_note(points))


def _draw_modes(panel: Panel, points: _Points) -> None:
    """Circle what counts as near each mode; interrupted where too few generated points are near."""
    if points.modes is None or points.radius is None:
        return
    covered = points.covered or [True] * len(points.modes)
    for (x, y, *_), whole in zip(points.modes.tolist(), covered, strict=True):
        panel.circle(x, y, points.radius, INK, dashed=not whole)


def _plane_note(points: _Points) -> str:
    if points.modes is None or points.radius is None:
        return _pair_name(points, (0, 1))
    place = "" if points.dimensions == 2 else "coordinates 0, 1 · "
    return f"{place}circles: 3 sigma"


def _plot_pair(canvas: Canvas, area: Rectangle, points: _Points, pair: tuple[int, int]) -> None:
    sides = [points.side(i) for i in pair]
    panel = Panel(canvas, area, *sides)
    panel.axes(grid=True)
    _draw_both(panel, points, pair)
    _legend(canvas, area, [("real", _REAL), ("generated", _GENERATED)], _pair_name(points, pair))


def _plot_colours(canvas: Canvas, area: Rectangle, box: Sequence[Range], points: Floats, title: str) -> None:
    panel = Panel(canvas, area, *box[:2])
    panel.axes(grid=True)
    colours: list[Colour] = [(r, g, b) for r, g, b in (points[:, 2:5].clip(0, 1) * 255).astype(int).tolist()]
    panel.points(points[:, :2], colours, 4.0, 255, SOFT)
    canvas.text(area.left, area.top - 10, title)


def _draw_both(panel: Panel, points: _Points, pair: tuple[int, int]) -> None:
    real, generated = points.real[:, list(pair)], points.generated[:, list(pair)]
    panel.points(real, [_REAL] * len(real), 3.4, 210, _EDGE)
    panel.points(generated, [_GENERATED] * len(generated), 3.0, 230, _EDGE)


def _pair_name(points: _Points, pair: tuple[int, int]) -> str:
    return "" if points.dimensions == 2 else f"coordinates {pair[0]} and {pair[1]} of {points.dimensions}"


def _heatmap(scores: Floats, low: float, high: float) -> Image.Image:
    """Return the scores, whose first row is the lowest, as colours from ``low`` to ``high``."""
    share = 0.5 + (scores[::-1] - (low + high) / 2) / max(high - low, 1e-3)
    palette = np.array([_TAKEN_FOR_GENERATED, _UNDECIDED, _TAKEN_FOR_REAL], np.float64)
    channels = [np.interp(share, (0.0, 0.5, 1.0), palette[:, i]) for i in range(3)]
    return Image.fromarray(np.stack(channels, axis=-1).round().astype(np.uint8))


def _colour_bar(canvas: Canvas, area: Rectangle, low: float, high: float) -> None:
    """Draw what the colours of the heatmap mean, at its right."""
    bar = Rectangle(area.right + 8, area.top, area.right + 16, area.bottom)
    canvas.paste(bar, _heatmap(np.repeat(np.linspace(low, high, 64)[:, np.newaxis], 2, axis=1), low, high))
    canvas.frame(bar, SOFT)
    canvas.text(bar.right + 4, bar.top, number(high, 0.01), SMALL, SOFT, "lt")
    canvas.text(bar.right + 4, bar.bottom, number(low, 0.01), SMALL, SOFT, "lb")
    canvas.text(bar.right + 4, (bar.top + bar.bottom) / 2, "score", SMALL, SOFT, "lm")


def _legend(canvas: Canvas, area: Rectangle, entries: Sequence[tuple[str, Colour]], note: str) -> None:
    """Write above a plot what its colours are, and at the right a note."""
    x, y = area.left, area.top - 10
    for name, colour in entries:
        canvas.disc(x + 5, y - 4.5, 5, colour, 255)
        canvas.text(x + 15, y, name)
        x += 15 + canvas.text_width(name) + 18
    canvas.text(area.right, y, note, SMALL, SOFT, "rs")


# --- losses ----------------------------------------------------------------------------------------------------------


def _plot_losses(canvas: Canvas, area: Rectangle, losses: Losses, names: Sequence[str], first_step: int) -> None:
    columns = _thinned(losses, round((area.right - area.left) / _COLUMN))
    axis, cut = _loss_axis(losses, columns)
    panel = Panel(canvas, area, Range(float(first_step), float(first_step + max(len(losses), 1))), axis)
    panel.axes(grid=True, name="step", least=1.0)
    if not len(losses):
        x, middle = (area.left + area.right) / 2, (area.top + area.bottom) / 2
        canvas.text(x, middle, "no steps yet", 16, SOFT, "mm")
    for i, colour in zip(range(len(names)), _LOSS_COLOURS, strict=False):
        steps = first_step + columns.steps
        if columns.are_many:
            panel.band(steps, columns.lows[:, i], columns.highs[:, i], colour)
        panel.curve(steps, columns.means[:, i], colour)
    _legend(canvas, area, list(zip(names, _LOSS_COLOURS, strict=False)), "spikes cut off" if cut else "")


class _Columns(NamedTuple):
    """Losses by columns of the plot: steps in the middle; least, greatest and mean values, ``(columns, names)``."""

    steps: Floats
    lows: Floats
    highs: Floats
    means: Floats
    are_many: bool


def _thinned(losses: Losses, most: int) -> _Columns:
    """Gather the losses of neighbouring steps, so that there are at most ``most`` columns."""
    count = len(losses)
    if count <= most:
        values = np.where(np.isfinite(losses), losses, np.nan).astype(np.float64)
        return _Columns(np.arange(1.0, count + 1), values, values, values, False)
    edges = np.linspace(0, count, most + 1).astype(int)
    starts = edges[:-1]
    values = np.where(np.isfinite(losses), losses, np.float32(np.nan))
    sums = np.add.reduceat(np.nan_to_num(values), starts, axis=0, dtype=np.float64)
    counts = np.add.reduceat(np.isfinite(values), starts, axis=0, dtype=np.float64)
    return _Columns(
        steps=(edges[1:] + starts + 1) / 2,
        lows=np.fmin.reduceat(values, starts, axis=0).astype(np.float64),
        highs=np.fmax.reduceat(values, starts, axis=0).astype(np.float64),
        means=np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0),
        are_many=True,
    )


def _loss_axis(losses: Losses, columns: _Columns) -> tuple[Range, bool]:
    """Return the axis of the losses, 0 included, and whether values lie beyond it."""
    zero = np.zeros(1)
    whole = Range.around(columns.lows.ravel(), columns.highs.ravel(), zero, margin=0.05)
    some = losses[:: 1 + len(losses) // 50_000].astype(np.float64)
    some = some[np.isfinite(some).all(axis=1)]
    if len(some) < _MANY:
        return whole, False
    most = Range.around(np.percentile(some, (_TAIL, 100 - _TAIL), axis=0).ravel(), zero, margin=0.1)
    # Not for the sake of a little.
    return (most, True) if whole.high - whole.low > 3 * (most.high - most.low) else (whole, False)
