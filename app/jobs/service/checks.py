"""Checks of a deployment, as far as the jobs go: the data folder, the database, keys, limits."""

import contextlib
import os
import resource
import stat
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.files import allocated_bytes
from app.processors import processors

#: Bytes that must be free: a job may write hundreds of MiB, and a database without room stops.
_FREE = 2**30
#: Seconds by which the clocks of a database and of this machine may differ: times of jobs come from both.
_CLOCK = 2.0
#: Open files below which busy pages run out of connections.
_FILES = 2_048
#: MiB of a service and its worker, and of a training process without a job: docs/performance.md.
_SERVICE, _TRAINER = 350, 500


class Finding(NamedTuple):
    """What a check has found.

    Args:
        subject: what was looked at.
        sound: whether it is as it should be.
        text: what it is like, and what to do if it is not sound.
    """

    subject: str
    sound: bool
    text: str


def check_jobs(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, one subject after the other."""
    if settings.database_url is None:
        yield _folder(settings.data)
        yield _disk(settings)
    else:
        yield _temporary_files()
    yield from _database(settings)
    yield _memory(settings)
    yield _processors(settings)
    yield _files()
    yield from _limits(settings)


def _folder(data: Path) -> Finding:
    where = f"NOBODY_DATA {data}"
    try:
        folder = _existing(data)
        if not folder.is_dir():
            return Finding("folder", False, f"{where}: expected a folder, and {folder} is none")
        with tempfile.TemporaryFile(dir=folder):
            pass
        if folder != data.absolute():
            return Finding("folder", True, f"{where} is not there yet; the service makes it")
        exposed = [] if _is_ours_alone(data) else [path for path in data.iterdir() if not _is_ours_alone(path)]
    except OSError as error:
        return Finding("folder", False, f"{where}: expected to write there as this user, got: {error.strerror}")
    if exposed:
        others = f"others on this machine can read {exposed[0].name}" + (", …" if len(exposed) > 1 else "")
        return Finding("folder", False, f"{where}: {others}: chmod -R go= {data}")
    return Finding("folder", True, f"{where} can be written, and is for this user alone")


def _disk(settings: Settings) -> Finding:
    data = settings.data
    try:
        system = os.statvfs(_existing(data))
    except OSError as error:
        return Finding("disk", False, f"expected to see how much is free at {data}, got: {error.strerror}")
    free = system.f_bavail * system.f_frsize
    told = f"{free / 2**30:,.1f} GiB are free at {data}"
    if free < _FREE:
        return Finding("disk", False, f"{told}: expected at least 1; delete jobs that have ended, or make room")
    if settings.max_disk and settings.max_disk * 2**20 > free + allocated_bytes(data):
        return Finding("disk", False, f"{told}, less than jobs may take: lower NOBODY_MAX_DISK, or make room")
    return Finding("disk", True, told)


def _temporary_files() -> Finding:
    """Look where files lie for a time beside a PostgreSQL database: of uploads, downloads and trainings."""
    try:
        folder = tempfile.gettempdir()
    except FileNotFoundError:
        return Finding(
            "disk", False, "expected a folder for temporary files, found none that can be written: set TMPDIR"
        )
    free = psutil.disk_usage(folder).free
    told = f"{free / 2**30:,.1f} GiB are free for temporary files at {folder}"
    if free < _FREE:
        return Finding("disk", False, f"{told}: expected at least 1; make room, or set TMPDIR to another folder")
    return Finding("disk", True, told)


def _database(settings: Settings) -> Iterator[Finding]:
    from app.jobs.record.inspection import inspect  # brings SQLAlchemy

    where = "NOBODY_DATABASE_URL" if settings.database_url else str(settings.data / "jobs.sqlite")
    try:
        found = inspect(settings)
    except JobsUnavailableError as error:
        yield Finding("database", False, f"{where}: expected a database that answers, got: {error}")
        return
    schemas = {
        "missing": "has no tables of the jobs yet; the service makes them",
        "older": "has the tables of an older release; the service brings them up to date: back it up before",
        "current": "answers, and its tables are those of this release",
        "newer": "is of a newer release: install that, or restore the backup from before",
    }
    yield Finding("database", found.schema != "newer", f"{where} {schemas[found.schema]}")
    if settings.database_url:
        clock = f"that of the database is {abs(found.clock):,.1f} s {'ahead of' if found.clock > 0 else 'behind'} ours"
        sound = abs(found.clock) <= _CLOCK
        yield Finding("clock", sound, clock if sound else f"{clock}: keep both right, by NTP")
    yield _keys(settings, found.keys + len(settings.keys))


def _keys(settings: Settings, count: int) -> Finding:
    if not settings.needs_keys:
        return Finding("keys", True, f"only this machine reaches {settings.host}: calls about jobs need none")
    if not count:
        return Finding("keys", False, "calls about jobs need one, and there is none: nobody keys add NAME")
    return Finding("keys", True, f"calls about jobs need one; there are {count}")


def _memory(settings: Settings) -> Finding:
    has = _memory_limit() / 2**20
    jobs = settings.concurrent_jobs if find_spec("tensorflow") else 0
    needs = _SERVICE + jobs * (_TRAINER + settings.job_memory)
    reason = f"for {jobs} jobs of {settings.job_memory:,} MiB each" if jobs else "as nothing is trained here"
    told = f"{needs:,} MiB may be needed {reason}, of {has:,.0f}"
    if needs > has:
        return Finding("memory", False, f"{told}: lower NOBODY_CONCURRENT_JOBS or NOBODY_JOB_MEMORY")
    return Finding("memory", True, told)


def _processors(settings: Settings) -> Finding:
    here = processors()
    told = f"NOBODY_PROCESSES is {settings.processes}, and the processors here are {here}"
    if settings.processes > here:
        return Finding("processors", False, f"{told}: lower it, or set it to 0 for one process each")
    return Finding("processors", True, told)


def _memory_limit() -> int:
    """Return the bytes of memory that this process and its children may use: the machine's, or its container's."""
    has = int(psutil.virtual_memory().total)
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        has = min(has, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return has


def _limits(settings: Settings) -> Iterator[Finding]:
    """Yield the limits of a key by which it could never submit a job that all other limits allow."""
    if not settings.needs_keys:
        return
    for key, job, unit in (("key_steps", "max_steps", "steps"), ("key_megabytes", "job_disk", "MiB")):
        its, most = getattr(settings, key), getattr(settings, job)
        if its < most:
            told = f"a key may ask for {its:,} {unit}, but a job may have {most:,}"
            yield Finding("limits", False, f"{told}: raise NOBODY_{key.upper()}, or lower NOBODY_{job.upper()}")


def _files() -> Finding:
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY and most < _FILES:
        told = f"a process may open {most:,} files, half of them connections"
        return Finding("connections", False, f"{told}: raise the limit to {_FILES:,} or more (ulimit -n, LimitNOFILE)")
    return Finding("connections", True, "a process may open enough files")


def _existing(path: Path) -> Path:
    """Return the path, or the nearest folder above it that exists."""
    return next(folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists())


def _is_ours_alone(path: Path) -> bool:
    return not stat.S_IMODE(path.stat().st_mode) & 0o077
