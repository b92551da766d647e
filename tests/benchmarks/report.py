"""What a measurement is, how it is taken, and how it is shown."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

#: Packages whose versions decide how fast things are.
PACKAGES = ("numpy", "tensorflow", "keras", "jax", "optax", "torch", "fastapi", "uvicorn", "pillow")


#: Columns that the tables take, at least.
WIDTH = 120


@dataclass(frozen=True)
class Row:
    """One measured variant of one case.

    ``variant`` is ``nobody`` or the name of a peer. ``median``, ``low`` and ``high`` are in ``unit``. ``ratio`` says
    how many times better nobody is than this peer (above 1: better), ``target`` how many times it means to be.
    """

    group: str
    case: str
    variant: str
    median: float
    low: float
    high: float
    unit: str
    ratio: float | None = None
    target: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return None if self.target is None or self.ratio is None else self.ratio >= self.target


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternating(actions: dict[str, Callable[[], object]], repeats: int) -> dict[str, list[float]]:
    """Run the actions in turn, so that all meet the same disturbances; return each one's seconds.

    A first round, in which graphs are compiled, is not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for repeat in range(repeats + 1):
        for name, action in actions.items():
            taken = seconds_of(action)
            if repeat:
                seconds[name].append(taken)
    return seconds


def row(
    group: str,
    case: str,
    variant: str,
    values: Sequence[float],
    unit: str,
    *,
    ratio: float | None = None,
    target: float | None = None,
) -> Row:
    """Summarise repeated measurements of one variant."""
    return Row(group, case, variant, statistics.median(values), min(values), max(values), unit, ratio, target)


def show(rows: Iterable[Row], console: Console | None = None) -> None:
    """Print one table for each group, with what each target came to."""
    console = console or Console(width=max(WIDTH, Console().width), markup=False, emoji=False)
    for group, members in _by_group(rows).items():
        table = Table("case", "variant", "median", "min … max", "unit", "ratio", "target", title=group)
        previous = ""
        for member in members:
            if previous and member.case != previous:
                table.add_section()
            table.add_row("" if member.case == previous else member.case, *_cells(member), style=_style(member))
            previous = member.case
        console.print(table)


def write_json(rows: Iterable[Row], path: Path) -> None:
    """Write the rows and the machine that they come from."""
    content = {"machine": machine(), "rows": [asdict(row) | {"met": row.met} for row in rows]}
    path.write_text(json.dumps(content, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """Describe the machine: processor, cores and the versions of what matters."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {name: version for name in PACKAGES if (version := _version(name)) is not None},
    }


def _by_group(rows: Iterable[Row]) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = {}
    for member in rows:
        groups.setdefault(member.group, []).append(member)
    return groups


def _cells(row: Row) -> list[str]:
    ratio = "" if row.ratio is None else f"{row.ratio:.2f} x"
    target = "" if row.target is None else f"{row.target:g} x {'met' if row.met else 'NOT MET'}"
    return [row.variant, _number(row.median), f"{_number(row.low)} … {_number(row.high)}", row.unit, ratio, target]


def _style(row: Row) -> str:
    return {True: "green", False: "red", None: ""}[row.met]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
