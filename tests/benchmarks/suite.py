"""All benchmarks, as ``nobody bench`` runs them."""

from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import jobs, serving, training
from tests.benchmarks.report import Row, show, write_json

PARTS: dict[str, Callable[[bool], list[Row]]] = {
    "training": training.measure,
    "jobs": jobs.measure,
    "serving": serving.measure,
}


def run(tiny: bool, only: str | None, json_file: Path | None) -> None:
    """Measure, print the tables and write them.

    Raises:
        RuntimeError: something that a benchmark needs is missing.
    """
    notes = Console(stderr=True)
    for peer in training.absent():
        notes.print(f"{peer} is not installed and is left out (.venv/bin/pip install '.\\[bench]')")
    rows: list[Row] = []
    for name, measure in PARTS.items():
        if only in (None, name):
            notes.print(f"measuring {name}; this takes minutes, and wants a machine with nothing else to do")
            rows += measure(tiny)
    show(rows)
    if json_file is not None:
        write_json(rows, json_file)
