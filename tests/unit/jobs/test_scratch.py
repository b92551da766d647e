"""Folders of temporary files: kept while a process that uses them lives, however long; removed after its end."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from app.jobs.scratch import Scratch, sweep_scratch


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def test_a_folder_is_kept_while_its_process_lives(tmp_path: Path) -> None:
    scratch = Scratch()
    (scratch.folder / "file").touch()
    os.utime(scratch.folder, (0, 0))  # its age says nothing
    sweep_scratch()
    assert (scratch.folder / "file").exists()
    scratch.remove()
    scratch.remove()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("last", ["parent", "child"])
def test_a_folder_is_kept_for_the_last_of_the_processes_that_use_it(last: str, tmp_path: Path) -> None:
    scratch = Scratch()
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[scratch.fd])
    try:
        if last == "child":
            os.close(scratch.fd)  # as the end of this process would do
        else:
            child.kill()
            child.wait()
        sweep_scratch()
        assert scratch.folder.exists()
    finally:
        child.kill()
        child.communicate()
    if last == "parent":
        os.close(scratch.fd)
    sweep_scratch()
    assert not list(tmp_path.iterdir())


def test_what_is_not_ours_stays(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "nobody-scratch-link").symlink_to(tmp_path / "precious")
    (tmp_path / "nobody-scratch-file").touch()
    (tmp_path / "nobody-old").mkdir()
    sweep_scratch()
    assert len(list(tmp_path.iterdir())) == 4


def test_a_folder_that_is_swept_in_the_moment_it_is_made_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make, made = tempfile.mkdtemp, []

    def mkdtemp(prefix: str) -> str:
        made.append(make(prefix=prefix))
        if len(made) == 1:
            sweep_scratch()
        return made[-1]

    monkeypatch.setattr(tempfile, "mkdtemp", mkdtemp)
    scratch = Scratch()
    assert scratch.folder.exists()
    scratch.remove()
