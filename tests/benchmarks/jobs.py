"""How long the exercise's toy run takes as a job of the real service, beside its script as a process."""

import itertools
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx

from tests.benchmarks.report import ROOT, Options, Report, Row, alternating, compared, row
from tests.benchmarks.serving import serving
from tests.benchmarks.training import EXERCISE

#: How many times faster than the script a job means to be, and within how many seconds it means to report progress.
TARGET, PROGRESS_SECONDS = 3.0, 1.0


def count(options: Options) -> int:
    """Return how many runs there are."""
    return 3 * (options.uncounted + options.repeats) + options.repeats


def measure(options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure everything."""
    epochs, steps = (1, 2) if options.tiny else (16, 100)
    job = {"model": "wgan_gp", "data": {"name": "four_clouds"}, "epochs": epochs, "steps_per_epoch": steps}
    # Another batch size is another graph: what the training process has compiled before does not fit it.
    fresh = ({**job, "batch_size": size} for size in itertools.count(201))
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "-m", "app", "serve") as (address, _),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        actions: dict[str, Callable[[], object]] = {
            EXERCISE: partial(_script, epochs, steps),
            "anew": lambda: _job(client, next(fresh)),
            "again": lambda: _job(client, job),
        }
        seconds = alternating(
            actions, options.repeats, lambda name: report.tick(f"a job: {name}"), uncounted=options.uncounted
        )
        to_progress = []
        for _ in range(options.repeats):
            report.tick("a job: its first progress")
            to_progress.append(_job(client, job))
    group = f"a job of {epochs} × {steps} steps, from POST to its end"
    for case, name in (("first of its architecture", "anew"), ("later ones", "again")):
        runs = {"nobody": seconds[name], EXERCISE: seconds[EXERCISE]}
        yield compared(group, f"WGAN_GP [2, 10, 10, 5], {case}", runs, "s", {EXERCISE: TARGET})
    yield _progress_rows(group, to_progress)


def _progress_rows(group: str, seconds: list[float]) -> list[Row]:
    case = "its first progress event"
    aim = row(group, case, "the aim", [PROGRESS_SECONDS], "s", ratio=PROGRESS_SECONDS / max(seconds), target=1.0)
    return [row(group, case, "nobody", seconds, "s"), aim]


def _script(epochs: int, steps: int) -> None:
    command = [sys.executable, "-m", "tests.benchmarks.peers.exercise", str(epochs), str(steps)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)


def _job(client: httpx.Client, body: dict[str, object]) -> float:
    """Train a job, see it end well, and return the seconds from its submission to its first progress."""
    started = time.perf_counter()
    first_progress = math.nan
    job = client.post("/jobs", json=body).raise_for_status().json()["id"]
    event = ""
    with client.stream("GET", f"/jobs/{job}/events") as events:
        for line in events.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "data" and event == "progress" and math.isnan(first_progress):
                first_progress = time.perf_counter() - started
            elif field == "data" and event == "state" and json.loads(value)["status"] == "succeeded":
                return first_progress
    raise RuntimeError(f"job {job} did not succeed")
