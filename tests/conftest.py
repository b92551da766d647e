"""What all tests share: the same surroundings everywhere, the search of the property tests, the exercise's files.

The gate draws the same examples on every machine and every day. ``make fuzz`` searches at random, and for long.
"""

import gc
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings
from hypothesis.internal.conjecture.providers import HypothesisProvider
from hypothesis.internal.constants_ast import Constants

#: Of a person's own environment, what the tests may see. Anything else could decide how they end: settings of the
#: service, a proxy, colours, the terminal's width, the language, options of TensorFlow.
_KEPT = ("CI", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "USER")
_KEPT_KINDS = ("COV_", "COVERAGE_", "HYPOTHESIS_", "PYTEST_")
# A home of their own: no keras.json, no .curlrc, no matplotlibrc.
_home = tempfile.TemporaryDirectory(prefix="nobody-home-", ignore_cleanup_errors=True)
for _name in list(os.environ):
    if _name not in _KEPT and not _name.startswith(_KEPT_KINDS):
        del os.environ[_name]
# A clock that goes ahead of UTC by a quarter of an hour more than whole hours: what mistakes one for the other shows.
os.environ |= {"HOME": _home.name, "LANG": "C.UTF-8", "TZ": "TST-05:45", "COLUMNS": "80", "TF_CPP_MIN_LOG_LEVEL": "3"}
os.environ["NOBODY_WARM_ARCHITECTURES"] = "0"  # the processor has enough to do
time.tzset()
os.umask(0o022)

gc.disable()  # until all tests are collected: what is loaded stays

import app  # noqa: E402, F401 (before NumPy, which it tells how many threads to use)

ROOT = Path(__file__).resolve().parent.parent

#: Seconds after which a test gives up waiting. It only ends a hang: nothing takes a tenth of it on an idle machine.
PATIENCE = 300.0

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


def pytest_collection_finish() -> None:
    """Let the garbage collector look at what the tests make, and never at all the modules again."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    """Let no test depend on what others drew before it."""
    random.seed(0)
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed(0)
    if "tensorflow" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Return the folder with the exercise's faces and weights, which are not part of the repository."""
    folder = ROOT.parent / "shared"
    if not (folder / "reference" / "generator.h5").exists():
        pytest.skip("the exercise's faces and weights are not here (expected in ../shared)")
    return folder
