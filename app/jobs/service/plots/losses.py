"""The plot of a job's losses, step by step or averaged into columns."""

import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from matplotlib.transforms import Bbox, TransformedBbox

from app.jobs.service.plots.style import BLUE, GREEN, SOFT, VERMILLION, Floats, Show, Span, add_legend, span

Losses = npt.NDArray[np.float32]

#: More steps than this are averaged into as many columns.
_MOST_COLUMNS = 224
#: Percentage of the losses, at either end, that the axis may cut off, and the fewest steps for which it does:
#: a few spikes would flatten the rest.
_TAIL, _MANY_STEPS = 0.5, 200


def plot_losses(axes: Axes, losses: Losses, names: Sequence[str], first_step: int, ends: Sequence[int]) -> Show:
    """Plot losses, ``(steps, names)``, of all steps after ``first_step``; each snapshot shows them up to its end."""
    columns = _Columns.of(losses)
    limits, cut = _loss_limits(losses, columns)
    axes.set(xlim=(first_step, first_step + max(len(losses), 1)), ylim=limits, xlabel="step")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.grid(True)
    if not len(losses):
        axes.text(0.5, 0.5, "no steps yet", transform=axes.transAxes, ha="center", va="center", color=SOFT, size=16)
    curves: list[Artist] = []
    entries = list(zip(names, (BLUE, VERMILLION, GREEN), strict=False))
    steps = first_step + columns.steps
    # Agg cannot fill areas far beyond the picture.
    lows, highs, means = (values.clip(*limits) for values in (columns.lows, columns.highs, columns.means))
    for i, (_, colour) in enumerate(entries):
        if columns.are_many:
            curves.append(axes.fill_between(steps, lows[:, i], highs[:, i], color=colour, alpha=0.24, linewidth=0))
        lone = list(_lone(means[:, i]))
        curves += axes.plot(steps, means[:, i], color=colour, linewidth=1.6, marker="o", markersize=5, markevery=lone)
    add_legend(axes, entries, "spikes cut off" if cut else "")

    def show(place: int) -> None:
        reached = Bbox.from_extents(0, 0, ends[place] / max(len(losses), 1), 1)
        for curve in curves:
            curve.set_clip_box(TransformedBbox(reached, axes.transAxes))

    return show


class _Columns(NamedTuple):
    """Losses by columns of the plot: steps in the middle; least, greatest and mean values, ``(columns, names)``.

    Missing and infinite losses are left out; where a column has no other, its values are NaN.
    """

    steps: Floats
    lows: Floats
    highs: Floats
    means: Floats
    are_many: bool  # steps in a column

    @classmethod
    def of(cls, losses: Losses) -> "_Columns":
        count, names = losses.shape
        width = max(1, math.ceil(count / _MOST_COLUMNS))
        starts = np.arange(0, count, width)
        values = np.full((len(starts) * width, names), np.nan)
        values[:count] = np.where(np.isfinite(losses), losses, np.nan)
        values = values.reshape(len(starts), width, names)
        with np.errstate(invalid="ignore"):  # no number in a column: 0 / 0
            means = np.nansum(values, axis=1) / np.isfinite(values).sum(axis=1)
        steps = (starts + np.minimum(starts + width, count) + 1) / 2
        return cls(steps, np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1), means, width > 1)


def _lone(values: Floats) -> Iterator[int]:
    """Yield where numbers stand that have no neighbours: a line does not show them."""
    finite = np.concatenate([[False], np.isfinite(values), [False]])
    yield from np.flatnonzero(finite[1:-1] & ~finite[:-2] & ~finite[2:]).tolist()


def _loss_limits(losses: Losses, columns: _Columns) -> tuple[Span, bool]:
    """Return the limits of the losses' axis, 0 included, and whether values lie beyond them."""
    zero = np.zeros(1)
    whole = span(columns.lows, columns.highs, zero, margin=0.05)
    some = losses[:: 1 + len(losses) // 50_000].astype(np.float64)
    some = some[np.isfinite(some).all(axis=1)]
    if len(some) < _MANY_STEPS:
        return whole, False
    most = span(np.percentile(some, (_TAIL, 100 - _TAIL), axis=0), zero, margin=0.1)
    # Not where it would gain little.
    return (most, True) if whole[1] - whole[0] > 3 * (most[1] - most[0]) else (whole, False)
