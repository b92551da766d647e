"""What all tests share: the search of the property tests, and the exercise's files.

The gate draws the same examples on every machine and every day. ``make fuzz`` searches at random, and for long.
"""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

import app  # noqa: F401 (before NumPy, which it tells how many threads to use)

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

ROOT = Path(__file__).resolve().parent.parent

#: How many times the examples of the gate `make fuzz` draws.
FUZZ_FACTOR = 50

# A test takes as long as the machine needs: neither a deadline nor slow data is a fault.
settings.register_profile(
    "fuzz",
    settings.get_profile("default"),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("gate", settings.get_profile("fuzz"), derandomize=True, database=None)
settings.load_profile("gate")
# Hypothesis also tries the numbers and words of the modules that are loaded: other ones where a part of the tests runs,
# and none in a checkout below a folder called "tests".
HypothesisProvider._local_constants = Constants()  # type: ignore[assignment]  # a cached property


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let `make fuzz` draw more examples, also where a test says itself how many."""
    if config.getoption("--hypothesis-profile") != "fuzz":
        return
    tests = {getattr(item.obj, "__func__", item.obj) for item in items if isinstance(item, pytest.Function)}
    for test in filter(is_hypothesis_test, tests):
        own: settings = test._hypothesis_internal_use_settings
        test._hypothesis_internal_use_settings = settings(own, max_examples=FUZZ_FACTOR * own.max_examples)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with the exercise's faces and weights, which are not part of the repository."""
    folder = ROOT.parent / "shared"
    if not (folder / "reference" / "generator.h5").exists():
        pytest.skip("the exercise's faces and weights are not here (expected in ../shared)")
    return folder
