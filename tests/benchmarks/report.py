"""What a measurement is, how it is taken, and how it is shown."""

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column

from app.cli import consoles

#: This checkout.
ROOT = Path(__file__).resolve().parents[2]

#: Packages whose versions decide how fast things are.
PACKAGES = {"numpy", "tensorflow", "keras", "jax", "optax", "torch", "fastapi", "uvicorn", "pillow"}


#: What the tables call the checkout of ``Options.against``.
OTHER = "the other checkout"


@dataclass(frozen=True)
class Options:
    """How to measure: ``tiny`` shows only that it runs; ``against`` is another checkout to measure beside this one."""

    tiny: bool = False
    against: Path | None = None

    @property
    def repeats(self) -> int:
        """How many rounds count."""
        return 1 if self.tiny else 5

    @property
    def uncounted(self) -> int:
        """How many rounds go before them where something is compiled or loaded the first time."""
        return 0 if self.tiny else 1

    @property
    def checkouts(self) -> dict[str, Path]:
        """The folders whose code is measured, by the names that the tables give them."""
        return {"nobody": ROOT} | ({OTHER: self.against} if self.against else {})


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


def compared(
    group: str,
    case: str,
    values: dict[str, list[float]],
    unit: str,
    targets: dict[str, float],
    *,
    higher_is_better: bool = False,
) -> list[Row]:
    """Summarise each variant; a ratio is the median over the rounds, in which all ran in turn."""
    ours = values["nobody"]
    rows = [row(group, case, "nobody", ours, unit)]
    for name, theirs in values.items():
        if name != "nobody":
            ratio = statistics.median(peer / own for peer, own in zip(theirs, ours, strict=True))
            ratio = 1 / ratio if higher_is_better else ratio
            rows.append(row(group, case, name, theirs, unit, ratio=ratio, target=targets.get(name)))
    return rows


def seconds_of(action: Callable[[], object]) -> float:
    """Return how long a call takes."""
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternating(
    actions: Mapping[str, Callable[[], object]],
    repeats: int,
    tick: Callable[[str], None] = lambda name: None,
    *,
    uncounted: int,
) -> dict[str, list[float]]:
    """Run the actions in turn, so that all meet the same disturbances; return each one's seconds.

    Args:
        actions: what to run, by name.
        repeats: rounds that count.
        tick: told the name of each run before it starts.
        uncounted: rounds before them, for what is compiled or loaded the first time.
    """
    seconds: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(-uncounted, repeats):
        for name, action in actions.items():
            tick(name)
            taken = seconds_of(action)
            if number >= 0:
                seconds[name].append(taken)
    return seconds


class Report:
    """Shows how far the measurements are, with the time left, and results as they come.

    The bar is drawn between the runs, never during one.
    """

    def __init__(self, runs: int, json_file: Path | None) -> None:
        """Expect so many runs; write the results to a file as well."""
        self._rows: list[Row] = []
        self._json_file = json_file
        self._notes = consoles.console(stderr=True)
        columns = (
            BarColumn(20),
            TimeElapsedColumn(Column(no_wrap=True)),
            TextColumn("left:"),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
            TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis")),
        )
        self._bar = Progress(*columns, console=self._notes, auto_refresh=False, speed_estimate_period=120)
        self._task = self._bar.add_task("starting", total=runs)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tick(self, name: str) -> None:
        """Show that a run starts, after which the one before it is done."""
        self._bar.update(self._task, description=name, advance=1, refresh=True)

    def tell(self, line: str) -> None:
        """Show a line above the bar."""
        self._notes.print(line, soft_wrap=True)

    def add(self, rows: Sequence[Row]) -> None:
        """Show the rows of a case, and write all until now."""
        # On one terminal the console of the bar has to print them, or they would run into the bar.
        terminal = consoles.is_live(self._notes) and sys.stdout.isatty()
        show(rows, self._notes if terminal else consoles.results())
        self._rows += rows
        if self._json_file is not None:
            write_json(self._rows, self._json_file)


def show(rows: Iterable[Row], console: Console) -> None:
    """Print the rows below the names of their cases, with what each target came to."""
    previous = ""
    for member in rows:
        title = f"{member.group}: {member.case}"
        if title != previous:
            console.print(f"\n{title}", style="bold", soft_wrap=True)
        previous = title
        spread = f"{_number(member.low)} … {_number(member.high)}"
        cells = f" {member.variant:25} {_number(member.median):>6} {spread:>15} {member.unit:10}"
        ratio = "" if member.ratio is None else f"{member.ratio:.2f} x"
        target = "" if member.target is None else f" ({member.target:.2g} x {'met' if member.met else 'NOT MET'})"
        style = {True: "green", False: "red", None: ""}[member.met]
        console.print(f"{cells} {ratio:>7}{target}".rstrip(), style=style, soft_wrap=True)


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
        "versions": _versions(),
    }


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _versions() -> dict[str, str]:
    """Return the versions of the packages; those of the peers have an environment of their own."""
    peers = ROOT.glob(".venv-bench/lib/python*/site-packages")
    found = metadata.distributions(path=[*map(str, peers), *sys.path])  # where both have one, the service's counts
    return {one.name.lower(): one.version for one in found if one.name.lower() in PACKAGES}
