"""What several test folders share."""

import os
from pathlib import Path

import pytest

import app  # noqa: F401 (before NumPy, which it tells how many threads to use)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with the exercise's faces and weights, which are not part of the repository."""
    folder = ROOT.parent / "shared"
    if not (folder / "reference" / "generator.h5").exists():
        pytest.skip("the exercise's faces and weights are not here (expected in ../shared)")
    return folder
