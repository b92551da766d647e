"""Writes files atomically: a reader sees the whole file or the old one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path``, on an error nothing changes.

    A missing folder of ``path`` is created, but not the one above it: that one was deleted or is a mistake.
    """
    target = Path(path)
    target.parent.mkdir(exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
    temporary.touch(exist_ok=False)  # unlike tempfile's, readable for whom the umask says
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)
