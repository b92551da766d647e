"""What is stored in the database and read from it, as plain values. Importing this module loads no SQLAlchemy."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from app.jobs.errors import NotThereError
from app.jobs.specification import SPECIFICATION_VERSION, Specification

#: A stored job by column name. In addition, ``unreadable`` says why it cannot be read, or is None, and ``open`` says
#: whether it waits or runs according to its row, readable or not.
JobRow = Mapping[str, Any]


class Event(NamedTuple):
    """Something that happened to a job; ``seq`` counts from 1 without gaps."""

    seq: int
    kind: str
    at: float
    data: dict[str, Any]


class Written(NamedTuple):
    """A file of a job to be submitted: its name, and its content in parts."""

    name: str
    parts: Sequence[bytes | memoryview]


class Copied(NamedTuple):
    """A file of a job to be submitted that is a copy of another job's.

    Args:
        name: of the copy.
        job: whose file it is.
        source: its name.
        gone: what the caller is told if it is not there any more.
    """

    name: str
    job: JobRow
    source: str
    gone: str


class NewJob(NamedTuple):
    """A job to be submitted, with the files that it begins with."""

    specification: Specification
    name: str | None
    metadata: dict[str, Any]
    digest: str
    parent: str | None = None
    checkpoint: str | None = None
    checkpoint_step: int = 0
    owner: str | None = None
    request_id: str | None = None
    files: Sequence[Written | Copied] = ()


def new_id() -> str:
    """Return a random job id."""
    return secrets.token_hex(8)


def digest(*parts: bytes) -> str:
    """Return a fingerprint of a request, to recognise its repetition."""
    return hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


def require_readable(job: JobRow) -> None:
    """Refuse a job that cannot be read.

    Raises:
        NotThereError: the message says why.
    """
    if job["unreadable"] is not None:
        raise NotThereError(job["unreadable"])


def specification_of(job: JobRow) -> Specification:
    """Return the specification of a job, to train it again.

    Raises:
        NotThereError: this release does not know all of it.
    """
    require_readable(job)
    if wrong := unknown_settings(job):
        raise NotThereError(f"the settings of this job are not those of this version ({'; '.join(wrong[:3])})")
    return Specification.model_validate(job["specification"])


def checkpoints_of(job: JobRow) -> dict[int, str]:
    """Return the file of each checkpoint, by its step."""
    kept = {int(step): file for step, file in job["kept_checkpoints"].items()}
    newest = {job["checkpoint_step"]: job["checkpoint"]} if job["checkpoint"] else {}
    return {step: file for step, file in newest.items() if step is not None} | kept


def unknown_settings(job: JobRow) -> list[str]:
    """Return why this release cannot train a stored job, one line for each error."""
    version = job["specification_version"]
    if version != SPECIFICATION_VERSION:
        return [f"specification_version: found {version}, expected {SPECIFICATION_VERSION}"]
    try:
        Specification.model_validate(job["specification"])
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
