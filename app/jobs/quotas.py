"""What the jobs of one key may use; the messages say what is used, and when it is free again."""

from datetime import UTC, datetime
from typing import NamedTuple

from app.jobs.errors import QuotaError
from app.jobs.limits import LimitError

_DAY_SECONDS = 86_400
#: After a refusal that ends when a job ends, try again in so many seconds.
_RETRY_SECONDS = 10


class Quota(NamedTuple):
    """What the jobs of a key may use.

    Args:
        jobs: that have not ended.
        steps: of training that are asked for in a day (UTC).
        megabytes: MiB of files.
    """

    jobs: int
    steps: int
    megabytes: int

    def check_jobs(self, unfinished: int) -> None:
        """Refuse one more job.

        Raises:
            QuotaError: as many as possible have not ended.
        """
        if unfinished >= self.jobs:
            raise QuotaError(
                f"expected at most {self.jobs:,} unfinished jobs of one key, and this one has {unfinished:,}; wait "
                "until one ends, or cancel one",
                _RETRY_SECONDS,
            )

    def check_steps(self, wanted: int, used: int, now: float) -> None:
        """Refuse more steps than are left of a day.

        Args:
            wanted: steps of the new job.
            used: steps asked for since the day began.
            now: in seconds since 1970.

        Raises:
            LimitError: they are more than those of a day.
            QuotaError: they are more than those that are left today.
        """
        if wanted > self.steps:
            raise LimitError(f"expected at most {self.steps:,} steps, those of one key in a day, got {wanted:,}")
        if used + wanted > self.steps:
            wait = seconds_left(now)
            raise QuotaError(
                f"expected at most {self.steps:,} steps of one key in a day; {used:,} were asked for since 00:00 UTC, "
                f"{max(0, self.steps - used):,} are left, and this job has {wanted:,}; all are free again at 00:00 "
                f"UTC, in {wait // 3_600} h {wait % 3_600 // 60} min",
                wait,
            )

    def check_files(self, wanted: int, kept: int, reserved: int) -> None:
        """Refuse a job that might write more than is left.

        Args:
            wanted: bytes that it writes at most.
            kept: bytes of the jobs that have ended.
            reserved: bytes that those write at most that have not ended.

        Raises:
            LimitError: it might write more than a key may ever keep.
            QuotaError: it might write more than is left.
        """
        most = f"expected at most {self.megabytes:,} MiB of one key"
        if wanted > self.megabytes * 2**20:
            raise LimitError(f"{most}, and this job may write {_mebibytes(wanted)}")
        if kept + reserved + wanted > self.megabytes * 2**20:
            raise QuotaError(
                f"{most}: its jobs that have ended keep {_mebibytes(kept)}, the others may write "
                f"{_mebibytes(reserved)}, and this job {_mebibytes(wanted)}; delete jobs that have ended"
            )


def _mebibytes(size: int) -> str:
    return f"{size / 2**20:,.1f}"


def day_of(now: float) -> str:
    """Return the day of a time, in UTC."""
    return datetime.fromtimestamp(now, UTC).date().isoformat()


def seconds_left(now: float) -> int:
    """Return how long a day still takes, at least a second."""
    return _DAY_SECONDS - int(now % _DAY_SECONDS)
