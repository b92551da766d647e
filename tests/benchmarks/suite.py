"""All benchmarks, as ``nobody bench`` runs them."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from app.cli import consoles
from tests.benchmarks import capacity, jobs, serving, training
from tests.benchmarks.report import Options, Report, Row


class _Part(Protocol):
    def count(self, options: Options) -> int:
        """Return how many runs the part takes."""

    def measure(self, options: Options, report: Report) -> Iterator[list[Row]]:
        """Measure, tell the report of every run before it starts, and yield the rows of a case as they come."""


PARTS: dict[str, _Part] = {"training": training, "jobs": jobs, "serving": serving, "capacity": capacity}


def run(tiny: bool, only: str | None, json_file: Path | None, against: Path | None = None) -> None:
    """Measure, and show and write the results of each case as soon as it is done.

    Raises:
        RuntimeError: something went wrong; what was measured before that is shown and written all the same.
    """
    options = Options(tiny, against)
    notes = consoles.console(stderr=True)
    parts = {name: part for name, part in PARTS.items() if only in (None, name)}
    for name in ("serving", "capacity"):
        if name in parts and shutil.which("wrk") is None:
            notes.print(f"wrk is not installed, and {name} is left out (on Debian: apt-get install wrk)")
            del parts[name]
    notes.print("this takes minutes, and wants a machine with nothing else to do")
    with Report(sum(part.count(options) for part in parts.values()), json_file) as report:
        for part in parts.values():
            for rows in part.measure(options, report):
                report.add(rows)
