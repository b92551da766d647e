"""Films of a job: what their frames show, and how the files play."""

import io
import sys
import threading
import time
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageSequence

from app.jobs.errors import JobsUnavailableError
from app.jobs.service import pictures
from app.jobs.service.pictures import FilmFormat
from app.jobs.service.plots import film as films
from app.jobs.service.plots.figure import JobFigure, as_png
from app.jobs.service.plots.film import Painter, film
from app.jobs.service.plots.style import VERMILLION

RNG = np.random.default_rng(0)
NAMES = ("discr_loss", "gen_loss", "gp")
LOSSES = RNG.standard_normal((30, 3), np.float32)
SIZE = 300


def _real(dimensions: int) -> dict[str, Any]:
    real: dict[str, Any] = {"real": RNG.random((40, min(dimensions, 5))).tolist(), "dimensions": dimensions}
    real |= {"box": [[0, 1]] * min(dimensions, 2), "modes": None}
    if dimensions == 2:
        real |= {"modes": [[0.3, 0.3], [0.7, 0.7]], "mode_radius": 0.1}
    return real


def _snapshots(dimensions: int, count: int) -> list[dict[str, Any]]:
    return [
        {
            "generated": RNG.normal(0.5, 0.1 + place, (40, min(dimensions, 5))).tolist(),
            "scores": None if dimensions == 1 else RNG.uniform(-place, 1, (40, 40)).tolist(),
            "figures": {"high_quality": place / 10},
            "covered": [True, place > 0] if dimensions == 2 else None,
        }
        for place in range(count)
    ]


def _job(real: dict[str, Any], snapshots: list[Any], size: int = SIZE) -> JobFigure:
    ends = [10 * place for place in range(len(snapshots))]
    titles = [f"step {end}" for end in ends]
    return JobFigure(real, snapshots, LOSSES[: ends[-1]], NAMES, first_step=0, ends=ends, titles=titles, size=size)


def _frames(content: bytes) -> list[npt.NDArray[np.int16]]:
    with Image.open(io.BytesIO(content)) as file:
        return [np.asarray(frame.convert("RGB")).astype(np.int16) for frame in ImageSequence.Iterator(file)]


def _painted(job: JobFigure) -> list[npt.NDArray[np.int16]]:
    """Return the frames as they are before a file has fewer colours."""
    painter = Painter(job)
    return [np.asarray(painter.frame(place)).astype(np.int16) for place in range(job.count)]


@pytest.mark.parametrize("dimensions", [1, 2, 3, 5, 49])
def test_each_frame_is_the_picture_of_its_snapshot(dimensions: int) -> None:
    real, snapshots = _real(dimensions), _snapshots(dimensions, 3)
    frames = _painted(_job(real, snapshots))
    for place, frame in enumerate(frames):
        # With the axes of all three, but nothing left of the others.
        still = _job(real, snapshots)
        still.show(place)
        buffer = io.BytesIO()
        still.figure.savefig(buffer, format="png")
        _check_same(frame, _frames(buffer.getvalue())[0])
    if dimensions == 2:  # the others' limits depend on the generated points
        given = {"first_step": 0, "ends": [20], "titles": ["step 20"], "size": SIZE}
        last = as_png(JobFigure(real, snapshots[2:], LOSSES[:20], NAMES, **given))  # type: ignore[arg-type]
        _check_same(frames[2], _frames(last)[0])


def _check_same(frame: npt.NDArray[np.int16], picture: npt.NDArray[np.int16]) -> None:
    """Compare all pixels, but for the inner ends of ticks, over which a frame's scores are drawn."""
    errors = np.abs(frame - picture)
    assert errors.max() < 40
    assert (errors > 0).mean() < 2e-4


def test_words_points_scores_and_losses_change_and_nothing_else() -> None:
    first, _, last = _painted(_job(_real(2), _snapshots(2, 3)))
    changed = (first != last).any(axis=-1)
    scale = SIZE / 450  # of the figure, whose plots are 336 large
    for top, bottom, left, right in (
        (10, 62, 10, 440),  # the head
        (95, 434, 55, 394),  # the plane
        (85, 445, 394, 450),  # the bar of the scores
        (62 + 412 + 33, 62 + 412 + 372, 55, 394),  # the losses
    ):
        part = changed[int(top * scale) : int(bottom * scale), int(left * scale) : int(right * scale)]
        assert part.any()
        part[:] = False
    assert not changed.any()


def test_losses_grow_with_the_step() -> None:
    frames = _painted(_job(_real(2), _snapshots(2, 4)))
    scale = SIZE / 450
    top, left = (62 + 412 + 34) * scale, 56 * scale
    plots = [frame[int(top) : int(top + 336 * scale), int(left) : int(left + 336 * scale)] for frame in frames]
    colour = np.array([0xD5, 0x5E, 0x00])
    reach = [
        int(np.nonzero(np.abs(plot - colour).sum(axis=-1) < 60)[1].max(initial=0)) / (336 * scale) for plot in plots
    ]
    assert VERMILLION == "#d55e00"
    np.testing.assert_allclose(reach, [0, 1 / 3, 2 / 3, 1], atol=0.02)


@pytest.mark.parametrize("form", ["gif", "webp", "apng"])
def test_it_plays_for_ever_and_holds_its_last_frame(form: FilmFormat) -> None:
    job = _job(_real(2), _snapshots(2, 4))
    content = film(job, form, 25)
    with Image.open(io.BytesIO(content)) as file:
        durations = []
        for frame in ImageSequence.Iterator(file):
            frame.load()
            durations.append(frame.info["duration"])
        assert durations == [40, 40, 40, 2_000]
        assert file.info["loop"] == 0
        assert file.width == SIZE
    errors = np.abs(np.array(_frames(content)) - np.array(_painted(job)))
    assert errors.mean() < 3
    assert errors[:, 2, 2].max() == 0  # the ground is white


def test_all_frames_of_a_gif_have_one_palette() -> None:
    gif = film(_job(_real(2), _snapshots(2, 4)), "gif", 10)
    heads = [at for at in range(len(gif)) if gif[at : at + 3] == b"\x21\xf9\x04"]  # of each frame
    assert len(heads) == 4
    for at in heads:
        picture = at + 8  # behind the head: the place, the size and the flags of a picture
        assert gif[picture] == 0x2C
        assert not gif[picture + 9] & 0x80  # no palette of its own


def test_of_large_pictures_there_are_fewer_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    snapshots = _snapshots(2, 6)
    monkeypatch.setattr(films, "_MAX_PIXELS", 3 * SIZE * 591)
    frames = _frames(film(_job(_real(2), snapshots), "webp", 10))
    every = _painted(_job(_real(2), snapshots))
    assert len(frames) == 3
    for frame, place in zip(frames, (0, 2, 5), strict=True):
        assert np.argmin([np.abs(frame - other).mean() for other in every]) == place


def test_a_single_snapshot_is_a_still() -> None:
    for form, kind in (("gif", "GIF"), ("webp", "WEBP"), ("apng", "PNG")):
        content = film(_job(_real(2), _snapshots(2, 1)), form, 12)  # type: ignore[arg-type]
        with Image.open(io.BytesIO(content)) as file:
            assert file.format == kind
            assert len(_frames(content)) == 1


def test_a_network_that_diverges_is_shown_until_its_end() -> None:
    sound, *_ = _snapshots(2, 1)
    broken = sound | {"generated": [[None, None]] * 40, "scores": [[None] * 40] * 40, "figures": None}
    first, last = _frames(film(_job(_real(2), [sound, broken]), "apng", 12))
    planes = [frame[66:285, 40:260] for frame in (first, last)]
    dots = [(np.abs(plane - [0xD5, 0x5E, 0x00]).sum(axis=-1) < 100).sum() for plane in planes]
    assert dots[0] > 20
    assert dots[1] == 0


def test_a_film_that_nobody_waits_for_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "command", lambda _: [sys.executable, "-c", "input()\nimport time; time.sleep(600)"])
    gone = threading.Event()
    threading.Timer(0.1, gone.set).start()
    began = time.monotonic()
    with pytest.raises(JobsUnavailableError):
        pictures.film([{}], LOSSES, "gif", 12, gone, names=NAMES)
    assert time.monotonic() - began < 300
