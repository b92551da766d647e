"""What the long commands show, and how they end."""

import io
import os
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from app.cli.terminal import load_faces, progress_bar, until_interrupted

LOSSES = "discr_loss -123.456 gen_loss +123.456 gp +12.345"


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_bar_of_a_long_training_is_legible(width: int) -> None:
    screen = io.StringIO()
    with progress_bar(Console(file=screen, width=width, force_terminal=True), 1_000_000, "training") as show:
        show(123_456, "training", LOSSES)
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", screen.getvalue())]

    *_, bar = [line for line in lines if line.startswith("training")]
    assert re.fullmatch(r"training [━╸╺ ]{5,} 123456/1000000 0:00:0\d left: [-0-9:]+", bar.rstrip())
    assert LOSSES in [line.rstrip() for line in lines]
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_stops_politely_and_is_remembered(number: int) -> None:
    usual = signal.getsignal(number)
    with until_interrupted() as should_stop:
        assert not should_stop()
        os.kill(os.getpid(), number)
        assert should_stop()
        assert should_stop.signal == number
        assert signal.getsignal(number) is usual, "a second one should interrupt as usual"
    assert signal.getsignal(number) is usual


def test_what_was_read_and_left_out_is_told(tmp_path: Path) -> None:
    screen = io.StringIO()
    console = Console(file=screen, width=40)
    for i in range(1_200):
        (tmp_path / f"{i:04}[bold].txt").touch()
    with pytest.raises(ValueError, match="found none"):
        load_faces(console, tmp_path, strict=False)
    Image.new("L", (20, 20)).save(tmp_path / "face.png")
    assert len(load_faces(console, tmp_path, strict=False)) == 1
    np.save(tmp_path / "faces.npy", np.zeros((1_500, 16, 16), np.uint8))
    load_faces(console, tmp_path / "faces.npy", strict=False)

    none = "  1,200 empty: 0000[bold].txt, 0001[bold].txt, 0002[bold].txt, …"
    assert screen.getvalue().splitlines() == [
        f"{tmp_path}: faces taken: 0; files left out: 1,200",
        none,
        f"{tmp_path}: faces taken: 1; files left out: 1,200",
        none,
        f"{tmp_path / 'faces.npy'}: faces taken: 1,500",
    ]
