"""A PostgreSQL server of the tests' own, from Debian's package."""

import contextlib
import os
import secrets
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from tests.conftest import PATIENCE


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps out of the search path."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists():
            return folder
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def free_port() -> int:
    """Return a free port below those that the system gives to clients: it must still be free after an outage."""
    while True:
        port = 15_000 + secrets.randbelow(15_000)  # another one than a gate beside this one
        with socket.socket() as attempt, contextlib.suppress(OSError):
            attempt.bind(("127.0.0.1", port))
            return port


def is_installed() -> bool:
    """Return whether there is a server to start."""
    return _programs() is not None


class PostgreSQL:
    """A server on a free port of 127.0.0.1, with its data in ``folder``."""

    def __init__(self, folder: Path) -> None:
        programs = _programs()
        if programs is None:
            assert os.environ.get("CI") != "true", "CI needs PostgreSQL: apt-get install postgresql"
            pytest.skip("PostgreSQL is not installed (on Debian: apt-get install postgresql)")
        self._programs = programs
        self._folder = folder
        self._port = free_port()
        folder.mkdir(parents=True)
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(folder, "postgres")
            for parent in folder.parents:
                if parent.stat().st_uid == 0 and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)
        self._run("initdb", "--auth=trust", "--username=nobody", "--no-sync", f"--pgdata={folder / 'pg'}")
        self.start()

    @property
    def url(self) -> str:
        """What NOBODY_DATABASE_URL takes."""
        return f"postgresql://nobody@127.0.0.1:{self._port}/postgres"

    @property
    def pid(self) -> int:
        """The process above all others of the server."""
        return int((self._folder / "pg" / "postmaster.pid").read_text().split()[0])

    def files(self, job_id: str) -> list[str]:
        """Return the names of the files of a job."""
        names = self._ask(
            "SELECT DISTINCT job_files.name FROM job_files JOIN jobs ON job = number WHERE id = %s", job_id
        )
        return [str(name) for name in names]

    def file(self, job_id: str, name: str) -> bytes:
        """Return the content of a file of a job."""
        its = "FROM job_files JOIN jobs ON job = number WHERE id = %s AND job_files.name = %s"
        return b"".join(self._ask(f"SELECT content {its} ORDER BY part", job_id, name))

    def _ask(self, query: LiteralString, *values: str) -> list[Any]:
        with psycopg.connect(self.url) as connection:
            return [row[0] for row in connection.execute(query, values)]

    def start(self) -> None:
        """Start it, or start it again."""
        options = f"-p {self._port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off"
        self._control("start", "--wait", f"--log={self._folder / 'log'}", f"--options={options}")

    def stop(self) -> None:
        """Stop it at once, as a crash would."""
        self._control("stop", "--mode=immediate")

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", f"--pgdata={self._folder / 'pg'}", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        as_user = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []
        subprocess.run(
            [*as_user, str(self._programs / program), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            timeout=PATIENCE,
        )
