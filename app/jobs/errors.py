"""Why a call about jobs fails; the messages are for the caller."""

import errno


class JobError(Exception):
    """Base class."""


class UnknownJobError(JobError):
    """There is no such job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id[:40]!r}; GET /jobs lists those there are")


class QueueFullError(JobError):
    """Too many jobs wait."""


class NoTrainingError(JobError):
    """Nothing here would train a job."""

    def __init__(self) -> None:
        super().__init__(
            "no job is trained here: this installation has no TensorFlow. Who runs the service installs it, or sets "
            "NOBODY_DATABASE_URL to share the jobs with workers that have it"
        )


class QuotaError(JobError):
    """The jobs of a key use all that they may; ``retry_seconds`` says when to try again, where that is known."""

    def __init__(self, message: str, retry_seconds: int | None = None) -> None:
        super().__init__(message)
        self.retry_seconds = retry_seconds


class NeedsKeyError(JobError):
    """The call needs a key, and came without one."""

    def __init__(self) -> None:
        super().__init__(
            "calls about jobs need a key here: expected the header Authorization: Bearer KEY. Who runs the service "
            "makes a key with: nobody keys add NAME"
        )


class UnknownKeyError(JobError):
    """The key of a call is none of this service."""

    def __init__(self) -> None:
        super().__init__(
            "the key of this call is not known here: it was revoked, or not copied whole. Who runs the service makes "
            "another one with: nobody keys add NAME"
        )


class KeyNameError(JobError):
    """A key cannot have this name, or no key has it."""


class IdempotencyError(JobError):
    """The Idempotency-Key was used for another request."""


class NotThereError(JobError):
    """The job exists, but the requested part of it does not, or not yet."""


class JobsUnavailableError(JobError):
    """The database or the folder of the jobs cannot be used."""


class DiskFullError(JobsUnavailableError):
    """Nothing more can be stored."""

    def __init__(self) -> None:
        super().__init__(
            "the disk of the service is full: nothing can be stored until somebody frees space on it, by deleting jobs "
            "that have ended or other files"
        )


def is_disk_full(error: BaseException) -> bool:
    """Return whether an error of the system means that a disk, a quota or the largest size of a file is exhausted."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class UploadError(ValueError):
    """A file does not contain examples; the message says what was expected, what was found, and where."""
