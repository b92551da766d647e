"""Plots of real and generated points: in the plane, in their colours, as histograms."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patheffects import withStroke

from app.jobs.service.plots.style import BLUE, INK, SOFT, TEXT, VERMILLION, Floats, Span, add_legend, span

Plot = Callable[[Axes], None]

_REAL, _GENERATED = ("real", BLUE), ("generated", VERMILLION)
#: Low scores (taken for generated) are tinted orange, high ones blue, like the points.
_SCORE_COLOURS = LinearSegmentedColormap.from_list("scores", ["#fdcda5", "#faf9f6", "#a8d3f0"])
_BINS = 40


class Points(NamedTuple):
    """Real and generated points, ``(count, up to 5)``, and what is known about them."""

    real: Floats
    generated: Floats
    dimensions: int
    box: list[Span]  # axis limits, by coordinate
    modes: Floats | None
    radius: float | None  # within which a point counts for a mode
    covered: list[bool] | None  # by mode
    scores: Floats | None  # on a grid over the box; the first row is the lowest

    @classmethod
    def of(cls, real: dict[str, Any], snapshot: dict[str, Any] | None) -> "Points":
        """Read the ``data`` event and, after the first steps, a ``snapshot`` event."""
        points = np.array(real["real"], np.float64)
        generated = np.empty((0, points.shape[1])) if snapshot is None else np.array(snapshot["generated"], np.float64)
        box = [span(np.array(side)) for side in real["box"]]
        unit = np.array([0.0, 1.0])
        box += [span(points[:, i], generated[:, i], unit, margin=0.02) for i in range(len(box), points.shape[1])]
        return cls(
            points,
            generated,
            real["dimensions"],
            box,
            None if real["modes"] is None else np.array(real["modes"], np.float64),
            real.get("mode_radius"),  # snapshots of earlier versions have none
            None if snapshot is None else snapshot.get("covered"),
            None if snapshot is None or snapshot["scores"] is None else np.array(snapshot["scores"], np.float64),
        )

    def have_colours(self) -> bool:
        """Say whether they are places with a colour, as the exercise's four clouds."""
        colours = self.real[:, 2:]
        return self.dimensions == 5 and bool((colours >= 0).all() and (colours <= 1).all())


def point_plots(points: Points) -> list[Plot]:
    """Return what to plot of the points, each onto axes of its own."""
    if points.dimensions == 1:
        return [partial(_plot_histograms, points=points)]
    plane = partial(_plot_plane, points=points)
    if points.dimensions == 2:
        return [plane]
    if points.have_colours():
        return [
            partial(_plot_colours, box=points.box, points=points.real, title="real points in their colours"),
            partial(_plot_colours, box=points.box, points=points.generated, title="generated points in theirs"),
            plane,
        ]
    return [plane, partial(_plot_pair, points=points, pair=(2, 3) if points.dimensions > 3 else (1, 2))]


def _plot_histograms(axes: Axes, points: Points) -> None:
    edges = np.linspace(*points.box[0], _BINS + 1)
    highest = 0.0
    for values, (_, colour) in ((points.real, _REAL), (points.generated, _GENERATED)):
        shares = np.histogram(values[:, 0], edges)[0] / max(1, len(values))
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.27)
        axes.stairs(shares, edges, color=colour, linewidth=1.6)
        highest = max(highest, float(shares.max()))
    axes.set(xlim=points.box[0], ylim=(0.0, 1.1 * highest or 1.0))
    axes.grid(True)
    add_legend(axes, [_REAL, _GENERATED], "share of the points")


def _plot_plane(axes: Axes, points: Points) -> None:
    axes.set(xlim=points.box[0], ylim=points.box[1])
    if points.scores is not None:
        _plot_scores(axes, points.scores)
    _plot_both(axes, points, (0, 1))
    note = _pair_name(points, (0, 1))
    if points.modes is not None and points.radius is not None:
        _plot_modes(axes, points.modes, points.radius, points.covered or [True] * len(points.modes))
        note = ("" if points.dimensions == 2 else "coordinates 0, 1 · ") + "circles: 3 sigma"
    add_legend(axes, [_REAL, _GENERATED], note)


def _plot_scores(axes: Axes, scores: Floats) -> None:
    """Fill the axes with the scores, and draw a colour bar at their right."""
    low, high = float(scores.min()), float(scores.max())
    middle, reach = (low + high) / 2, max(high - low, 1e-3) / 2
    half = 0.5 / (len(scores) - 1)  # of a cell: the outermost centres lie on the edges
    heatmap = axes.imshow(
        scores,
        _SCORE_COLOURS,
        aspect="auto",
        extent=(-half, 1 + half, -half, 1 + half),
        interpolation="bicubic",
        origin="lower",
        transform=axes.transAxes,
        vmin=middle - reach,
        vmax=middle + reach,
    )
    bar = axes.figure.colorbar(heatmap, cax=axes.inset_axes((1.024, 0, 0.024, 1)), ticks=[low, middle, high])
    bar.ax.set_yticklabels([f"{low:.2f}", "score", f"{high:.2f}"])
    bar.ax.tick_params(length=0)


def _plot_modes(axes: Axes, modes: Floats, radius: float, covered: list[bool]) -> None:
    """Circle what counts as near each mode; dashed where too few generated points are near."""
    angles = np.linspace(0, 2 * np.pi, 97)[:, np.newaxis]
    for whole, style in ((True, "-"), (False, "--")):
        x, y = modes[np.array(covered) == whole, :2].T
        rim = [withStroke(linewidth=2.8, foreground="white")]
        axes.plot(
            x + radius * np.cos(angles), y + radius * np.sin(angles), style, color=INK, linewidth=1.2, path_effects=rim
        )


def _plot_pair(axes: Axes, points: Points, pair: tuple[int, int]) -> None:
    axes.set(xlim=points.box[pair[0]], ylim=points.box[pair[1]])
    axes.grid(True)
    _plot_both(axes, points, pair)
    add_legend(axes, [_REAL, _GENERATED], _pair_name(points, pair))


def _plot_both(axes: Axes, points: Points, pair: tuple[int, int]) -> None:
    for values, (_, colour), width in ((points.real, _REAL, 6.8), (points.generated, _GENERATED, 6.0)):
        x, y = values[:, pair].T
        axes.plot(x, y, "o", color=colour, markersize=width, markeredgecolor="white", markeredgewidth=0.6, alpha=0.85)


def _plot_colours(axes: Axes, box: Sequence[Span], points: Floats, title: str) -> None:
    axes.set(xlim=box[0], ylim=box[1])
    axes.grid(True)
    x, y = points[:, :2].T
    axes.scatter(x, y, s=64, c=points[:, 2:5].clip(0, 1), edgecolors=SOFT, linewidths=0.6)
    axes.set_title(title, loc="left", fontsize=TEXT)


def _pair_name(points: Points, pair: tuple[int, int]) -> str:
    return "" if points.dimensions == 2 else f"coordinates {pair[0]} and {pair[1]} of {points.dimensions}"
