"""Colours that say what is what are told apart with every common kind of colour vision, on the pages and in the plots.

Colours are seen as Machado, Oliveira and Fernandes (2009) simulate it, and compared by CIEDE2000 (Sharma, Wu and Dalal
2005). A difference of 1 is about the smallest that is noticed between large fields side by side. Here are lines and
marks of some pixels, apart from each other: they get ten times that.
"""

import math
import re
from itertools import combinations, product

import numpy as np
import numpy.typing as npt
import pytest

from app.jobs.service.plots import points, style
from tests.conftest import ROOT

LEAST = 10.0

Lab = tuple[float, float, float]

#: On linear red, green and blue; severity 1.0 of table 1 in "A Physiologically-based Model for Simulation of Color
#: Vision Deficiency", IEEE Transactions on Visualization and Computer Graphics 15 (6).
VISIONS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
#: Linear sRGB to XYZ, D65.
XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)

SCORES = ("score-low", "score-middle", "score-high")
#: What the lab tells apart by colour, by name: the layers of the picture, the landscape, the losses of one run, and of
#: three.
PAIRS = [
    *combinations(("real", "made", "manifold", "ink"), 2),
    *combinations(SCORES, 2),
    *product(("real", "made", "manifold", "ink"), SCORES),
    *combinations(("real", "made-line", "soft"), 2),
    *combinations(("real", "made-line", "third"), 2),
]


def tokens(scheme: str) -> dict[str, str]:
    """Read the custom properties of a colour scheme that are colours, from all style sheets."""
    found: dict[str, str] = {}
    for sheet in sorted((ROOT / "static/css").glob("*.css")):
        text = sheet.read_text()
        dark = re.findall(r"@media screen and \(prefers-color-scheme: dark\) \{(.*?\n)\}", text, re.DOTALL)
        light = re.sub(r"@media[^{]*\{.*?\n\}", "", text, flags=re.DOTALL)
        for part in (light, *(dark if scheme == "dark" else [])):
            found |= re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", part)
    return found


def seen(colour: str, vision: str) -> Lab:
    """Return a colour of the form #rrggbb in CIELAB as somebody sees it."""
    coded = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    linear = np.where(coded <= 0.04045, coded / 12.92, ((coded + 0.055) / 1.055) ** 2.4)
    light: npt.NDArray[np.float64] = XYZ @ np.clip(VISIONS[vision] @ linear, 0, 1) / (XYZ @ np.ones(3))
    x, y, z = np.where(light > 216 / 24389, np.cbrt(light), (24389 / 27 * light + 16) / 116)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def difference(one: Lab, other: Lab) -> float:
    """Return CIEDE2000."""
    (light, a, b), (other_light, other_a, other_b) = one, other
    grey = _chroma_weight((math.hypot(a, b) + math.hypot(other_a, other_b)) / 2)
    a, other_a = a * (1.5 - grey / 2), other_a * (1.5 - grey / 2)
    chroma, other_chroma = math.hypot(a, b), math.hypot(other_a, other_b)
    hue, other_hue = (math.degrees(math.atan2(y, x)) % 360 for x, y in ((a, b), (other_a, other_b)))
    turn = (other_hue - hue + 180) % 360 - 180 if chroma * other_chroma else 0.0
    mean_light, mean_chroma = (light + other_light) / 2, (chroma + other_chroma) / 2
    mean_hue = hue + turn / 2 if chroma * other_chroma else hue + other_hue
    cosines = ((-0.17, 1, -30), (0.24, 2, 0), (0.32, 3, 6), (-0.20, 4, -63))
    hues = 1 + sum(size * math.cos(math.radians(times * mean_hue + shift)) for size, times, shift in cosines)
    lightness = (other_light - light) / (1 + 0.015 * (mean_light - 50) ** 2 / math.sqrt(20 + (mean_light - 50) ** 2))
    chromas = (other_chroma - chroma) / (1 + 0.045 * mean_chroma)
    apart = 2 * math.sqrt(chroma * other_chroma) * math.sin(math.radians(turn / 2)) / (1 + 0.015 * mean_chroma * hues)
    bend = 60 * math.exp(-((((mean_hue % 360) - 275) / 25) ** 2))
    rotation = -2 * _chroma_weight(mean_chroma) * math.sin(math.radians(bend))
    return math.sqrt(lightness**2 + chromas**2 + apart**2 + rotation * chromas * apart)


def _chroma_weight(chroma: float) -> float:
    return math.sqrt(chroma**7 / (chroma**7 + 25**7))


def least(one: str, other: str) -> tuple[float, str]:
    """Return how far two colours are apart for those who tell them apart worst, and who that is."""
    return min((difference(seen(one, vision), seen(other, vision)), vision) for vision in VISIONS)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_lab_is_told_apart(scheme: str) -> None:
    colours = tokens(scheme)
    close = {(one, other): found for one, other in PAIRS if (found := least(colours[one], colours[other]))[0] < LEAST}
    assert close == {}


def test_dark_and_light_schemes_differ() -> None:
    light, dark = tokens("light"), tokens("dark")
    assert light.keys() == dark.keys()
    assert all(light[name] != dark[name] for one in PAIRS for name in one)


def test_the_plots_are_told_apart() -> None:
    lines = (style.BLUE, style.VERMILLION, style.GREEN)
    scores = [
        "#" + "".join(f"{round(255 * part):02x}" for part in points._SCORE_COLOURS(at)[:3]) for at in (0.0, 0.5, 1.0)
    ]
    pairs = [*combinations(lines, 2), *combinations(scores, 2), *product((style.BLUE, style.VERMILLION), scores)]
    assert {pair: found for pair in pairs if (found := least(*pair))[0] < LEAST} == {}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [  # of the published test data
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 0, 0), (50, -1, 2), 2.3669),
        ((50, 2.5, 0), (50, 0, -2.5), 4.3065),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((22.7233, 20.0904, -46.6940), (23.0331, 14.9730, -42.5619), 2.0373),
        ((2.0776, 0.0795, -1.1350), (0.9033, -0.0636, -0.5514), 0.9082),
    ],
)
def test_differences_are_those_of_the_standard(one: Lab, other: Lab, expected: float) -> None:
    assert difference(one, other) == pytest.approx(expected, abs=1e-4)


def test_red_and_green_are_not_told_apart() -> None:
    red, green = "#d62728", "#7f7f00"
    assert difference(seen(red, "usual"), seen(green, "usual")) > 30
    assert least(red, green)[0] < LEAST
    assert seen("#808080", "protanopia") == pytest.approx(seen("#808080", "usual"), abs=0.1)  # greys stay
