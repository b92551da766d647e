"""What goes into the record and what comes out of it, as plain values: importing this module loads no SQLAlchemy."""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.jobs.errors import NotThereError
from app.jobs.specification import Specification

#: A stored job by the names of its columns. Two keys come on top: ``unreadable``, the reason why the job cannot be
#: read, or None; and ``open``, whether the record has the job waiting or running.
JobRow = Mapping[str, Any]


class Event(NamedTuple):
    """Something that happened to a job; ``seq`` counts from 1 without a gap."""

    seq: int
    kind: str
    at: float
    data: dict[str, Any]


class NewJob(NamedTuple):
    """What is stored about a job when it is submitted."""

    specification: Specification
    name: str | None
    metadata: dict[str, Any]
    digest: str
    parent: str | None = None
    checkpoint: str | None = None
    checkpoint_step: int = 0


def new_id() -> str:
    """Draw the id of a job."""
    return secrets.token_hex(8)


def digest(*parts: bytes) -> str:
    """Return a fingerprint of a request, to recognise its repetition."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def require_readable(job: JobRow) -> None:
    """Refuse what needs the whole record of a job.

    Raises:
        NotThereError: the job cannot be read; the message says why.
    """
    if job["unreadable"] is not None:
        raise NotThereError(job["unreadable"])


def specification_of(job: JobRow) -> Specification:
    """Return what a job trains, to train it again.

    Raises:
        NotThereError: this version of the service does not know all of it.
    """
    require_readable(job)
    if wrong := unknown_settings(job["specification"]):
        raise NotThereError(f"the settings of this job are not those of this version ({'; '.join(wrong[:3])})")
    return Specification.model_validate(job["specification"])


def checkpoints_of(job: JobRow) -> dict[int, str]:
    """Return the file of each checkpoint, by its step."""
    kept = {int(step): file for step, file in job["kept_checkpoints"].items()}
    newest = {job["checkpoint_step"]: job["checkpoint"]} if job["checkpoint"] else {}
    return {step: file for step, file in newest.items() if step is not None} | kept


def unknown_settings(specification: dict[str, Any]) -> list[str]:
    """Return why this version cannot train a stored specification, one line a mistake."""
    try:
        Specification.model_validate(specification)
    except ValidationError as error:
        return [
            f"{'.'.join(('specification', *map(str, item['loc'])))}: {item['msg']}, found {short(item['input'])}"
            for item in error.errors(include_url=False, include_context=False)
        ]
    return []


def short(value: object) -> str:
    """Return the ``repr`` of a value, cut to 60 characters."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
