"""How long the exercise's toy run takes as a job of the real service, beside its script as a process."""

import itertools
import json
import math
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import httpx
import psutil

from tests.benchmarks.report import ROOT, Options, Report, Row, alternating, compared, row
from tests.benchmarks.serving import serving
from tests.benchmarks.training import EXERCISE

#: How many times faster than the script a job means to be, and within how many seconds it means to report progress.
TARGET, PROGRESS_SECONDS = 3.0, 1.0
#: Within how many seconds a job means to show its first training steps: one whose step idle processes have compiled
#: ahead, and any other.
COMPILED_SECONDS, OTHER_SECONDS = 0.5, 2.0
#: After so long without work, idle processes have compiled all they want.
IDLE_SECONDS = 5.0
#: The exercise's runs, with the GAN that takes the longest.
RUNS = ("circle_exercise", "four_clouds_exercise", "corner_cloud_exercise")


def count(options: Options) -> int:
    """Return how many runs there are."""
    return 3 * (options.uncounted + options.repeats) + options.repeats + 1 + (len(_runs(options)) + 1) * options.repeats


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
    yield _rows_with_aim(group, "its first progress event", to_progress, PROGRESS_SECONDS, max(to_progress))
    yield from _first_snapshots(options, report)


def _runs(options: Options) -> tuple[str, ...]:
    return RUNS[:1] if options.tiny else RUNS


def _first_snapshots(options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure how soon a job shows its first steps on a worker that has had time to compile ahead."""
    group = "a job, from POST to its first snapshot after step 0"
    # Other widths are other networks than any that were compiled.
    others: Iterator[dict[str, object]] = (
        {"model": "wgan_gp", "gen_shape": [2, width, 10, 5]} for width in itertools.count(11)
    )
    bodies: dict[str, Callable[[], dict[str, object]]] = {
        f"WGAN_GP, {run}": partial(dict[str, object], preset=run, model="wgan_gp") for run in _runs(options)
    }
    bodies["WGAN_GP, another architecture"] = lambda: next(others)
    seconds: dict[str, list[float]] = {case: [] for case in bodies}
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(Path(folder), "-m", "app", "serve", warm_architectures=1 if options.tiny else 12) as (address, process),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        report.tick("what is compiled ahead")
        _wait_for_idleness(process.pid)
        for _ in range(options.repeats):
            for case, body in bodies.items():
                report.tick(f"the first snapshot: {case}")
                seconds[case].append(_first_snapshot(client, body()))
    for case, measured in seconds.items():
        aim = OTHER_SECONDS if "another" in case else COMPILED_SECONDS
        yield _rows_with_aim(group, case, measured, aim, statistics.median(measured))


def _rows_with_aim(group: str, case: str, seconds: list[float], aim: float, reached: float) -> list[Row]:
    return [
        row(group, case, "nobody", seconds, "s"),
        row(group, case, "the aim", [aim], "s", ratio=aim / reached, target=1.0),
    ]


def _wait_for_idleness(pid: int) -> None:
    """Wait until the training processes below a service have had nothing to do for some seconds."""
    used, since = -1.0, time.monotonic()
    while time.monotonic() - since < IDLE_SECONDS:
        now = sum(
            sum(process.cpu_times()[:2])
            for process in psutil.Process(pid).children(recursive=True)
            if "app.jobs.trainer" in process.cmdline()
        )
        if now > used + 0.05:
            used, since = now, time.monotonic()
        time.sleep(0.2)


def _first_snapshot(client: httpx.Client, body: dict[str, object]) -> float:
    """Return the seconds from a job's submission to its first snapshot after step 0; then cancel the job."""
    started = time.perf_counter()
    seconds, event = math.nan, ""
    job = client.post("/jobs", json=body).raise_for_status().json()["id"]
    with client.stream("GET", f"/jobs/{job}/events") as events:
        for line in events.iter_lines():
            field, _, value = line.partition(": ")
            if field == "event":
                event = value
            elif field == "data" and event == "snapshot" and math.isnan(seconds) and json.loads(value)["step"]:
                seconds = time.perf_counter() - started
                client.post(f"/jobs/{job}/cancel")
    if math.isnan(seconds):
        raise RuntimeError(f"job {job} took no step")
    return seconds


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
