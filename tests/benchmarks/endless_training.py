"""A training run at full speed that never ends, below the priority of the service as every job is."""

import os

import numpy as np

from models import WGAN_GP, fully_connected_GenDiscr, train


def main() -> None:
    os.nice(10)
    points = np.random.default_rng(0).uniform(size=(10_000, 49)).astype(np.float32)
    gan = WGAN_GP(*fully_connected_GenDiscr([49, 98, 98, 49]), points)
    while True:
        train(gan, 500)
        print("trained", flush=True)


if __name__ == "__main__":
    main()
