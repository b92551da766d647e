"""The log: one shape for the service, the workers and the training processes, as text or as JSON.

Each line says what the work is about during which it was logged: the id of a request, a job.
"""

import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, Literal

Style = Literal["text", "json"]

_about: ContextVar[Mapping[str, str]] = ContextVar("about", default={})  # noqa: B039 (never changed)


def now_about(**names: str | None) -> None:
    """Say what the present task, or thread, is about from now on: ``request_id``, ``job``. None says nothing."""
    _about.set({name: value for name, value in names.items() if value is not None})


@contextmanager
def about(**names: str | None) -> Iterator[None]:
    """Say what the block is about."""
    before = _about.set({})
    try:
        now_about(**names)
        yield
    finally:
        _about.reset(before)


def request_id() -> str | None:
    """Return the id of the request that is being answered."""
    return _about.get().get("request_id")


def configure(style: Style, level: int = logging.INFO) -> None:
    """Send everything that this process logs to standard error, in one shape.

    Args:
        style: ``text``, or ``json`` for one object a line.
        level: the least that is told of our own doings; of libraries, warnings are told.
    """
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("nobody").setLevel(level)
    logging.getLogger("uvicorn").setLevel(logging.INFO)
    logging.getLogger("dbos").addHandler(logging.NullHandler())  # without any, it adds one of another shape
    logging.captureWarnings(True)


class TextLines(logging.Formatter):
    """``time LEVEL logger: message [what it is about]``; lines after the first belong to a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        message = _on_one_line(record.getMessage())
        about = " ".join(f"{name}={value}" for name, value in _about.get().items() if value not in message)
        line = f"{_time(record)} {record.levelname} {record.name}: {message}{about and f' [{about}]'}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonLines(logging.Formatter):
    """One JSON object a line. ``extra={"fields": {…}}`` of a call adds members of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
            **_about.get(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


#: Whatever would end a line or steer a terminal.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _on_one_line(message: str) -> str:
    """Return a message, which may quote a client, as text that cannot pass for another line."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), message.strip())
