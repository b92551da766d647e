"""The keys of all advisory locks that the service takes in PostgreSQL."""

from enum import IntEnum, unique


@unique
class AdvisoryLock(IntEnum):
    """What only one connection does at a time."""

    SCHEMA = 7_160_160_160
    """To create or alter the tables."""
    RECOVERY = 7_160_160_161
    """To take the jobs of dead workers up again."""
    TIDYING = 7_160_160_162
    """To delete jobs that are old, or for which there is no room."""
    ADMISSION = 7_160_160_163
    """To store a job for which there must be room."""
    ADOPTION = 7_160_160_164
    """To bring the files of an installation of before into the database."""
