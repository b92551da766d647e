"""A process that trains for one peer: ``python -m tests.benchmarks.peers.runner MODULE CHECKOUT``.

It reads one request a line as JSON, and answers each with one line::

    {"variant": "JAX", "mode": "", "case": {...}}   build and compile it: prepare(case, mode) of the module   ->  {}
    {"variant": "JAX"}                              train the steps of the case                               ->  {}
    anything that raises                                                                            ->  {"error": "..."}

``models`` comes from the folder CHECKOUT.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt

#: Trains the steps of its case.
Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """A GAN to train. Without widths it is the exercise's convolutional pair, with 16 latents."""

    kind: str
    #: Of the generator from latent to output, and of the critic from input to score.
    widths: list[int]
    critic_widths: list[int]
    #: Of the real examples, float32 in [0, 1): their number first.
    shape: list[int]
    #: Of a run. They must divide the number of real examples: Keras's ``fit``, handed the examples as the exercise
    #: does, runs out of data otherwise, and ends its epoch early.
    steps: int
    batch: int = 200
    disc_iter: int = 2

    def data(self) -> npt.NDArray[np.float32]:
        """Return the real examples, the same ones in every process."""
        return np.random.default_rng(0).random(self.shape, dtype=np.float32)


def fit(gan: Any, data: npt.NDArray[np.float32], steps: int) -> Run:
    """Return what calls Keras's ``fit`` as the exercise's scripts do, with a progress bar."""
    gan.compile()

    def run() -> None:
        before = int(gan.generator.optimizer.iterations)
        gan.fit(data, epochs=1, steps_per_epoch=steps, verbose=1)
        done = int(gan.generator.optimizer.iterations) - before
        if done != steps:
            raise RuntimeError(f"expected fit to run {steps} steps on {len(data):,} examples, got {done}")

    run()
    return run


def main(module: str, checkout: str) -> None:
    """Answer requests until the input ends."""
    sys.path.insert(0, checkout)
    import_module("models")  # its submodules come from the same folder
    del sys.path[0]
    # Whatever the libraries print goes nowhere: standard output is for answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    runs: dict[str, Run] = {}
    for line in sys.stdin:
        request, answer = json.loads(line), {}
        try:
            if "case" in request:
                peer = import_module(f"tests.benchmarks.peers.{module}")
                runs[request["variant"]] = peer.prepare(Case(**request["case"]), request["mode"])
            else:
                runs[request["variant"]]()
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
