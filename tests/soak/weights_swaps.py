"""``python -m tests.soak.weights_swaps``: the real service gets new weights again and again under load.

Each answer must be whole and of exactly one of the two generators; its ETag must belong to that one.
"""

import argparse
import http.client
import itertools
import os
import shutil
import signal
import statistics
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from app import ROOT
from app.faces import imaging
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from app.web.reloading import read_report
from tests.integration.cli.test_start import running
from tests.integration.conftest import write_weights

_CLIENTS = 4
#: Seeds that are asked for again and again: their answers are remembered.
_SEEDS = 50


class _Answer(NamedTuple):
    status: int
    seed: int
    etag: str | None
    png: bytes
    seconds: float


def _ask(address: str, stop: threading.Event) -> list[_Answer]:
    """Ask for new faces and for those of seeds in turn, over one connection, until the end."""
    answers: list[_Answer] = []
    connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
    for number in itertools.count():
        if stop.is_set():
            return answers
        began = time.perf_counter()
        connection.request("GET", "/sample" if number % 2 else f"/sample?seed={number // 2 % _SEEDS}")
        got = connection.getresponse()
        png, seed = got.read(), int(got.headers["X-Seed"])
        answers.append(_Answer(got.status, seed, got.headers["ETag"], png, time.perf_counter() - began))
    raise AssertionError("never")


def _swap(process: int, new: Path, live: Path, data: Path, sha256: str) -> float:
    """Put weights in place and wait until they are served; return after how many seconds they were."""
    os.replace(shutil.copy(new, live / "next"), live / "generator.h5")
    asked = time.monotonic()
    os.kill(process, signal.SIGHUP)
    while (report := read_report(data, process)) is None or report.began < asked:
        time.sleep(0.02)
    assert (report.error, report.sha256) == ("", sha256), report
    return time.monotonic() - asked


def _check(answers: Sequence[_Answer], generators: Sequence[FaceGenerator]) -> None:
    assert {answer.status for answer in answers} == {200}
    seeds = list({answer.seed for answer in answers})
    pictures: list[dict[int, bytes]] = [{}, {}]
    for generator, drawn in zip(generators, pictures, strict=True):
        for i in range(0, len(seeds), 128):
            part = seeds[i : i + 128]
            drawn.update(zip(part, imaging.pngs(generator(latents_of_seeds(part))), strict=True))
    owners = defaultdict(set)
    for answer in answers:
        of = [number for number, drawn in enumerate(pictures) if drawn[answer.seed] == answer.png]
        assert len(of) == 1, answer
        if answer.etag is not None:
            owners[answer.etag].update(of)
    assert len(owners) == 2 * _SEEDS
    assert all(len(of) == 1 for of in owners.values())


def main() -> None:
    parser = argparse.ArgumentParser(description="Change the weights of a service under load.")
    parser.add_argument("count", type=int, nargs="?", default=20, help="changes (20)")
    count = parser.parse_args().count
    stop, seconds = threading.Event(), []
    with tempfile.TemporaryDirectory(prefix="nobody-soak-") as name:
        folder = Path(name)
        live = folder / "live"
        live.mkdir()
        files = [ROOT / "weights" / "generator.h5", write_weights(folder) / "generator.h5"]
        generators = [FaceGenerator(file) for file in files]
        shutil.copy(files[0], live / "generator.h5")
        settings = {"weights": live, "database_url": "postgresql://127.0.0.1:1/none"}  # no worker beside it
        with running(folder / "log", **settings) as (process, address), ThreadPoolExecutor(_CLIENTS) as threads:
            clients = [threads.submit(_ask, address, stop) for _ in range(_CLIENTS)]
            try:
                for change in range(1, count + 1):
                    new = change % 2
                    took = _swap(process.pid, files[new], live, folder / "data", generators[new].sha256)
                    seconds.append(took)
            finally:
                stop.set()
            answers = [answer for client in clients for answer in client.result()]
    _check(answers, generators)
    waits = sorted(answer.seconds for answer in answers)
    print(f"{count} changes of weights, {len(answers):,} answers: none lost, each of one generator")
    print(f"a change took {statistics.median(seconds):.2f} s, at most {max(seconds):.2f} s")
    most = waits[len(waits) * 99 // 100]
    print(f"half of the answers took {1e3 * statistics.median(waits):.1f} ms at most, 99 % {1e3 * most:.1f} ms")


if __name__ == "__main__":
    main()
