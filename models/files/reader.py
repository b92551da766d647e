"""``python -P models/files/reader.py``: read a weights file within limits of time and memory.

On a damaged file the HDF5 library may hang or crash, or take all memory. Here that ends this process only.

Standard input is JSON: the path, and the layout of the network; or nothing, if no file is wanted. Standard output is a
line of JSON: ``{"error": message}``, or ``{"sha256": …, "metadata": …}`` and then the numbers: float32 in the layout's
order, without gaps.
"""

import json
import resource
import signal
import sys
from pathlib import Path
from typing import BinaryIO

if __name__ == "__main__":  # the code beside this file, whatever else is installed
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from models.files.contents import Contents, read_contents
from models.files.layouts import layout_from_json, numbers_in
from models.files.weight_files import WeightsError

#: Seconds that reading may take, and bytes of memory, both besides what the numbers themselves need.
SECONDS = 4
MEMORY = 512 * 2**20

#: Numbers that are read in a second, at the very least.
_NUMBERS_A_SECOND = 10_000_000
#: Bytes that a number takes at most: stored as float64, read, converted and kept.
_BYTES_A_NUMBER = 24
#: A message quotes names in the file, and may be as long as they.
_LONGEST_MESSAGE = 5_000


def answer(path: str, layout: str, output: BinaryIO) -> None:
    """Read the file within the limits and write what is in it, or why not."""
    wanted = layout_from_json(layout)
    _limit(numbers_in(wanted))
    try:
        contents = read_contents(path, wanted)
    except WeightsError as error:
        output.write(_line({"error": _one_line(str(error))}))
    except MemoryError:
        output.write(_line({"error": f"{path}: expected weights, found what takes too much memory; it is damaged"}))
    else:
        _write(contents, output)


def _limit(numbers: int) -> None:
    """Let the kernel end this process if reading so many numbers takes too long or too much memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + MEMORY + _BYTES_A_NUMBER * numbers
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    memory = memory if most == resource.RLIM_INFINITY else min(memory, most)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # which ends the process, even inside of the library
    signal.alarm(SECONDS + numbers // _NUMBERS_A_SECOND)


def _write(contents: Contents, output: BinaryIO) -> None:
    output.write(_line({"sha256": contents.sha256, "metadata": contents.metadata}))
    for values in contents.weights:
        output.write(values.data)


def _line(values: dict[str, str | None]) -> bytes:
    return json.dumps(values).encode() + b"\n"


def _one_line(message: str) -> str:
    """Return a message without control characters that a name in the file may hold, and not without end."""
    return "".join(letter if letter.isprintable() else "?" for letter in message[:_LONGEST_MESSAGE])


if __name__ == "__main__":
    if request := sys.stdin.read():
        wanted, network = json.loads(request)
        answer(wanted, network, sys.stdout.buffer)
