"""The figure of a job: a head, the plots of its points, the plot of its losses."""

import io
import math
from collections.abc import Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from app.jobs.service.plots.losses import Losses, plot_losses
from app.jobs.service.plots.points import Points, point_plots
from app.jobs.service.plots.style import SMALL, SOFT, TEXT, Plot, Show

#: Sizes in points of a plot, of its cell and of the head above all cells. Narrow pictures have one column of cells.
_CELL_WIDTH, _CELL_HEIGHT, _HEAD = 450.0, 412.0, 62.0
_LEFT, _ABOVE, _PLOT = 56.0, 34.0, 336.0
_NARROW_PIXELS = 600


class JobFigure:
    """The figure of a job, which shows one of its snapshots at a time; only what changes is plotted anew.

    With two coordinates: the points on the discriminator's scores, and the losses. With more: also the next two
    coordinates, or, where there are five of which the last three lie in [0, 1], the points in the RGB colours that
    these three are. With one: histograms. All snapshots have the same axes.

    Args:
        real: the ``data`` event: ``real``, ``dimensions``, ``box``, ``modes``, ``mode_radius``.
        snapshots: the ``snapshot`` events: ``generated``, ``scores``, ``figures``, ``covered``; one that is None stands
            for the time before the first.
        losses: float32 ``(steps, names)`` of every step from ``first_step`` to that of the last snapshot.
        names: of the losses.
        first_step: the step before the first of the losses.
        ends: how many of the losses each snapshot shows.
        titles: the first line of each.
        size: width in pixels, at least 300; below 600 the plots stand in one column.
    """

    def __init__(
        self,
        real: dict[str, Any],
        snapshots: Sequence[dict[str, Any] | None],
        losses: Losses,
        names: Sequence[str],
        *,
        first_step: int,
        ends: Sequence[int],
        titles: Sequence[str],
        size: int,
    ) -> None:
        plots: list[Plot] = [
            *point_plots(Points.of(real, snapshots)),
            partial(plot_losses, losses=losses, names=names, first_step=first_step, ends=ends),
        ]
        columns = 2 if size >= _NARROW_PIXELS else 1
        rows = math.ceil(len(plots) / columns)
        width, height = _CELL_WIDTH * columns, _HEAD + _CELL_HEIGHT * rows
        # Matplotlib rounds the size in pixels down.
        self.figure = Figure((width / 72, height / 72), dpi=72 * (size + 0.5) / width)
        self.count = len(snapshots)
        figures = [snapshot and snapshot["figures"] for snapshot in snapshots]
        self._heads = list(zip(titles, map(_summary, figures), strict=True))
        self._title = self.figure.text(20 / width, 1 - 30 / height, "", fontsize=17)
        self._summary = self.figure.text(
            20 / width, 1 - 50 / height, "", color=SOFT, fontsize=TEXT if columns > 1 else SMALL
        )
        self._shows: list[Show] = []
        for place, plot in enumerate(plots, 1):
            row, column = divmod(place - 1, columns)
            span = columns - column if place == len(plots) else 1  # the losses fill the last row
            left, bottom = _CELL_WIDTH * column + _LEFT, height - _HEAD - _CELL_HEIGHT * row - _ABOVE - _PLOT
            plot_width = _CELL_WIDTH * (span - 1) + _PLOT
            axes = self.figure.add_axes((left / width, bottom / height, plot_width / width, _PLOT / height))
            self._shows.append(plot(axes))
            _name_offsets(axes)

    def show(self, place: int) -> None:
        """Show the snapshot at this place."""
        for text, content in zip((self._title, self._summary), self._heads[place], strict=True):
            text.set_text(content)
        for show in self._shows:
            show(place)


def as_png(job: JobFigure) -> bytes:
    """Return the first snapshot of a job as PNG."""
    job.show(0)
    buffer = io.BytesIO()
    job.figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _summary(figures: dict[str, float | None] | None) -> str:
    figures = figures or {}  # there are none where the generator has diverged
    names = [name for name in figures if name != "modes_covered" or "modes_fairly_covered" not in figures]
    shown = [f"{_figure_name(name)} {'-' if figures[name] is None else f'{figures[name]:.3g}'}" for name in names]
    return "   ·   ".join(shown)


def _figure_name(name: str) -> str:
    return name.replace("fairly_", "").replace("_", " ").replace("kl", "KL").replace("wasserstein", "Wasserstein")


def _name_offsets(axes: Axes) -> None:
    """Write what the labels of narrow axes far from 0 leave out below the plot; elsewhere it would overlap text."""
    notes = [axes.get_xlabel()]
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        formatter = axis.get_major_formatter()
        formatter.format_ticks(axis.get_majorticklocs().tolist())
        if offset := formatter.get_offset():
            notes.append(f"{name}: {offset}")
        axis.get_offset_text().set_visible(False)
    axes.set_xlabel("   ·   ".join(filter(None, notes)))
