"""The gate is the same everywhere; the random search is not."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import FUZZ_FACTOR, PATIENCE, ROOT

PROPERTIES = """
import pathlib
from hypothesis import given, settings, strategies as st

@given(st.integers(), st.text(), st.floats())
def test_of_a_hundred_examples(a, b, c):
    print("drawn", ascii((a, b, c)))

@given(st.integers())
@settings(max_examples=7)
def test_of_seven_examples(drawn):
    print("drawn", drawn)

def test_without_a_property():
    print("drawn nothing")
"""


def _drawn(folder: Path, *arguments: str, content: str = PROPERTIES, **environment: str) -> list[str]:
    folder.mkdir(parents=True)
    (folder / "test_properties.py").write_text(content)
    # The folder has no settings of its own, so that it is the gate's that count.
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "tests.conftest", "-s", *arguments]
    done = subprocess.run(
        [*command, str(folder)],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return [line[line.index("drawn") :] for line in done.stdout.splitlines() if "drawn" in line]


def test_the_gate_draws_the_same_on_every_machine_and_every_day(tmp_path: Path) -> None:
    here = _drawn(tmp_path / "here", PYTHONHASHSEED="1", CI="")
    # In a folder whose modules hypothesis does not look into, and with other modules loaded.
    there = _drawn(
        tmp_path / "tests" / "there", "-p", "models.files.weight_files", PYTHONHASHSEED="2", CI="true", TZ="Asia/Tokyo"
    )
    assert here == there
    assert len(here) >= 100


@pytest.mark.parametrize("ci", ["", "true"])
def test_fuzz_draws_more_and_at_random_and_only_for_property_tests(tmp_path: Path, ci: str) -> None:
    options = ("-m", "hypothesis", "--hypothesis-profile=fuzz")
    first, second = (_drawn(tmp_path / name, *options, "-k", "seven", CI=ci) for name in ("a", "b"))
    assert len(first) == len(second) == 7 * FUZZ_FACTOR
    assert first != second
    assert "drawn nothing" not in first


SURROUNDINGS = """
import os, random, time
import numpy as np

def test_surroundings():
    print("drawn", sorted(os.environ.items() - {"PYTEST_CURRENT_TEST": os.environ["PYTEST_CURRENT_TEST"]}.items()))

def test_first():
    print("drawn", random.random(), np.random.random())

def test_second():
    print("drawn", random.random(), np.random.random(), time.strftime("%z"), oct(os.umask(0o22)))
"""


def test_what_a_person_has_set_does_not_reach_the_tests(tmp_path: Path) -> None:
    settings = {
        "NOBODY_PORT": "77",
        "HTTP_PROXY": "http://192.0.2.1",
        "https_proxy": "http://192.0.2.1",
        "COLUMNS": "40",
        "FORCE_COLOR": "1",
        "NO_COLOR": "1",
        "GITHUB_ACTIONS": "true",
        "TERM": "dumb",
        "LANG": "de_DE.ISO-8859-1",
        "LC_ALL": "C",
        "TZ": "America/New_York",
        "KERAS_BACKEND": "jax",
        "KERAS_HOME": "/nowhere",
        "XLA_FLAGS": "--nonsense",
        "PGHOST": "192.0.2.1",
        "CURL_HOME": "/nowhere",
        "PYTHONWARNINGS": "ignore",
    }
    here = _drawn(tmp_path / "here", content=SURROUNDINGS)
    there = _drawn(tmp_path / "there", content=SURROUNDINGS, **settings)
    assert [re.sub("nobody-home-[^']*", "", line) for line in here] == [
        re.sub("nobody-home-[^']*", "", line) for line in there
    ]


def test_the_order_of_tests_does_not_decide_what_they_draw(tmp_path: Path) -> None:
    together = _drawn(tmp_path / "together", content=SURROUNDINGS)
    alone = _drawn(tmp_path / "alone", "-k", "second", content=SURROUNDINGS)
    assert together[-1:] == alone
