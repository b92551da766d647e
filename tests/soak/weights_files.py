"""Mutated weights files: each is served as it is, or refused in words, within limits of time and memory.

``python -m tests.soak.weights_files 10000`` tries the first 10,000 mutants of ``tests.soak.mutants``. It ends with 1 if
anything else happens, and names the numbers of the mutants; ``--only NUMBER`` tries one of them again.

Starting a process costs more than all else. So most files are read in a copy of this process, which has the limits of
the service's reader, and every fiftieth as the service does.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

import app  # noqa: F401 (before NumPy, which it tells how many threads to use)

# isort: split
import numpy as np

from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models.files import reader
from models.files.reading import ask_reader
from models.files.weight_files import WeightsError
from tests.soak.mutants import Mutant, mutant, whole_files

#: What a reader may take, in seconds of processor time, which no other program prolongs, and in MiB of memory.
MOST_SECONDS = 5.0
MOST_MEMORY = 1_024

SERVED, REFUSED, WRONG = "served", "refused in words", "anything else"


class Trial(NamedTuple):
    """What came of a mutant, after how many seconds, and what its reader took: processor time and MiB."""

    outcome: str
    words: str
    seconds: float
    processor: float
    memory: int


class _Reader:
    """Reads a file like ``models.files.reading.ask_reader``, and remembers the numbers and what reading took."""

    def __init__(self, *, in_a_copy: bool) -> None:
        self._in_a_copy = in_a_copy
        self.numbers = b""
        self.processor = 0.0
        self.memory = 0

    def __call__(self, path: str, layout: str) -> subprocess.CompletedProcess[bytes]:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        done = _in_a_copy(path, layout) if self._in_a_copy else ask_reader(path, layout)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.memory = after.ru_maxrss // 1024  # the most of all so far
        self.numbers = done.stdout.partition(b"\n")[2]
        return done


def _in_a_copy(path: str, layout: str) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        process = os.fork()
        if not process:
            try:
                with os.fdopen(os.dup(output.fileno()), "wb") as answer:
                    reader.answer(path, layout, answer)
                os._exit(0)
            except BaseException:
                os.write(errors.fileno(), traceback.format_exc().encode())
                os._exit(1)
        _, status = os.waitpid(process, 0)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess([], os.waitstatus_to_exitcode(status), output.read(), errors.read())


def attempt(path: Path, one: Mutant, *, in_a_copy: bool = True) -> Trial:
    """Start to serve a mutant, and look at what comes out."""
    path.write_bytes(one.content)
    read = _Reader(in_a_copy=in_a_copy)
    start = time.monotonic()
    with patch("models.files.weights.ask_reader", read):
        try:
            generator = FaceGenerator(path)
        except WeightsError as error:
            outcome, words = REFUSED, str(error)
            if not (words.startswith(f"{path}: ") and words.isprintable()):
                outcome, words = WRONG, f"not one line about the file: {words!r}"
        except Exception:
            outcome, words = WRONG, traceback.format_exc()
        else:
            words = _fault(generator, one.numbers, read.numbers)
            outcome = WRONG if words else SERVED
    if read.processor > MOST_SECONDS or read.memory > MOST_MEMORY:
        outcome = WRONG
    return Trial(outcome, words, time.monotonic() - start, read.processor, read.memory)


def _fault(generator: FaceGenerator, expected: bytes | None, numbers: bytes) -> str:
    """Return what is wrong with a generator that is served, or nothing."""
    if expected is not None and numbers != expected:
        return "read other numbers than the file holds"
    faces = generator(latents_of_seeds(range(100, 140)))
    if (faces == faces[0]).all():
        return "drew the same face for every seed"
    alone = [generator(latents_of_seeds([seed])) for seed in (100, 139)]
    if not np.array_equal(np.concatenate(alone), faces[[0, 39]]):
        return "drew another face for the same seed"
    json.dumps([generator.training, generator.quality, generator.transform.to_dict()], allow_nan=False)
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description="Try to serve mutated weights files.")
    parser.add_argument("count", type=int, nargs="?", default=10_000, help="mutants to try (10,000)")
    parser.add_argument("--only", type=int, help="try this one, and say what came of it")
    arguments = parser.parse_args()
    numbers = range(arguments.count) if arguments.only is None else [arguments.only]
    logging.disable()
    wholes = whole_files()
    trials: list[tuple[str, Trial]] = []
    with tempfile.TemporaryDirectory(prefix="nobody-soak-") as folder:
        for number in numbers:
            one = mutant(wholes, number)
            trial = attempt(Path(folder) / "generator.h5", one, in_a_copy=number % 50 > 0)
            trials.append((one.kind, trial))
            if trial.outcome == WRONG or arguments.only is not None:
                took = f"{trial.seconds:.2f} s, {trial.processor:.2f} s of processor time, {trial.memory} MiB"
                print(f"{number} ({one.kind}): {trial.outcome}, {took}; {trial.words}")
    _report(trials)
    sys.exit(any(trial.outcome == WRONG for _, trial in trials))


def _report(trials: list[tuple[str, Trial]]) -> None:
    outcomes = (SERVED, REFUSED, WRONG)
    counts = Counter((kind, trial.outcome) for kind, trial in trials) + Counter(
        ("all", trial.outcome) for _, trial in trials
    )
    print(f"{'mutated weights files':<34}" + "".join(f"{outcome:>18}" for outcome in outcomes))
    for kind in [*sorted({kind for kind, _ in trials}), "all"]:
        print(f"{kind:<34}" + "".join(f"{counts[kind, outcome]:>18}" for outcome in outcomes))
    seconds, processor, memory = (max(figures) for figures in zip(*(trial[2:] for _, trial in trials), strict=True))
    print(f"at most {seconds:.2f} s; a reader {processor:.2f} s of processor time, {memory} MiB")


if __name__ == "__main__":
    main()
