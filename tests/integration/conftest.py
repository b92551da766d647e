"""An application on weights of its own: quick to make, and unlike the shipped ones never retrained."""

import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.config import Settings
from app.main import create_app
from models import convolutional_GenDiscr
from models.files.normalization import SYMMETRIC
from models.files.saving import save_weights
from tests.conftest import PATIENCE


def write_weights(folder: Path, seed: int = 0, **metadata: object) -> Path:
    """Write an untrained generator whose faces differ from each other, and return the folder."""
    keras.utils.set_random_seed(seed)
    generator, _ = convolutional_GenDiscr()
    generator.layers[-2].gamma.assign(np.array([40.0], np.float32))
    save_weights(generator, folder / "generator.h5", {"pixel_transform": SYMMETRIC.to_dict(), **metadata})
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights"), training={"steps": 0})


@pytest.fixture(scope="session")
def app(weights: Path) -> FastAPI:
    return create_app(Settings(weights=weights))


@pytest.fixture(scope="session")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, client=("127.0.0.1", 50_000), raise_server_exceptions=False) as client:
        deadline = time.monotonic() + PATIENCE
        while client.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "the generator did not warm up"
            time.sleep(0.02)
        yield client
