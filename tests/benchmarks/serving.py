"""How fast faces are served: the real application in a process of its own, driven by ``wrk``."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.report import ROOT, Options, Report, Row, compared, seconds_of

GROUP = "serving"
CONNECTIONS = 32
#: Of one run of ``wrk``, and the least that it takes.
SECONDS, LEAST_SECONDS = 3, 1
FACES_A_SECOND = 20_000
COUNT = 64

CONSTANT, BARE = "constant PNG, FastAPI", "constant PNG, bare ASGI"
_CONSTANTS = {CONSTANT: "/constant", BARE: "/bare"}
_NEW, NEW_SEED, _SAME_SEED = "/sample", "/sample?seed=", "/sample?seed=42"  # a script counts the new seeds on
_SHEET = f"/samples?count={COUNT}"
_PATHS = (_NEW, NEW_SEED, _SAME_SEED, _SHEET)
_IDLE = "without the training"
_NEW_SEEDS = """
local seed
function init(arguments) seed = tonumber(arguments[1]) end
function request() seed = seed + 1; return wrk.format("GET", "/sample?seed=" .. string.format("%d", seed)) end
"""
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
class Load:
    """What ``wrk`` saw: answers, answers a second, and the 99th percentile of the waiting time in milliseconds."""

    answers: int
    rate: float
    p99: float


def count(options: Options) -> int:
    """Return how many runs there are."""
    checkouts = len(options.checkouts)
    starts, loads, beside_training = checkouts + 1, len(_CONSTANTS) + len(_PATHS) * checkouts, 2
    return options.repeats * (starts + loads + beside_training)


def measure(options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure everything, with ``wrk``."""
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        yield from _starts(folder, options, report)
        addresses = {
            name: stack.enter_context(serving(folder, checkout=checkout))[0]
            for name, checkout in options.checkouts.items()
        }
        yield from _loads(addresses, folder, options, report)
        yield from _loads_beside_training(f"{addresses['nobody']}/sample", folder, options, report)


def _starts(folder: Path, options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure the time to the first face, and the memory then, of ``nobody serve``."""
    seconds: dict[str, list[float]] = defaultdict(list)
    memory: dict[str, list[float]] = defaultdict(list)
    for _ in range(options.repeats):
        for name, checkout in options.checkouts.items():
            report.tick(f"start: {name}")
            begin = time.perf_counter()
            with serving(folder, "-m", "app", "serve", checkout=checkout) as (_, process):
                seconds[name].append(time.perf_counter() - begin)
                memory[name].append(_resident(process.pid))
        report.tick("start: TensorFlow")
        seconds["import tensorflow"].append(seconds_of(lambda: _run("import tensorflow")))
        memory["TensorFlow, generator"].append(int(_run(_GENERATOR)) / 1024)
    yield compared(GROUP, "start to first face", seconds, "s", {"import tensorflow": 1 / 1.5})
    case = "resident memory of the serving process"
    yield compared(GROUP, case, memory, "MiB", {"TensorFlow, generator": 1 / 1.3})


def _loads(addresses: dict[str, str], folder: Path, options: Options, report: Report) -> Iterator[list[Row]]:
    """Drive each path of each variant in turn, so that all meet the same disturbances."""
    urls = {(name, path): addresses["nobody"] + path for name, path in _CONSTANTS.items()}
    urls |= {(name, path): address + path for path in _PATHS for name, address in addresses.items()}
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)
    for _ in range(options.repeats):
        for (name, path), url in urls.items():
            report.tick(f"{path}: {name}")
            loads[name, path].append(drive(url, folder, options))

    def rates(path: str) -> dict[str, list[float]]:
        return {name: [load.rate for load in loads[name, path]] for name in addresses}

    constants = {name: [load.rate for load in loads[name, path]] for name, path in _CONSTANTS.items()}
    cases = (("GET /sample, a new face", _NEW, 1.0), ("never repeated seed", NEW_SEED, 0.5))
    for case, path, target in (*cases, ("repeated seed", _SAME_SEED, 1.0)):
        values = rates(path) | constants
        yield compared(GROUP, case, values, "requests/s", {CONSTANT: target}, higher_is_better=True)
    asked = [*((name, _NEW) for name in addresses), (CONSTANT, _CONSTANTS[CONSTANT])]
    waits = {name: [load.p99 for load in loads[name, path]] for name, path in asked}
    yield compared(GROUP, "GET /sample, 99th percentile", waits, "ms", {CONSTANT: 1 / 2.0})
    faces = {name: [rate * COUNT for rate in found] for name, found in rates(_SHEET).items()}
    faces["the aim"] = [FACES_A_SECOND] * options.repeats
    yield compared(GROUP, f"GET {_SHEET}", faces, "faces/s", {"the aim": 1.0}, higher_is_better=True)


def _loads_beside_training(url: str, folder: Path, options: Options, report: Report) -> Iterator[list[Row]]:
    """Ask for new faces in turn while a training run stands still and while it runs."""
    loads: dict[str, list[Load]] = {"nobody": [], _IDLE: []}
    with program(["-m", "tests.benchmarks.endless_training"]) as training:
        assert training.stdout is not None
        training.stdout.readline()  # its graphs are compiled
        for _ in range(options.repeats):
            for name, number in ((_IDLE, signal.SIGSTOP), ("nobody", signal.SIGCONT)):
                training.send_signal(number)
                report.tick(f"beside a training run: {name}")
                loads[name].append(drive(url, folder, options))
    case = "GET /sample beside a training run"
    rates = {name: [load.rate for load in found] for name, found in loads.items()}
    yield compared(GROUP, case, rates, "requests/s", {_IDLE: 0.6}, higher_is_better=True)
    waits = {name: [load.p99 for load in found] for name, found in loads.items()}
    yield compared(GROUP, f"{case}, 99th percentile", waits, "ms", {_IDLE: 1 / 3.0})


def drive(url: str, folder: Path, options: Options) -> Load:
    """Ask for something on many connections for some seconds."""
    seconds = LEAST_SECONDS if options.tiny else SECONDS
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "60s", "--latency", url]
    if url.endswith("seed="):
        script = folder / "new_seeds.lua"
        script.write_text(_NEW_SEEDS)
        command = [*command[:-1], "-s", str(script), url, "--", str(time.monotonic_ns() // 1_000)]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    answers, rate = re.search(r"(\d+) requests in", output), re.search(r"Requests/sec: +([\d.]+)", output)
    p99 = re.search(r"99% +([\d.]+)(us|ms|s)\s", output)
    if answers is None or rate is None or p99 is None or "Non-2xx" in output or "Socket errors" in output:
        raise RuntimeError(f"expected only good answers from {url}, got:\n{output}")
    return Load(int(answers[1]), float(rate[1]), float(p99[1]) * {"us": 1e-3, "ms": 1.0, "s": 1e3}[p99[2]])


@contextlib.contextmanager
def program(arguments: Sequence[str], checkout: Path = ROOT, **settings: object) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program until the end of the block, with these settings of the service."""
    environment = os.environ | {f"NOBODY_{name.upper()}": str(value) for name, value in settings.items()}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=checkout,
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
def serving(
    data: Path, *command: str, checkout: Path = ROOT, **settings: object
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Serve until the first face has come, by default without compiling ahead; yield the address and the process."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    arguments = command or ("-m", "tests.benchmarks.serving_app", str(port))
    settings = {"port": port, "data": data / str(port), "warm_architectures": 0} | settings
    with program(arguments, checkout, **settings) as process:
        wait_for_face(address)
        yield address, process


def wait_for_face(address: str) -> None:
    """Wait until a service answers."""
    deadline = time.monotonic() + 60
    while not _answers(f"{address}/sample"):
        if time.monotonic() > deadline:
            raise RuntimeError("the service did not answer within 60 s")
        time.sleep(0.01)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def _run(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
