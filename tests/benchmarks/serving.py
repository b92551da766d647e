"""How fast faces are served: the real application in a process of its own, driven by ``wrk``."""

import contextlib
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import ROOT
from tests.benchmarks.report import Row, row

CONNECTIONS = 32
#: Of one run of ``wrk``.
SECONDS = 3
FACES_A_SECOND = 20_000
SHEET = 64

CONSTANT, BARE = "constant PNG, FastAPI", "constant PNG, bare ASGI"
_PATHS = {
    CONSTANT: "/constant",
    BARE: "/bare",
    "new": "/sample",
    "new seed": "/sample?seed=",  # the script counts on
    "same seed": "/sample?seed=42",
    "sheet": f"/samples?count={SHEET}",
}
_NEW_SEEDS = """
local seed
function init(arguments) seed = tonumber(arguments[1]) end
function request() seed = seed + 1; return wrk.format("GET", "/sample?seed=" .. string.format("%d", seed)) end
"""
_TENSORFLOW = "import tensorflow"
_GENERATOR = """
import numpy as np
from models import convolutional_GenDiscr
from models.files.weights import read_weights
network, _ = convolutional_GenDiscr()
network.set_weights(read_weights("weights/generator.h5", network))
network(np.zeros((32, 16), np.float32), training=False)
print([line for line in open("/proc/self/status") if line.startswith("VmRSS")][0].split()[1])
"""


@dataclass(frozen=True)
class _Load:
    """What ``wrk`` saw: requests a second, and the 99th percentile of the waiting time in milliseconds."""

    rate: float
    p99: float


def measure(tiny: bool) -> list[Row]:
    """Measure everything, with ``wrk``; ``tiny`` shows only that it runs."""
    repeats = 1 if tiny else 5
    with tempfile.TemporaryDirectory() as folder:
        start, memory = _starts(Path(folder), repeats)
        with serving(Path(folder)) as (address, _):
            loads = _loads(address, repeats, Path(folder))
            idle, busy = _loads_beside_training(address, repeats, Path(folder))
    return [*_throughput_rows(loads), *_sheet_rows(loads), *_busy_rows(idle, busy), *start, *memory]


# what the figures are compared with


def _throughput_rows(loads: dict[str, list[_Load]]) -> Iterator[Row]:
    cases = (("GET /sample, a new face", "new", 1.0), ("never repeated seed", "new seed", 0.5))
    for case, name, target in (*cases, ("repeated seed", "same seed", 1.0)):
        ours = [load.rate for load in loads[name]]
        yield row("serving", case, "nobody", ours, "requests/s")
        for peer, aim in ((CONSTANT, target), (BARE, None)):
            theirs = [load.rate for load in loads[peer]]
            ratio = statistics.median(ours) / statistics.median(theirs)
            yield row("serving", case, peer, theirs, "requests/s", ratio=ratio, target=aim)
    yield from _lower_is_better(
        "GET /sample, 99th percentile",
        [load.p99 for load in loads["new"]],
        CONSTANT,
        [load.p99 for load in loads[CONSTANT]],
        "ms",
        at_most=2.0,
    )


def _sheet_rows(loads: dict[str, list[_Load]]) -> Iterator[Row]:
    case = f"GET /samples?count={SHEET}"
    faces = [load.rate * SHEET for load in loads["sheet"]]
    yield row("serving", case, "nobody", faces, "faces/s")
    ratio = statistics.median(faces) / FACES_A_SECOND
    yield row("serving", case, "the aim", [FACES_A_SECOND], "faces/s", ratio=ratio, target=1.0)


def _busy_rows(idle: list[_Load], busy: list[_Load]) -> Iterator[Row]:
    case = "GET /sample beside a training run"
    rates, idle_rates = [load.rate for load in busy], [load.rate for load in idle]
    yield row("serving", case, "nobody", rates, "requests/s")
    ratio = statistics.median(rates) / statistics.median(idle_rates)
    yield row("serving", case, "without the training", idle_rates, "requests/s", ratio=ratio, target=0.6)
    yield from _lower_is_better(
        f"{case}, 99th percentile",
        [load.p99 for load in busy],
        "without the training",
        [load.p99 for load in idle],
        "ms",
        at_most=3.0,
    )


def _lower_is_better(
    case: str, ours: Sequence[float], peer: str, theirs: Sequence[float], unit: str, *, at_most: float
) -> Iterator[Row]:
    yield row("serving", case, "nobody", ours, unit)
    ratio = statistics.median(theirs) / statistics.median(ours)
    yield row("serving", case, peer, theirs, unit, ratio=ratio, target=1 / at_most)


# load


def _loads(address: str, repeats: int, folder: Path) -> dict[str, list[_Load]]:
    """Drive each path in turn, so that all meet the same disturbances."""
    loads: dict[str, list[_Load]] = {name: [] for name in _PATHS}
    for _ in range(repeats):
        for name, path in _PATHS.items():
            loads[name].append(_drive(address + path, folder))
    return loads


def _loads_beside_training(address: str, repeats: int, folder: Path) -> tuple[list[_Load], list[_Load]]:
    """Ask for new faces in turn while a training run stands still and while it runs."""
    idle: list[_Load] = []
    busy: list[_Load] = []
    with _process(["-m", "tests.benchmarks.endless_training"]) as training:
        assert training.stdout is not None
        training.stdout.readline()  # its graphs are compiled
        for _ in range(repeats):
            for loads, number in ((idle, signal.SIGSTOP), (busy, signal.SIGCONT)):
                training.send_signal(number)
                loads.append(_drive(f"{address}/sample", folder))
    return idle, busy


def _drive(url: str, folder: Path) -> _Load:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", url]
    if url.endswith("seed="):
        script = folder / "new_seeds.lua"
        script.write_text(_NEW_SEEDS)
        command = [*command[:-1], "-s", str(script), url, "--", str(time.monotonic_ns() // 1_000)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rate, p99 = re.search(r"Requests/sec: +([\d.]+)", output), re.search(r"99% +([\d.]+)(us|ms|s)\n", output)
    if rate is None or p99 is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"expected only good answers from {url}, got:\n{output}")
    return _Load(float(rate[1]), float(p99[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]])


# processes


@contextlib.contextmanager
def _process(arguments: Sequence[str], **settings: object) -> Iterator[subprocess.Popen[str]]:
    environment = os.environ | {f"NOBODY_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate()


@contextlib.contextmanager
def serving(data: Path, *command: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve until the first face has come; yield the address and the process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    arguments = command or ("-m", "tests.benchmarks.serving_app", str(port))
    with _process(arguments, port=port, data=data / str(port)) as process:
        _wait_for(lambda: _answers(f"{address}/sample"))
        yield address, process


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError("the service did not answer within 60 s")
        time.sleep(0.01)


def _starts(folder: Path, repeats: int) -> tuple[list[Row], list[Row]]:
    """Measure the time to the first face, and the memory then, of ``nobody serve``."""
    ours, theirs, resident, with_tensorflow = [], [], [], []
    for _ in range(repeats):
        begin = time.perf_counter()
        with serving(folder, "-m", "app", "serve") as (_, process):
            ours.append(time.perf_counter() - begin)
            resident.append(_resident(process.pid))
        begin = time.perf_counter()
        _run(_TENSORFLOW)
        theirs.append(time.perf_counter() - begin)
        with_tensorflow.append(int(_run(_GENERATOR)) / 1024)
    return (
        list(_lower_is_better("start to first face", ours, "import tensorflow", theirs, "s", at_most=1.5)),
        list(
            _lower_is_better(
                "resident memory of the serving process",
                resident,
                "TensorFlow, generator",
                with_tensorflow,
                "MiB",
                at_most=1.3,
            )
        ),
    )


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _run(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
