"""Large pieces of memory go back to the system."""

import subprocess
import sys

from tests.conftest import ROOT

STORM = """
import os, sys
from concurrent.futures import ThreadPoolExecutor
from app.web.memory import give_back_large_pieces

def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20

def work(_):
    pieces = [b"x" * (size * 2**20) for size in (5, 30, 10, 20, 15)]
    return len(pieces)

if sys.argv[1] == "True":
    give_back_large_pieces()
with ThreadPoolExecutor(4) as pool:
    before = resident()
    list(pool.map(work, range(16)))
    print(resident() - before)
"""


def _kept(gives_back: bool) -> float:
    """Return the MiB that a process still has when 16 tasks with large pieces of memory have ended."""
    command = [sys.executable, "-c", STORM, str(gives_back)]
    return float(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)


def test_large_pieces_are_given_back() -> None:
    assert _kept(gives_back=True) < 20
