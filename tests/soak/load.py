"""A crowd: 1,000 connections beside a training job and 300 event streams, slow clients, and a million faces with seeds.

``python -m tests.soak.load`` runs the real service and prints what a client waits, alone and in the crowd, and the
service's memory. It ends with 1 if a request fails, a face has other bytes than alone, the streams make others wait
more than three times as long, the slow clients a tenth longer, or memory grows by more than 5 % in ten minutes. Needs
``wrk``; takes a minute for each line that it prints, ten for the memory (``--minutes``), and some for the faces
(``--faces 0`` leaves them out).
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.integration.jobs.harness import LONG, Service, service
from tests.soak.clients import Answers, SlowClients, Streams, crowd, hashes

CONNECTIONS, STREAMS, SLOW = 1_000, 300, 500
#: How much more the streams, the slow clients and time may cost.
MOST_BESIDE_STREAMS, MOST_BESIDE_SLOW, MOST_GROWTH = 3.0, 1.1, 1.05


@contextmanager
def training(running: Service) -> Iterator[str]:
    """Train a job for as long as the block takes; gives its id."""
    job = running.submit(**LONG)
    running.wait(job, "running")
    yield job["id"]
    running.ask(job, "cancel")
    running.wait(job)


def _megabytes(running: Service) -> float:
    return float(running.process.memory_info().rss) / 2**20


class Attack:
    """Measures a service, prints what it sees, and remembers what is not as it should be."""

    def __init__(self, running: Service, folder: Path, seconds: int) -> None:
        self.faults: list[str] = []
        self._running = running
        self._folder = folder
        self._seconds = seconds

    def measure(self, what: str, connections: int, seconds: int | None = None) -> Answers:
        """Ask for faces on many connections."""
        answers = crowd(self._running.address, self._folder, connections, seconds or self._seconds)
        if answers.failures:
            self.faults.append(f"{answers.failures} requests failed: {what}")
        print(f"{what}: {answers}; memory {_megabytes(self._running):.0f} MiB", flush=True)
        return answers

    def bound(self, what: str, ratio: float, most: float) -> None:
        """Hold a ratio to the most that it may be."""
        print(f"{what}: {ratio:.2f} times as much", flush=True)
        if ratio > most:
            self.faults.append(f"{what}: {ratio:.2f} times as much, expected at most {most:g}")

    def with_streams(self) -> None:
        """Compare a crowd beside a job with one that has streams of the job beside it."""
        with training(self._running) as job:
            without = self.measure(f"{CONNECTIONS:,} connections beside a training job", CONNECTIONS)
            with Streams(self._running.address, STREAMS, job) as streams:
                beside = self.measure(f"the same with {STREAMS} streams of the job", CONNECTIONS)
        print(f"{streams.received:,} events received")
        self.bound("99th percentile with the streams", beside.p99 / without.p99, MOST_BESIDE_STREAMS)

    def with_slow_clients(self) -> None:
        """Compare one client alone with one that has slow clients beside it."""
        ratios = []
        for _ in range(3):
            alone = self.measure("one connection", 1)
            with SlowClients(self._running.address, SLOW):
                time.sleep(2)
                slow = self.measure(f"one connection beside {SLOW} slow clients", 1)
            ratios.append(slow.p99 / alone.p99)
        what = "99th percentile beside the slow clients (median of three)"
        self.bound(what, statistics.median(ratios), MOST_BESIDE_SLOW)

    def for_minutes(self, minutes: int) -> None:
        """Compare memory in the last minute with that in the second."""
        sizes: list[list[float]] = [[] for _ in range(minutes)]

        def watch() -> None:
            for minute in sizes:
                for _ in range(60):
                    minute.append(_megabytes(self._running))
                    time.sleep(1)

        watching = threading.Thread(target=watch)
        with training(self._running) as job, Streams(self._running.address, STREAMS, job):
            watching.start()
            self.measure(f"the same for {minutes} minutes", CONNECTIONS, 60 * minutes)
            watching.join()
        ratio = statistics.mean(sizes[-1]) / statistics.mean(sizes[1])
        self.bound("memory in the last minute against the second", ratio, MOST_GROWTH)

    def with_seeds(self, faces: int) -> None:
        """Compare faces with seeds, asked for alone, with the same ones in the crowd."""
        address = self._running.address
        started = time.monotonic()
        alone = asyncio.run(hashes(address, 0, faces, 8))
        between = time.monotonic()
        with training(self._running) as job, Streams(address, STREAMS, job):
            crowded = asyncio.run(hashes(address, 0, faces, CONNECTIONS))
        took = f"{between - started:.0f} s alone, {time.monotonic() - between:.0f} s in the crowd"
        differ = sum(alone[i : i + 8] != crowded[i : i + 8] for i in range(0, len(crowded), 8))
        print(f"{faces:,} faces with seeds: {took}; {differ} differ", flush=True)
        if differ:
            self.faults.append(f"{differ} faces have other bytes in the crowd")


def main() -> int:
    """Measure, print the figures, and say what is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--minutes", type=int, default=10, help="for the memory; at least 3, or 0")
    parser.add_argument("--faces", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, service(Path(name)) as running:
        attack = Attack(running, Path(name), options.seconds)
        attack.measure("warming up", CONNECTIONS, 5)
        attack.with_streams()
        attack.with_slow_clients()
        if options.minutes:
            attack.for_minutes(options.minutes)
        if options.faces:
            attack.with_seeds(options.faces)
        running.stop()
    for fault in attack.faults:
        print(f"NOT AS EXPECTED: {fault}")
    return int(bool(attack.faults))


if __name__ == "__main__":
    sys.exit(main())
