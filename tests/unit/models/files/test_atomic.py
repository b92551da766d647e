"""Files that are written atomically."""

import os
from pathlib import Path

import pytest

from models.files.atomic import atomic_path


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_the_umask_says_who_may_read_a_file(mask: int, tmp_path: Path) -> None:
    before = os.umask(mask)
    try:
        with atomic_path(tmp_path / "folder" / "file") as temporary:
            temporary.write_text("whole")
    finally:
        os.umask(before)
    assert (tmp_path / "folder" / "file").stat().st_mode & 0o777 == 0o666 & ~mask


def test_after_an_error_nothing_has_changed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")

    def write() -> None:
        with atomic_path(tmp_path / "file") as temporary:
            temporary.write_text("half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"file": "old"}
