import io
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.text import Text
from PIL import Image

from app.jobs.errors import JobsUnavailableError
from app.jobs.service import pictures
from app.jobs.service.plots.figure import JobFigure, as_png
from app.jobs.service.plots.style import BLUE, VERMILLION

RNG = np.random.default_rng(0)
NAMES = ("discr_loss", "gen_loss", "gp")


def _data(dimensions: int, **changes: Any) -> dict[str, Any]:
    shown = min(dimensions, 5)
    box = [[0, 1]] * min(dimensions, 2)
    real = {"real": RNG.random((400, shown)).tolist(), "dimensions": dimensions, "box": box, "modes": None}
    return real | changes


def _snapshot(dimensions: int, **changes: Any) -> dict[str, Any]:
    scores = None if dimensions == 1 else RNG.uniform(-1, 1, (40, 40)).tolist()
    figures = {"modes_covered": 3, "high_quality": 0.98, "reverse_kl": None}
    return {"generated": RNG.random((400, min(dimensions, 5))).tolist(), "scores": scores, "figures": figures} | changes


def _losses(steps: int, names: int = 3) -> npt.NDArray[np.float32]:
    return RNG.standard_normal((steps, names), np.float32)


def draw(
    real: Any,
    snapshot: Any,
    losses: npt.NDArray[np.float32],
    names: Any,
    *,
    first_step: int,
    title: str,
    size: int = 900,
) -> JobFigure:
    """Return the figure of a job that shows its only snapshot."""
    ends, titles = [len(losses)], [title]
    job = JobFigure(real, [snapshot], losses, names, first_step=first_step, ends=ends, titles=titles, size=size)
    job.show(0)
    return job


def picture(*args: Any, **keywords: Any) -> Image.Image:
    """Return a picture without the detour over PNG."""
    canvas = FigureCanvasAgg(draw(*args, **keywords).figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")  # type: ignore[no-untyped-call]


def _words(*args: Any, **keywords: Any) -> set[str]:
    """Return all that stands in a picture."""
    job = draw(*args, **keywords)
    as_png(job)  # writes the numbers of the axes
    return {text.get_text() for text in job.figure.findobj(lambda artist: isinstance(artist, Text))}  # type: ignore[attr-defined]


def _draw(dimensions: int = 2, losses: npt.NDArray[np.float32] | None = None, size: int = 900) -> Image.Image:
    losses = _losses(100) if losses is None else losses
    real, snapshot = _data(dimensions), _snapshot(dimensions)
    return picture(real, snapshot, losses, NAMES, first_step=0, title="wgan_gp, step 100", size=size)


@pytest.mark.parametrize(
    ("dimensions", "size"),
    [
        *((dimensions, size) for dimensions in (1, 2, 3, 4, 5, 49) for size in (599, 901)),  # in one column, in two
        *((2, 300), (5, 600), (49, 2_000)),
    ],
)
def test_every_dimension_at_every_size(dimensions: int, size: int) -> None:
    image = _draw(dimensions, size=size)

    assert image.width == size
    assert len(image.getcolors(2**24) or []) > 100


@pytest.mark.parametrize(("dimensions", "plots"), [(1, 2), (2, 2), (3, 3), (5, 4), (49, 3)])
def test_plots_stand_in_two_columns_or_in_one(dimensions: int, plots: int) -> None:
    head, cell = 62, 412
    for size, rows in ((900, (plots + 1) // 2), (450, plots)):
        job = draw(_data(dimensions), _snapshot(dimensions), _losses(100), NAMES, first_step=0, title="", size=size)
        width, height = job.figure.canvas.get_width_height()
        assert width == size
        assert abs(height - (head + rows * cell)) <= 1


def test_the_same_job_gives_the_same_picture() -> None:
    real, snapshot, losses = _data(2), _snapshot(2), _losses(50)
    first, second = (as_png(draw(real, snapshot, losses, NAMES, first_step=0, title="a")) for _ in range(2))
    assert first == second
    pixels = picture(real, snapshot, losses, NAMES, first_step=0, title="a").tobytes()
    assert Image.open(io.BytesIO(first)).convert("RGB").tobytes() == pixels


def test_points_stand_where_they_are() -> None:
    real = _data(2, real=[[0.25, 0.75]])
    snapshot = _snapshot(2, generated=[[0.75, 0.25]], scores=None, figures={})
    pixels = np.asarray(picture(real, snapshot, _losses(0), NAMES, first_step=0, title="")).astype(int)

    plot = pixels[62 + 34 : 62 + 34 + 336, 56 : 56 + 336]
    for colour, place in ((BLUE, (84, 84)), (VERMILLION, (252, 252))):
        where = np.argwhere(np.abs(plot - np.multiply(255, to_rgb(colour))).sum(axis=-1) < 120).mean(axis=0)
        np.testing.assert_allclose(where, place, atol=1)


def test_the_heatmap_is_blue_where_scores_are_high_and_stands_upright() -> None:
    scores = np.tile(np.linspace(-1, 1, 40)[:, np.newaxis], 40).tolist()  # from the bottom up
    snapshot = _snapshot(2, generated=[[5, 5]], scores=scores)
    pixels = np.asarray(picture(_data(2, real=[[5, 5]]), snapshot, _losses(0), NAMES, first_step=0, title=""))

    top, bottom = (pixels[y, 224].astype(int) for y in (62 + 34 + 5, 62 + 34 + 331))
    assert top[2] > top[0]
    assert bottom[0] > bottom[2]


@pytest.mark.parametrize(("centre", "radius"), [((0.5, 0.5), 0.3), ((0.25, 0.7), 0.15), ((0.6, 0.4), 0.012)])
@pytest.mark.parametrize("box", [[[0, 1], [0, 1]], [[-1, 3], [0, 2]]])
def test_circles_of_modes_are_as_large_as_the_figure_means(
    centre: tuple[float, float], radius: float, box: list[list[float]]
) -> None:
    real = _data(2, real=[[9, 9]], modes=[centre], mode_radius=radius, box=box)
    snapshot = _snapshot(2, generated=[[9, 9]], scores=None, figures={}, covered=[True])
    size = 1_800  # two pixels a unit
    pixels = np.asarray(picture(real, snapshot, _losses(0), NAMES, first_step=0, title="", size=size)).astype(int)
    plot = pixels[2 * 96 + 3 : 2 * 432 - 3, 2 * 56 + 3 : 2 * 392 - 3]
    rows, columns = np.nonzero(plot.sum(axis=-1) < 250)
    for places, (low, high), middle in zip((columns + 3, 2 * 336 - rows - 3), box, centre, strict=True):
        scale = (high - low) / (2 * 336)
        reach = np.array([places.min(), places.max()]) * scale + low
        np.testing.assert_allclose(reach, [middle - radius, middle + radius], atol=2.5 * scale)


def test_the_circle_of_a_mode_that_is_not_covered_is_interrupted() -> None:
    real = _data(2, real=[[9, 9]], modes=[[0.5, 0.5]], mode_radius=0.3)
    ink = {}
    for covered in (True, False):
        snapshot = _snapshot(2, generated=[[9, 9]], scores=None, figures={}, covered=[covered])
        pixels = np.asarray(picture(real, snapshot, _losses(0), NAMES, first_step=0, title="")).astype(int)
        ink[covered] = (pixels[96 + 4 : 432 - 4, 56 + 4 : 392 - 4].sum(axis=-1) < 250).sum()
    assert 0.3 < ink[False] / ink[True] < 0.7


def test_modes_in_a_picture_of_an_earlier_version_have_no_circles() -> None:
    real = _data(2, modes=[[0.5, 0.5]])
    assert picture(real, _snapshot(2), _losses(3), NAMES, first_step=0, title="").width == 900


def test_five_dimensions_show_the_colours_that_the_points_have() -> None:
    green, red = [0.5, 0.5, 0.0, 1.0, 0.0], [0.5, 0.5, 1.0, 0.0, 0.0]
    image = picture(
        _data(5, real=[green]), _snapshot(5, generated=[red]), _losses(9), NAMES, first_step=0, title="", size=900
    )
    assert image.getpixel((56 + 168, 62 + 34 + 168)) == (0, 255, 0)
    assert image.getpixel((450 + 56 + 168, 62 + 34 + 168)) == (255, 0, 0)


def test_five_dimensions_that_are_no_colours_are_shown_as_places() -> None:
    data = _data(5, real=(3 * RNG.random((40, 5))).tolist())
    image = picture(data, _snapshot(5), _losses(9), NAMES, first_step=0, title="", size=900)
    assert image.height == 62 + 2 * 412
    assert image.size == _draw(49).size


@pytest.mark.parametrize(("dimensions", "names"), [(1, NAMES), (2, NAMES[:2]), (3, NAMES), (5, NAMES[:2])])
def test_a_job_without_steps(dimensions: int, names: tuple[str, ...]) -> None:
    losses = _losses(0, len(names))
    empty = picture(_data(dimensions), None, losses, names, first_step=0, title="simple_gan, step 0")
    started = picture(_data(dimensions), _snapshot(dimensions), losses, names, first_step=700, title="a fork")
    assert empty.size == started.size


def test_it_says_that_there_are_no_steps_yet() -> None:
    words = _words(_data(2), None, _losses(0), NAMES, first_step=0, title="a title")
    assert {"a title", "no steps yet", "real", "generated", *NAMES} <= words

    words = _words(_data(2), _snapshot(2), _losses(2_000), NAMES, first_step=500, title="")
    assert "no steps yet" not in words
    assert {"500", "1,000", "1,500", "2,000", "2,500"} <= words
    assert "modes covered 3   ·   high quality 0.98   ·   reverse KL -" in words

    figures = {"modes_fairly_covered": 1, "modes_covered": 7, "high_quality": 0.004}
    words = _words(_data(2), _snapshot(2, figures=figures), _losses(9), NAMES, first_step=0, title="")
    assert "modes covered 1   ·   high quality 0.004" in words


def test_a_spike_does_not_flatten_the_rest_and_is_not_hidden() -> None:
    losses = _losses(100_000)
    assert "spikes cut off" not in _words(_data(2), _snapshot(2), losses, NAMES, first_step=0, title="")

    losses[12_345, 2] = 1e6
    figure = draw(_data(2), _snapshot(2), losses, NAMES, first_step=0, title="").figure
    assert figure.axes[1].get_title(loc="right") == "spikes cut off"
    assert figure.axes[1].get_ylim()[1] < 10


@pytest.mark.parametrize("steps", [1, 224, 225, 50_001])
@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, 3e38, -3e38, 1e-38, 7.0])
def test_losses_of_every_kind(steps: int, value: float) -> None:
    for losses in (np.full((steps, 3), value, np.float32), _losses(steps)):
        losses[-1:, 1] = value
        picture(_data(1), None, losses, NAMES, first_step=0, title="", size=300)


def test_a_lone_number_among_missing_ones_is_a_dot() -> None:
    losses = np.full((9, 3), np.nan, np.float32)
    losses[4] = 1
    _draw(losses=losses, size=300)


@given(st.integers(1, 5), st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32))
@settings(max_examples=30, deadline=None)
def test_data_of_every_kind(dimensions: int, a: float, b: float) -> None:
    box = [[min(0.0, a, b), max(1.0, a, b)]] * min(dimensions, 2)
    real = _data(dimensions, real=[[a] * dimensions, [b] * dimensions], box=box)
    snapshot = _snapshot(dimensions, generated=[[0.5] * dimensions])
    picture(real, snapshot, _losses(3), NAMES, first_step=0, title="é – × −", size=300)


def test_a_discriminator_that_says_the_same_everywhere() -> None:
    for score in (-1.0, 0.0, 0.3):
        snapshot = _snapshot(2, scores=[[score] * 40] * 40)
        picture(_data(2), snapshot, _losses(3), NAMES, first_step=0, title="", size=300)


def _calls(action: Callable[[], object]) -> int:
    """Count the functions that are called: like time, but the same on every machine."""
    calls = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        action()
    finally:
        sys.setprofile(None)
    return calls


def test_a_million_steps_are_drawn_as_fast_as_ten_thousand() -> None:
    _draw()  # loads the font
    few, many = (_calls(partial(_draw, losses=_losses(steps))) for steps in (10_000, 1_000_000))
    assert many < 1.1 * few


def test_steps_are_whole_and_written_in_full() -> None:
    figure = draw(_data(2), None, _losses(2), NAMES, first_step=1_000_000, title="").figure
    labels = [label.get_text() for label in figure.axes[1].get_xticklabels()]
    assert labels == ["1,000,000", "1,000,001", "1,000,002"]


EXTREME_AXES = [(-1.7e300, 1.7e300), (0.0, 1e-300), (1e16, 1e16 + 2), (1.0, 1.0 + 2**-40), (-3e9, -3e9), (0.0, 0.0)]


@pytest.mark.parametrize("axis", EXTREME_AXES)
def test_axes_have_numbers_that_differ_wherever_the_data_lie(axis: tuple[float, float]) -> None:
    real = _data(2, real=[list(axis), list(axis)], box=[axis, axis])
    job = draw(real, _snapshot(2), _losses(3), NAMES, first_step=0, title="")
    as_png(job)
    plane = job.figure.axes[0]
    for labels in (plane.get_xticklabels(), plane.get_yticklabels()):
        texts = [label.get_text() for label in labels]
        assert 1 < len(texts) <= 12
        assert len(set(texts)) == len(texts)
        assert max(map(len, texts)) <= 12


def test_labels_far_from_zero_say_what_they_leave_out() -> None:
    second = 1_700_000_000.0
    real = _data(2, real=[[second, -3e9]], box=[[second, second + 1], [-3e9, -3e9]])
    words = _words(real, None, _losses(0), NAMES, first_step=0, title="")
    assert {"0.0", "0.2", "0.4", "0.6", "0.8", "1.0"} <= words
    assert "x: +1.7e9   ·   y: −3e9" in words


def test_the_service_draws_in_another_process_and_does_not_load_matplotlib() -> None:
    real, snapshot, losses = _data(2), _snapshot(2), _losses(50)
    given = {"names": NAMES, "first_step": 0, "ends": [50], "titles": ["é"], "size": 300}
    png = pictures.picture(snapshot, losses, real=real, **given)
    assert png == as_png(draw(real, snapshot, losses, NAMES, first_step=0, title="é", size=300))

    code = "import sys; import app.web.server, app.jobs.service.results; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_a_process_that_is_killed_or_too_slow_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    killed = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"
    for code, words in (killed, "was killed"), ("input()\nimport time; time.sleep(60)", "too busy"):
        monkeypatch.setattr(pictures, "command", lambda _, code=code: [sys.executable, "-c", code])
        monkeypatch.setattr(pictures, "_SECONDS", 30 if code == killed else 0.2)
        with pytest.raises(JobsUnavailableError, match=words):
            pictures.picture({}, _losses(3), names=NAMES)


def test_a_process_that_fails_says_why() -> None:
    with pytest.raises(RuntimeError, match="TypeError"):
        pictures.picture({}, _losses(3), names=NAMES, titles=[""], nonsense=1)
