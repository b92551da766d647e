"""Events as clients see them."""

import json
from typing import NamedTuple

from app.jobs.file_names import StoredFiles
from app.jobs.record.values import Event
from app.jobs.service import stored
from models.files.arrays import DamagedFileError


class JobEvent(NamedTuple):
    """An event as clients see it; ``data`` is JSON text."""

    id: int
    kind: str
    data: str


def with_data(event: Event, files: StoredFiles) -> JobEvent:
    """Return an event with all its data. Those of pictures are stored in files of the job."""
    return JobEvent(event.seq, event.kind, _data(event, files))


def _data(event: Event, files: StoredFiles) -> str:
    step = event.data.get("step")
    try:
        if event.kind == "data":
            return stored.real_examples(files).text
        if event.kind == "snapshot" and isinstance(step, int):
            return stored.snapshot(files, step, event.data.get("half") is True).text
    except (OSError, DamagedFileError):
        pass  # the files were deleted, or are damaged: the event has happened all the same
    return json.dumps(event.data)
