"""What ``from models import …`` gives."""

import subprocess
import sys

import pytest

import models
from tests.conftest import PATIENCE, ROOT


def test_every_public_name_is_there() -> None:
    for name in models.__all__:
        assert getattr(models, name).__name__ == name


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="module 'models' has no attribute 'WGAN'"):
        _ = models.WGAN


def test_reading_weights_loads_no_tensorflow() -> None:
    code = (
        "import sys; from models.files.layouts import FACE_GENERATOR; from models.files.weights import read_weights;"
        "read_weights('weights/generator.h5', FACE_GENERATOR); sys.exit('tensorflow' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=PATIENCE, check=True)
