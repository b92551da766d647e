"""All benchmarks, as ``nobody bench`` runs them."""

import shutil
from collections.abc import Callable
from pathlib import Path

from app.cli import consoles
from tests.benchmarks import jobs, serving, training
from tests.benchmarks.report import Row, show, write_json

PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "training": training.measure,
    "jobs": jobs.measure,
    "serving": serving.measure,
}


def run(tiny: bool, only: str | None, json_file: Path | None) -> None:
    """Measure, print each part's tables as soon as it is done, and write them all.

    Raises:
        RuntimeError: something went wrong; what was measured before that is printed and written all the same.
    """
    notes = consoles.console(stderr=True)
    parts = {name: measure for name, measure in PARTS.items() if only in (None, name)}
    if "training" in parts:
        for peer in training.absent():
            notes.print(f"{peer} is not installed and is left out (.venv/bin/pip install '.[bench]')")
    if "serving" in parts and shutil.which("wrk") is None:
        notes.print("wrk is not installed, and serving is left out (on Debian: apt-get install wrk)")
        del parts["serving"]
    rows: list[Row] = []
    for name, measure in parts.items():
        notes.print(f"measuring {name}; this takes minutes, and wants a machine with nothing else to do")
        measured = measure(tiny)
        show(measured)
        rows += measured
        if json_file is not None:
            write_json(rows, json_file)
