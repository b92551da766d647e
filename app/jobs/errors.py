"""Why a call about jobs fails; the messages are for the caller."""


class JobError(Exception):
    """Base class."""


class UnknownJobError(JobError):
    """There is no such job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id[:40]!r}; GET /jobs lists those there are")


class QueueFullError(JobError):
    """Too many jobs wait."""


class IdempotencyError(JobError):
    """The Idempotency-Key was used for another request."""


class NotThereError(JobError):
    """The job exists, but the requested part of it does not, or not yet."""


class JobsUnavailableError(JobError):
    """The database or the folder of the jobs cannot be used."""


class UploadError(ValueError):
    """A file does not contain examples; the message says what was expected, what was found, and where."""
