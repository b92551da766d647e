"""Large answers to many clients at a time: what the memory of the serving process comes to, and what stays.

``python -m tests.soak.large_answers`` runs the real service, trains a million steps and the widest networks that a job
may have, and then asks for each kind of large answer by many clients at once, who wait two seconds after the first
byte. It ends with 1 if an answer is neither whole nor a 503 that says to come again.
"""

import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.integration.jobs.harness import SMALL, Service, service

#: A job with many losses, and one whose layers are wide.
MANY: dict[str, Any] = SMALL | {"batch_size": 10, "epochs": 1_000, "steps_per_epoch": 1_000}
WIDE: dict[str, Any] = {"gen_shape": [2, 1024, 1024, 5], "epochs": 1, "steps_per_epoch": 2, "disc_iter": 1}
_PAUSE_SECONDS = 2.0
_BUSY = 503


class Memory:
    """The resident memory of a process in MiB: the most, while it is watched."""

    def __init__(self, running: Service) -> None:
        self._running = running
        self._done = threading.Event()
        self.most = 0.0

    @property
    def now(self) -> float:
        """What it takes now."""
        return float(self._running.process.memory_info().rss) / 2**20

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look fifty times a second, until the end of the block."""
        self.most = self.now
        self._done.clear()
        watching = threading.Thread(target=self._watch)
        watching.start()
        try:
            yield
        finally:
            self._done.set()
            watching.join()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.most = max(self.most, self.now)


def fetch(address: str, path: str) -> tuple[int, int]:
    """Take an answer slowly; return its status and size."""
    with httpx.stream("GET", address + path, timeout=600) as answer:
        chunks = answer.iter_raw()
        size = len(next(chunks, b""))
        time.sleep(_PAUSE_SECONDS)
        size += sum(map(len, chunks))
    expected = answer.headers.get("content-length")
    if expected is not None and int(expected) != size:
        raise RuntimeError(f"{path}: expected {expected} bytes, got {size}")
    return answer.status_code, size


def attack(running: Service, memory: Memory, what: str, path: str, clients: int) -> bool:
    """Let so many clients ask at the same time; print what came, and return whether all of it is as promised."""
    before = memory.now
    with memory.watched(), ThreadPoolExecutor(clients) as threads:
        answers = list(threads.map(lambda _: fetch(running.address, path), range(clients)))
    time.sleep(_PAUSE_SECONDS)
    statuses = Counter(status for status, _ in answers)
    largest = max(size for _, size in answers) / 2**20
    said = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
    print(
        f"{clients} × {what}: {said}, {largest:.1f} MiB each; memory {before:.0f} before, {memory.most:.0f} at most, "
        f"{memory.now:.0f} MiB after",
        flush=True,
    )
    return statuses.keys() <= {200, _BUSY} and statuses[200] > 0


def main() -> int:
    """Run the attacks, print the figures."""
    with tempfile.TemporaryDirectory() as name, service(Path(name)) as running:
        memory = Memory(running)
        many, wide = running.submit(**MANY), running.submit(**WIDE)
        attacks = [
            ("sheets of 1,024 faces of 176 pixels, lanczos", "/samples?count=1024&size=176&resample=lanczos", 50),
            ("answers of 100,000 samples as JSON", f"/jobs/{wide['id']}/samples?count=100000", 10),
            ("histories of a million steps as CSV", f"/jobs/{many['id']}/history?format=csv", 10),
            ("archives of networks", f"/jobs/{wide['id']}/weights", 10),
        ]
        for job in (wide, many):
            running.wait(job, "succeeded", patience=3_600)
        fine = [attack(running, memory, *one) for one in attacks]
        running.stop()
    return int(not all(fine))


if __name__ == "__main__":
    sys.exit(main())
