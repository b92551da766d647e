"""Plots of real and generated points: in the plane, in their colours, as histograms."""

from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from app.jobs.service.plots.style import (
    BLUE,
    INK,
    SMALL,
    SOFT,
    TEXT,
    VERMILLION,
    Floats,
    Plot,
    Show,
    Span,
    add_legend,
    span,
)

_REAL, _GENERATED = ("real", BLUE), ("generated", VERMILLION)
#: Low scores (taken for generated) are tinted orange, high ones blue, like the points.
_SCORE_COLOURS = LinearSegmentedColormap.from_list("scores", ["#fdcda5", "#faf9f6", "#a8d3f0"])
_BINS = 40


class Shot(NamedTuple):
    """What changes from snapshot to snapshot."""

    generated: Floats  # (count, up to 5)
    covered: list[bool] | None  # by mode
    scores: Floats | None  # on a grid over the box; the first row is the lowest


class Points(NamedTuple):
    """Real points, ``(count, up to 5)``, what is known about them, and the snapshots of generated ones."""

    real: Floats
    dimensions: int
    box: list[Span]  # axis limits, by coordinate
    modes: Floats | None
    radius: float | None  # within which a point counts for a mode
    shots: list[Shot]

    @classmethod
    def of(cls, real: dict[str, Any], snapshots: Sequence[dict[str, Any] | None]) -> "Points":
        """Read the ``data`` event and ``snapshot`` events, one of which is None before the first step."""
        points = np.array(real["real"], np.float64)
        shots = [_shot(snapshot, points.shape[1]) for snapshot in snapshots]
        box = [span(np.array(side)) for side in real["box"]]
        for i in range(len(box), points.shape[1]):
            box.append(span(points[:, i], *(shot.generated[:, i] for shot in shots), np.array([0.0, 1.0]), margin=0.02))
        return cls(
            points,
            real["dimensions"],
            box,
            None if real["modes"] is None else np.array(real["modes"], np.float64),
            real.get("mode_radius"),  # snapshots of earlier versions have none
            shots,
        )

    def have_colours(self) -> bool:
        """Say whether they are places with a colour, as the exercise's four clouds."""
        colours = self.real[:, 2:]
        return self.dimensions == 5 and bool((colours >= 0).all() and (colours <= 1).all())


def _shot(snapshot: dict[str, Any] | None, columns: int) -> Shot:
    if snapshot is None:
        return Shot(np.empty((0, columns)), None, None)
    scores = None if snapshot["scores"] is None else np.array(snapshot["scores"], np.float64)
    if scores is not None and not np.isfinite(scores).all():  # the training is about to fail
        scores = None
    return Shot(np.array(snapshot["generated"], np.float64), snapshot.get("covered"), scores)


def point_plots(points: Points) -> list[Plot]:
    """Return what to plot of the points, each onto axes of its own."""
    if points.dimensions == 1:
        return [partial(_plot_histograms, points=points)]
    plane = partial(_plot_plane, points=points)
    if points.dimensions == 2:
        return [plane]
    if points.have_colours():
        real, generated = [points.real] * len(points.shots), [shot.generated for shot in points.shots]
        return [
            partial(_plot_colours, box=points.box, points=real, title="real points in their colours"),
            partial(_plot_colours, box=points.box, points=generated, title="generated points in theirs"),
            plane,
        ]
    return [plane, partial(_plot_pair, points=points, pair=(2, 3) if points.dimensions > 3 else (1, 2))]


def _plot_histograms(axes: Axes, points: Points) -> Show:
    edges = np.linspace(*points.box[0], _BINS + 1)
    real, *generated = (
        # Rounded, a point at the edge may lie beyond it.
        np.histogram(values[:, 0].clip(*points.box[0]), edges)[0] / max(1, len(values))
        for values in (points.real, *(shot.generated for shot in points.shots))
    )
    steps = []
    for shares, (_, colour) in ((real, _REAL), (generated[0], _GENERATED)):
        steps = [
            axes.stairs(shares, edges, fill=True, color=colour, alpha=0.27),
            axes.stairs(shares, edges, color=colour, linewidth=1.6),
        ]
    # Not that of the first, which often is all generated points in one place.
    highest = max(float(real.max()), float(np.median([shares.max() for shares in generated])))
    axes.set(xlim=points.box[0], ylim=(0.0, 1.1 * highest or 1.0))
    axes.grid(True)
    add_legend(axes, [_REAL, _GENERATED], "share of the points")

    def show(place: int) -> None:
        for step in steps:
            step.set_data(generated[place])

    return show


def _plot_plane(axes: Axes, points: Points) -> Show:
    axes.set(xlim=points.box[0], ylim=points.box[1])
    shows = []
    if any(shot.scores is not None for shot in points.shots):
        shows.append(_plot_scores(axes, [shot.scores for shot in points.shots]))
    shows.append(_plot_both(axes, points, (0, 1)))
    note = _pair_name(points, (0, 1))
    if points.modes is not None and points.radius is not None:
        covered = [shot.covered or [True] * len(points.modes) for shot in points.shots]
        shows.append(_plot_modes(axes, points.modes, points.radius, covered))
        note = ("" if points.dimensions == 2 else "coordinates 0, 1 · ") + "circles: 3 sigma"
    add_legend(axes, [_REAL, _GENERATED], note)

    def show(place: int) -> None:
        for part in shows:
            part(place)

    return show


def _plot_scores(axes: Axes, scores: Sequence[Floats | None]) -> Show:
    """Fill the axes with the scores, and draw a colour bar at their right.

    The colours of each snapshot reach from its lowest to its highest score: a critic's scores have no level of their
    own, and on one scale for all snapshots those of most would look the same everywhere.
    """
    half = 0.5 / (max(len(part) for part in scores if part is not None) - 1)  # of a cell: centres lie on the edges
    heatmap = axes.imshow(
        [[0.0]],
        _SCORE_COLOURS,
        aspect="auto",
        extent=(-half, 1 + half, -half, 1 + half),
        interpolation="bicubic",
        origin="lower",
        transform=axes.transAxes,
    )
    bar = axes.inset_axes((1.024, 0, 0.024, 1))
    bar.imshow(np.linspace(0, 1, 256)[:, np.newaxis], _SCORE_COLOURS, aspect="auto", origin="lower")
    bar.set(xticks=[], yticks=[])
    lowest, _, highest = (
        axes.text(1.06, height, text, transform=axes.transAxes, va="center", color=SOFT, size=SMALL)
        for height, text in ((0.0, ""), (0.5, "score"), (1.0, ""))
    )

    def show(place: int) -> None:
        values = scores[place]
        for artist in (heatmap, lowest, highest):
            artist.set_visible(values is not None)
        if values is None:
            return
        low, high = float(values.min()), float(values.max())
        middle, reach = (low + high) / 2, max(high - low, 1e-3) / 2
        heatmap.set_data(values)
        heatmap.set_clim(middle - reach, middle + reach)
        lowest.set_text(f"{low:.2f}")
        highest.set_text(f"{high:.2f}")

    return show


def _plot_modes(axes: Axes, modes: Floats, radius: float, covered: Sequence[list[bool]]) -> Show:
    """Circle what counts as near each mode; dashed where too few generated points are near."""
    angles = np.append(np.linspace(0, 2 * np.pi, 97), np.nan)  # the pen is lifted after each circle
    circles = modes[:, np.newaxis, :2] + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    rim = [withStroke(linewidth=2.8, foreground="white")]
    lines = [axes.plot([], [], style, color=INK, linewidth=1.2, path_effects=rim)[0] for style in ("-", "--")]

    def show(place: int) -> None:
        whole = np.array(covered[place], bool)
        for line, circled in zip(lines, (circles[whole], circles[~whole]), strict=True):
            line.set_data(*circled.reshape(-1, 2).T)

    return show


def _plot_pair(axes: Axes, points: Points, pair: tuple[int, int]) -> Show:
    axes.set(xlim=points.box[pair[0]], ylim=points.box[pair[1]])
    axes.grid(True)
    show = _plot_both(axes, points, pair)
    add_legend(axes, [_REAL, _GENERATED], _pair_name(points, pair))
    return show


def _plot_both(axes: Axes, points: Points, pair: tuple[int, int]) -> Show:
    def dots(values: Floats, colour: str, width: float) -> Line2D:
        x, y = values[:, pair].T
        dots = axes.plot(
            x, y, "o", color=colour, markersize=width, markeredgecolor="white", markeredgewidth=0.6, alpha=0.85
        )
        return dots[0]

    dots(points.real, BLUE, 6.8)
    generated = dots(points.shots[0].generated, VERMILLION, 6.0)
    return lambda place: generated.set_data(*points.shots[place].generated[:, pair].T)


def _plot_colours(axes: Axes, box: Sequence[Span], points: Sequence[Floats], title: str) -> Show:
    axes.set(xlim=box[0], ylim=box[1])
    axes.grid(True)
    dots = axes.scatter([], [], s=64, edgecolors=SOFT, linewidths=0.6)
    axes.set_title(title, loc="left", fontsize=TEXT)

    def show(place: int) -> None:
        dots.set_offsets(points[place][:, :2])
        colours: Any = points[place][:, 2:5].clip(0, 1)  # the types of matplotlib know no arrays here
        dots.set_facecolor(colours)

    return show


def _pair_name(points: Points, pair: tuple[int, int]) -> str:
    return "" if points.dimensions == 2 else f"coordinates {pair[0]} and {pair[1]} of {points.dimensions}"
