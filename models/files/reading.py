"""Starts the process that reads a weights file, and asks it for one. Imports little: see :func:`start_reader`."""

import json
import os
import subprocess
import sys
from pathlib import Path

_READER = Path(__file__).with_name("reader.py")

#: Readers that were started ahead and wait for their file.
_ready: list[subprocess.Popen[bytes]] = []


def start_reader() -> None:
    """Start a reader for the next file.

    It takes a fifth of a second to import what it needs, in which this process can import what it needs itself. It ends
    with this process, if no file is wanted.
    """
    _ready.append(_started())


def ask_reader(path: str, layout: str) -> subprocess.CompletedProcess[bytes]:
    """Let ``models.files.reader`` read a file, and return how it ended."""
    process = _ready.pop() if _ready else _started()
    output, errors = process.communicate(json.dumps([path, layout]).encode())
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _started() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", _READER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # it multiplies no matrices: threads would only take memory
    )
