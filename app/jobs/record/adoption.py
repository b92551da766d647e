"""Brings the files of an installation of before, when they lay in the data folder, into its PostgreSQL database."""

import logging
from pathlib import Path

import sqlalchemy as sa

from app.jobs.files import JobFiles
from app.jobs.record import file_rows
from app.jobs.record.advisory_locks import AdvisoryLock
from app.jobs.record.tables import jobs

log = logging.getLogger("nobody.jobs")


def adopt(engine: sa.Engine, data: Path) -> None:
    """Write the files of jobs that lie in the data folder into the database, each job in a transaction; delete them.

    Folders of jobs that the database does not know stay.
    """
    if not file_rows.keeps_files(engine):
        return
    for folder in sorted((data.resolve() / "jobs").glob("[!.]*")):
        files = JobFiles.at(folder)
        try:
            if _adopted(engine, files):
                files.remove()
                log.info("job %s: its files are in the database now", files.job_id)
        except OSError as error:
            log.warning("job %s: its files could not be brought into the database: %s", files.job_id, error)


def _adopted(engine: sa.Engine, files: JobFiles) -> bool:
    """Write the files of a job that are not in the database; return whether it knows the job."""
    with engine.begin() as connection:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(AdvisoryLock.ADOPTION)))
        number = connection.execute(sa.select(jobs.c.number).where(jobs.c.id == files.job_id)).scalar_one_or_none()
        if number is None:
            return False
        known = set(file_rows.names(connection, number))  # of another worker, which has not deleted the folder yet
        for name in files.names():
            if name not in known:
                file_rows.write_file(connection, number, name, files.path(name))
        return True
