"""Why a call about jobs cannot be answered as asked."""


class JobError(Exception):
    """Base of them all; the message is for the caller."""


class UnknownJobError(JobError):
    """There is no such job."""

    def __init__(self, job_id: str) -> None:
        super().__init__(f"there is no job {job_id[:40]!r}; GET /jobs lists those there are")


class QueueFullError(JobError):
    """As many jobs wait as may wait."""


class IdempotencyError(JobError):
    """The key was used for another request."""


class NotThereError(JobError):
    """The job exists, but what is asked for does not, or not yet."""


class JobsUnavailableError(JobError):
    """The database of the jobs does not answer."""


class UploadError(ValueError):
    """A file is not one of examples; the message says what was expected, what came, and where."""
