"""The files of jobs in a PostgreSQL database, in parts of 1 MiB: nobody has a whole file in memory.

Who writes or deletes brings the transaction that also changes the job. With SQLite, the files lie in the data folder.
"""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from app.jobs.record.tables import files

#: Bytes of a part at most.
PART = 2**20


def keeps_files(engine: sa.Engine) -> bool:
    """Return whether a database has the files of its jobs."""
    return engine.dialect.name == "postgresql"


def write(connection: sa.Connection, number: int, name: str, parts: Iterable[bytes | memoryview]) -> None:
    """Write a file of a job, in place of one of this name."""
    delete(connection, number, [name])
    for part, content in enumerate(_cut(parts)):
        connection.execute(sa.insert(files).values(job=number, name=name, part=part, content=bytes(content)))


def write_file(connection: sa.Connection, number: int, name: str, path: Path) -> None:
    """Write a file of the disk, in place of one of this name."""
    with path.open("rb") as file:
        write(connection, number, name, iter(lambda: file.read(PART), b""))


def _cut(parts: Iterable[bytes | memoryview]) -> Iterator[memoryview]:
    for part in parts:
        view = memoryview(part)
        for start in range(0, len(view), PART):
            yield view[start : start + PART]


def copy(connection: sa.Connection, source: int, source_name: str, number: int, name: str) -> bool:
    """Copy a file of the job ``source`` inside the database; return whether there was one."""
    rows = sa.select(sa.literal(number), sa.literal(name), files.c.part, files.c.content)
    rows = rows.where(files.c.job == source, files.c.name == source_name)
    copied = sa.insert(files).from_select(["job", "name", "part", "content"], rows).returning(files.c.part)
    return bool(connection.execute(copied).all())


def delete(connection: sa.Connection, number: int, names: Collection[str]) -> None:
    """Delete these files of a job."""
    if names:
        connection.execute(sa.delete(files).where(files.c.job == number, files.c.name.in_(names)))


def names(connection: sa.Connection, number: int) -> list[str]:
    """Return the names of all files of a job."""
    return list(connection.execute(sa.select(files.c.name).where(files.c.job == number, files.c.part == 0)).scalars())


def read(connection: sa.Connection, number: int, name: str) -> bytes | None:
    """Return the content of a small file, or None if there is none."""
    parts = list(connection.execute(_parts(number, name)).scalars())
    return b"".join(parts) if parts else None


def fetch(connection: sa.Connection, number: int, name: str, target: BinaryIO) -> bool:
    """Write the content of a file to ``target``, part by part; return whether there is one."""
    found = False
    with connection.execution_options(stream_results=True, yield_per=1).execute(_parts(number, name)) as parts:
        for content in parts.scalars():
            target.write(content)
            found = True
    return found


def _parts(number: int, name: str) -> sa.Select[Any]:
    return sa.select(files.c.content).where(files.c.job == number, files.c.name == name).order_by(files.c.part)
