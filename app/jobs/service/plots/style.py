"""What all plots share: colours, sizes, legends and axis limits."""

from collections.abc import Callable, Sequence
from typing import Any

import matplotlib
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

Floats = npt.NDArray[np.float64]
Span = tuple[float, float]
#: Shows one of the snapshots, by its place, in a plot.
Show = Callable[[int], None]
#: Plots onto axes what all snapshots share, with the limits of all of them.
Plot = Callable[[Axes], Show]

INK, SOFT = "#1e1b17", "#5c554a"
# Okabe and Ito (2008): distinguishable with every kind of colour vision.
BLUE, VERMILLION, GREEN = "#0072b2", "#d55e00", "#009e73"

TEXT, SMALL = 12.0, 10.5

matplotlib.rcdefaults()  # whatever a matplotlibrc says
matplotlib.rcParams |= {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.labelsize": SMALL,
    "axes.titlepad": 7,
    "axes.titlesize": SMALL,
    "font.size": TEXT,
    "grid.color": "#e5e1da",
    "legend.borderaxespad": 0.4,
    "legend.borderpad": 0,
    "legend.columnspacing": 1.2,
    "legend.frameon": False,
    "legend.handlelength": 0.8,
    "legend.handletextpad": 0.4,
    "text.color": INK,
    "text.parse_math": False,
    "xtick.color": SOFT,
    "xtick.labelsize": SMALL,
    "ytick.color": SOFT,
    "ytick.labelsize": SMALL,
}


def add_legend(axes: Axes, entries: Sequence[tuple[str, str]], note: str) -> None:
    """Write names in their colours above a plot, and a note at the right."""
    dots = [Line2D([], [], color=colour, marker="o", ls="", ms=9, label=name) for name, colour in entries]
    axes.legend(handles=dots, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(dots))
    axes.set_title(note, loc="right", color=SOFT)


def span(*values: npt.NDArray[Any], margin: float = 0.0) -> Span:
    """Return the range of all finite numbers, widened by a share of it at both ends, and never empty."""
    numbers = np.concatenate([part[np.isfinite(part)].astype(np.float64).ravel() for part in values])
    low, high = float(numbers.min()), float(numbers.max())
    room = margin * (high - low) if high > low else 0.5
    return low - room, high + room
