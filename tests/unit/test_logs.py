"""The lines of the log: one for each record, with a time, and with what it is about."""

import json
import logging
import sys
from collections.abc import Iterator
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import logs


def _record(message: str, *, fault: bool = False, **extra: object) -> logging.LogRecord:
    cause = None
    if fault:
        try:
            raise ValueError("no\nway")
        except ValueError:
            cause = sys.exc_info()
    record = logging.LogRecord("nobody.jobs", logging.WARNING, "", 0, message, (), cause)
    record.__dict__ |= extra
    return record


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """Return the root logger, and leave all loggers as they were."""
    root = logging.getLogger()
    names = ("nobody", "uvicorn", "dbos")
    before = (root.handlers[:], root.level, {name: logging.getLogger(name).level for name in names})
    yield root
    root.handlers[:], level, levels = before
    root.setLevel(level)
    for name, old in levels.items():
        logging.getLogger(name).setLevel(old)
    logging.getLogger("dbos").handlers.clear()
    logging.captureWarnings(False)


def test_a_line_of_text_has_time_level_logger_message_and_what_it_is_about() -> None:
    with logs.about(job="ab12", request_id="r-1", nothing=None):
        time, line = logs.TextLines().format(_record("job ab12: over")).split(" ", 1)
    assert datetime.fromisoformat(time).tzinfo is not None
    assert line == "WARNING nobody.jobs: job ab12: over [request_id=r-1]"  # the job is named already
    assert logs.TextLines().format(_record("over")).endswith("nobody.jobs: over")


def test_a_line_of_json_has_the_same_as_members() -> None:
    with logs.about(job="ab12", request_id="r-1"):
        line = json.loads(logs.JsonLines().format(_record("over", fault=True, fields={"status": 500})))
    assert datetime.fromisoformat(line.pop("time")).tzinfo is not None
    assert line.pop("traceback").startswith("Traceback")
    assert isinstance(line.pop("process"), int)
    assert line == {
        "level": "warning",
        "logger": "nobody.jobs",
        "message": "over",
        "job": "ab12",
        "request_id": "r-1",
        "status": 500,
    }


@given(st.text())
def test_no_message_passes_for_another_line(message: str) -> None:
    """Messages quote clients."""
    assert len(logs.TextLines().format(_record(message)).splitlines()) == 1
    line = logs.JsonLines().format(_record(message, fault=True))
    assert "\n" not in line
    assert json.loads(line)["message"] == message


def test_what_a_block_is_about_ends_with_it() -> None:
    with logs.about(request_id="outer"):
        with logs.about(job="inner"):
            assert logs.request_id() is None
            logs.now_about(job="inner", request_id="later")
            assert logs.request_id() == "later"
        assert logs.request_id() == "outer"
    assert logs.request_id() is None


@pytest.mark.parametrize("style", ["text", "json"])
def test_all_loggers_speak_in_one_shape(
    root: logging.Logger, capsys: pytest.CaptureFixture[str], style: logs.Style
) -> None:
    logs.configure(style)
    for name, level in (("nobody.jobs", logging.INFO), ("uvicorn.error", logging.INFO), ("dbos", logging.ERROR)):
        logging.getLogger(name).log(level, "said by %s", name)
    logging.getLogger("a.library").info("chatter")
    out, err = capsys.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 3
    for line, name in zip(err.splitlines(), ("nobody.jobs", "uvicorn.error", "dbos"), strict=True):
        if style == "json":
            assert json.loads(line)["message"] == f"said by {name}"
        else:
            assert line.endswith(f" {name}: said by {name}")
