"""What a face and a job cost: processor time, bytes, rows; ``docs/capacity.md`` reckons with the figures."""

import os
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import sqlalchemy as sa

from tests.benchmarks.report import Options, Report, Row, row
from tests.benchmarks.serving import COUNT, NEW_SEED, drive, program, serving, wait_for_face
from tests.integration import nginx
from tests.integration.jobs.postgresql import PostgreSQL, free_port, is_installed

FACES, JOBS = "capacity, faces", "capacity, jobs"
_SQLITE, _POSTGRESQL = "SQLite", "PostgreSQL"
#: What is asked for, and how many faces an answer has.
_PATHS = {"/sample": 1, NEW_SEED: 1, "/sample?seed=42": 1, f"/samples?count={COUNT}": COUNT}


def count(options: Options) -> int:
    """Return how many runs there are."""
    loads = len(_cores()) * len(_paths(options)) + nginx.is_installed()
    return loads * options.repeats + len(_databases(options))


def measure(options: Options, report: Report) -> Iterator[list[Row]]:
    """Measure everything."""
    with tempfile.TemporaryDirectory() as name:
        yield from _faces(Path(name), options, report)
    for database in _databases(options):
        report.tick(f"jobs beside {database}")
        with tempfile.TemporaryDirectory() as name:
            yield _jobs(Path(name), database, options)


def _cores() -> list[int]:
    """Return the numbers of serving processes to compare."""
    cores = len(os.sched_getaffinity(0))
    return [1, cores] if cores > 1 else [1]


def _paths(options: Options) -> dict[str, int]:
    return {"/sample": 1} if options.tiny else _PATHS


def _databases(options: Options) -> list[str]:
    return [_SQLITE, _POSTGRESQL] if is_installed() and not options.tiny else [_SQLITE]


def _faces(folder: Path, options: Options, report: Report) -> Iterator[list[Row]]:
    """Ask one process, and one a core, in turn."""
    with ExitStack() as stack:
        services = {
            number: stack.enter_context(serving(folder, "-m", "app", "serve", "--processes", str(number)))
            for number in _cores()
        }
        for path, faces in _paths(options).items():
            rates: dict[int, list[float]] = {number: [] for number in services}
            costs: dict[int, list[float]] = {number: [] for number in services}
            for _ in range(options.repeats):
                for number, (address, server) in services.items():
                    report.tick(f"{path}: {number} processes")
                    before = processor_seconds(server.pid, without="worker")
                    load = drive(address + path, folder, options)
                    taken = processor_seconds(server.pid, without="worker") - before
                    rates[number].append(load.rate * faces)
                    costs[number].append(1e6 * taken / (max(1, load.answers) * faces))
            case = f"GET {path}…" if path.endswith("=") else f"GET {path}"
            yield [row(FACES, case, _processes(number), found, "faces/s") for number, found in rates.items()]
            case += ", processor time of a face"
            yield [row(FACES, case, _processes(number), found, "µs") for number, found in costs.items()]
        yield [row(FACES, "GET /sample, a whole answer", "nobody", [_answer_bytes(services[1][0])], "bytes")]
        if nginx.is_installed():
            yield _behind_nginx(folder, services[1][0], options, report)


def _behind_nginx(folder: Path, address: str, options: Options, report: Report) -> list[Row]:
    """Ask one process through the proxy of ``docs/deploy``, with one worker process."""
    port = free_port()
    lines = "upstream nobody { server ADDRESS; keepalive 64; } server { listen PORT; include /etc/nginx/proxy.conf; }"
    here = {"ADDRESS": address.removeprefix("http://"), "PORT": f"127.0.0.1:{port}"}
    proxy = nginx.Nginx(folder, lines, here)
    try:
        wait_for_face(f"http://127.0.0.1:{port}")
        costs = []
        for _ in range(options.repeats):
            report.tick("/sample behind nginx")
            before = processor_seconds(proxy.process.pid)
            load = drive(f"http://127.0.0.1:{port}/sample", folder, options)
            costs.append(1e6 * (processor_seconds(proxy.process.pid) - before) / max(1, load.answers))
    finally:
        proxy.end()
    return [row(FACES, "GET /sample behind nginx, processor time of a face", "nginx", costs, "µs")]


def _processes(number: int) -> str:
    return "1 process" if number == 1 else f"{number} processes"


def _answer_bytes(address: str) -> float:
    """Return the mean size of the answers with a face, headers included."""
    sizes = []
    for _ in range(100):
        with urllib.request.urlopen(f"{address}/sample") as answer:
            status = f"HTTP/1.1 {answer.status} {answer.reason}\r\n"
            headers = sum(len(f"{name}: {value}\r\n") for name, value in answer.getheaders())
            sizes.append(len(status) + headers + 2 + len(answer.read()))
    return sum(sizes) / len(sizes)


def _jobs(folder: Path, database: str, options: Options) -> list[Row]:
    """Let a worker train the exercise's toy run again and again, one at a time, then nothing."""
    epochs, steps, jobs, pause = (1, 2, 1, 0.1) if options.tiny else (16, 100, 20, 10.0)
    body = {"model": "wgan_gp", "data": {"name": "four_clouds"}, "epochs": epochs, "steps_per_epoch": steps}
    with ExitStack() as stack:
        postgres = stack.enter_context(_postgresql(folder)) if database == _POSTGRESQL else None
        settings: dict[str, Any] = {"concurrent_jobs": 1}
        if postgres is not None:
            settings["database_url"] = postgres.url
        address, server = stack.enter_context(serving(folder, "-m", "app", "serve", **settings))
        ours = [server.pid]
        if postgres is not None:  # beside it, the worker is a program of its own
            worker = stack.enter_context(program(["-m", "app", "worker"], data=folder / "data", **settings))
            ours.append(worker.pid)
        client = stack.enter_context(httpx.Client(base_url=address, timeout=60))

        def used() -> _Use:
            theirs = 0.0 if postgres is None else processor_seconds(postgres.pid)
            size = _files(folder) if postgres is None else _database_size(postgres.url)
            return _Use(time.monotonic(), sum(map(processor_seconds, ours)), theirs, size)

        _train(client, body, 1)  # compiles
        before = used()
        _train(client, body, jobs)
        after = used()
        time.sleep(pause)
        idle = used()
    of_a_job = [(late - early) / jobs for early, late in zip(before, after, strict=True)]
    case = f"a job of {epochs} × {steps} steps, {database}"
    rows = [
        row(JOBS, f"{case}, {jobs} in a row", "one worker", [of_a_job[0]], "s"),
        row(JOBS, f"{case}, processor time", "nobody", [of_a_job[1]], "s"),
        row(JOBS, f"{case}, on the disk", "a job", [of_a_job[3] / 2**10], "KiB"),
        row(JOBS, f"without a job, {database}", "nobody", [(idle[1] - after[1]) / (idle[0] - after[0])], "cores"),
    ]
    if postgres is not None:
        rows.insert(2, row(JOBS, f"{case}, processor time", database, [of_a_job[2]], "s"))
    return rows


class _Use(NamedTuple):
    """The time, what our processes and those of the database have used of the processor, and bytes on the disk."""

    time: float
    ours: float
    theirs: float
    bytes: int


def _train(client: httpx.Client, body: dict[str, object], jobs: int) -> None:
    """Submit jobs and see them all end well."""
    left = {client.post("/jobs", json=body).raise_for_status().json()["id"] for _ in range(jobs)}
    while left:
        time.sleep(0.2)
        for job in list(left):
            status = client.get(f"/jobs/{job}").raise_for_status().json()["status"]
            if status == "succeeded":
                left.remove(job)
            elif status in ("failed", "cancelled"):
                raise RuntimeError(f"expected job {job} to succeed, and it {status}")


@contextmanager
def _postgresql(folder: Path) -> Iterator[PostgreSQL]:
    server = PostgreSQL(folder / "postgresql")
    try:
        yield server
    finally:
        server.stop()


def _database_size(url: str) -> int:
    engine = sa.create_engine(url.replace("postgresql:", "postgresql+psycopg:"), poolclass=sa.NullPool)
    with engine.connect() as connection:
        return int(connection.execute(sa.text("SELECT pg_database_size(current_database())")).scalar_one())


def _files(folder: Path) -> int:
    return sum(path.lstat().st_blocks * 512 for path in folder.rglob("*"))


def processor_seconds(pid: int, *, without: str | None = None) -> float:
    """Return what a process and those below it have used of the processor.

    Args:
        pid: of the process.
        without: a word; processes with it in their command, and those below them, are left out.
    """
    process = psutil.Process(pid)
    times = process.cpu_times()
    total = times.user + times.system + times.children_user + times.children_system
    for child in process.children():
        with suppress(psutil.NoSuchProcess):  # it counts as an ended one next time
            if without not in child.cmdline():
                total += processor_seconds(child.pid, without=without)
    return float(total)
