"""Mutated uploads of examples: each gives finite numbers or is refused in words, within limits of time and memory.

``python -m tests.soak.uploads 2000`` tries the first 2,000 mutants; ``--only NUMBER`` tries one of them again. It ends
with 1 if anything else happens. Each is read in a copy of this process, by the function that the service calls.
"""

import argparse
import io
import json
import os
import resource
import sys
import tempfile
import traceback
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from app.jobs.errors import UploadError
from app.jobs.service.examples import prepared
from app.jobs.service.uploads import read_table
from tests.soak.mutants import DAMAGES, Whole

_Random = np.random.Generator

#: What reading may take: seconds of processor time, which no other program prolongs, and MiB more than nothing takes.
MOST_SECONDS = 5.0
MOST_MEMORY = 1_024
_MAX_ROWS = 100_000

ACCEPTED, REFUSED, WRONG = "accepted", "refused in words", "anything else"


class Trial(NamedTuple):
    """What came of a mutant, why, and what reading it took: processor time and MiB of memory at most."""

    outcome: str
    words: str
    seconds: float
    memory: float


# whole files


def whole_files() -> list[Whole]:
    """Return good uploads of every kind; the ending is part of the name."""
    rng = np.random.default_rng(1)
    values = rng.normal(size=(400, 3)) * [1, 100, 1e-3]
    rows = [[f"{value:.6g}" for value in row] for row in values]
    comma = "\n".join(",".join(row) for row in rows)
    german = "Breite;Höhe;Tiefe\r\n" + "\r\n".join(";".join(row).replace(".", ",") for row in rows)
    quoted = '"a","b","c"\n' + "\n".join(",".join(f'"{cell}"' for cell in row) for row in rows)
    named = np.zeros(200, dtype=[("x", "f8"), ("y", "i4")])
    arrays = {
        "doubles": values,
        "singles": values.astype("f4"),
        "integers": (values * 100).astype("i2"),
        "Fortran": np.asfortranarray(values),
        "big-endian": values.astype(">f8"),
        "named": named,
        "truths": values > 0,
    }
    drawing = Image.new("L", (90, 60), 255)
    drawing.paste(0, (20, 20, 50, 45))
    pictures = {
        "png": drawing,
        "jpg": drawing,
        "gif": drawing,
        "webp": drawing,
        "bmp": drawing,
        "palette.png": drawing.convert("P"),
        "alpha.png": drawing.convert("LA"),
    }
    return [
        Whole("comma.csv", comma.encode(), []),
        Whole("german.csv", german.encode(), []),
        Whole("utf16.csv", german.encode("utf-16"), []),
        Whole("quoted.csv", quoted.encode(), []),
        Whole("tabs.tsv", comma.replace(",", "\t").encode(), []),
        *(Whole(f"{name}.npy", _saved(array), []) for name, array in arrays.items()),
        *(Whole(f"drawing.{ending}", _picture(image, ending), []) for ending, image in pictures.items()),
    ]


def _saved(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def _picture(image: Image.Image, ending: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, {"jpg": "jpeg"}.get(ending, ending.rpartition(".")[2]))
    return buffer.getvalue()


# files that are written to do harm


def _header(rng: _Random) -> tuple[str, bytes]:
    """Return a ``.npy`` whose header says what is not so."""
    shapes = ["(10**12, 2)", "(1000000000000, 2)", "(-1, 2)", "(3,)", "()", "(2, 0)", "(0, 2)", "(1,)*99999", "x"]
    kinds = ["'<f8'", "'|O'", "'<U9'", "'<c16'", "'<M8[s]'", "'|V99'", "'<f99'", "[[[", "{}"]
    kinds += ["[('a','<f8'),('a','<f8')]"]
    order = rng.choice(["True", "False", "None", "2"])
    text = f"{{'descr': {rng.choice(kinds)}, 'fortran_order': {order}, 'shape': {rng.choice(shapes)}, }}"
    if rng.random() < 0.2:
        text = "(" * int(rng.integers(1, 60_000)) + text
    header = text.encode() + b"\n"
    claimed = len(header) if rng.random() < 0.8 else int(rng.integers(2**31))
    version = int(rng.choice([1, 2, 3, 9]))
    size = min(claimed, 65_535).to_bytes(2, "little") if version == 1 else claimed.to_bytes(4, "little")
    return "header.npy", b"\x93NUMPY" + bytes([version, 0]) + size + header + rng.bytes(int(rng.integers(2_000)))


def _numbers(rng: _Random) -> tuple[str, bytes]:
    """Return a ``.npy`` with numbers that are none, or at the end of their range."""
    values = rng.normal(size=(50, 4))
    values[rng.integers(50), rng.integers(4)] = rng.choice([np.nan, np.inf, -np.inf, 1e308, -1e308, 5e-324])
    if rng.random() < 0.3:
        values[:, 0] = rng.choice([1.7e308, 5e-324, 1e300])
    with np.errstate(over="ignore"):
        return "numbers.npy", _saved(values.astype(rng.choice(["f8", "f4", "f2"])))


def _large(rng: _Random) -> tuple[str, bytes]:
    """Return a PNG that says it is large; its checksums are right."""
    width, height = (int(2 ** rng.uniform(0, 31)) for _ in range(2))
    bits, color = ((1, 0), (8, 2), (16, 6), (8, 3))[rng.integers(4)]
    rows = zlib.compress(bytes(min(2 ** int(rng.integers(28)), 10**8)), 1)
    head = width.to_bytes(4) + height.to_bytes(4) + bytes([bits, color, 0, 0, int(rng.integers(2))])
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    if rng.random() < 0.3:
        chunks.insert(1, (b"tEXt", b"a\0" + bytes(10**6)))
        chunks.insert(1, (b"zTXt", b"a\0\0" + zlib.compress(bytes(10**8), 1)))
    return "large.png", b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, content) for name, content in chunks)


def _chunk(name: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + name + content + zlib.crc32(name + content).to_bytes(4)


def _text(rng: _Random) -> tuple[str, bytes]:
    """Return a CSV with cells, lines or a size that nobody expects."""
    cells = ["1", "-2.5", "1e999", "nan", "inf", "0x1F", "१२", "1,5", "1.234,5", "", " "]
    cells += ['"', '""', "\0", "=1+1", "TRUE"]
    separator = str(rng.choice([",", ";", "\t", " ", "|"]))
    columns = int(rng.choice([1, 2, 3, 1_100, 5_000]))
    lines = [separator.join(rng.choice(cells[:2], columns)) for _ in range(int(rng.choice([1, 5, 30])))]
    for _ in range(rng.integers(3)):
        place = int(rng.integers(len(lines)))
        strange = ["9" * 10**6, '"' + "a\n" * 1_000, separator * 10**5, "\ufeff1", lines[place] + separator + "7"]
        lines[place] = strange[rng.integers(5)] if rng.random() < 0.8 else separator.join(rng.choice(cells, columns))
    if rng.random() < 0.1:
        lines = [separator.join(["1", "2"])] * 300_000
    content = str(rng.choice(["\n", "\r\n", "\r"])).join(lines)
    return "text.csv", content.encode(str(rng.choice(["utf-8", "utf-16", "latin-1"])), "replace")


_WRITTEN: dict[str, Callable[[_Random], tuple[str, bytes]]] = {
    "a false .npy header": _header,
    "numbers at their limits": _numbers,
    "a large picture": _large,
    "a strange CSV": _text,
}
KINDS = (*DAMAGES, *_WRITTEN)


def mutant(wholes: list[Whole], number: int) -> tuple[str, str, bytes]:
    """Return kind, file name and content of the mutant of this number."""
    rng = np.random.default_rng([13, number])
    kind = KINDS[number % len(KINDS)]
    if kind in _WRITTEN:
        return kind, *_WRITTEN[kind](rng)
    whole = wholes[rng.integers(len(wholes))]
    return kind, whole.name, DAMAGES[kind](rng, whole)


# attempts


def attempt(path: Path, name: str, content: bytes) -> Trial:
    """Read a file as an upload in a copy of this process."""
    path.write_bytes(content)
    answer, end = os.pipe()
    process = os.fork()
    if not process:
        os.close(answer)
        resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
        resource.setrlimit(resource.RLIMIT_AS, (8 * 2**30, 8 * 2**30))
        os.write(end, json.dumps(_outcome(path, name)).encode()[:60_000])
        os._exit(0)
    os.close(end)
    with os.fdopen(answer, "rb") as pipe:
        told = pipe.read()
    _, status, usage = os.wait4(process, 0)
    seconds, memory = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    if status or not told:
        return Trial(WRONG, f"the process ended with {os.waitstatus_to_exitcode(status)}", seconds, memory)
    outcome, words = json.loads(told)
    if seconds > MOST_SECONDS or memory > MOST_MEMORY:
        outcome = WRONG
    return Trial(outcome, words, seconds, memory)


def _outcome(path: Path, name: str) -> tuple[str, str]:
    try:
        table = read_table(path, name, max_rows=_MAX_ROWS)
        stored, examples = prepared(table, normalize=True)
    except UploadError as error:
        words = str(error)
        if len(words) > 1_000 or not words.isprintable() or str(path.parent) in words:
            return WRONG, f"not one line in words: {words[:200]!r}"
        return REFUSED, words
    except BaseException:
        return WRONG, traceback.format_exc()
    fine = examples.dtype == np.float32 and examples.shape == (stored.rows, stored.dimensions)
    fine = fine and bool(np.isfinite(examples).all() and (examples >= 0).all() and (examples <= 1).all())
    fine = fine and 1 <= stored.rows <= _MAX_ROWS
    json.dumps(stored.model_dump(mode="json"), allow_nan=False)
    return (
        (ACCEPTED, "") if fine else (WRONG, f"gave examples of {examples.dtype}{examples.shape} that cannot be trained")
    )


def main() -> None:
    """Try the mutants, print the figures."""
    parser = argparse.ArgumentParser(description="Read mutated uploads.")
    parser.add_argument("count", type=int, nargs="?", default=2_000, help="mutants to try (2,000)")
    parser.add_argument("--only", type=int, help="try this one, and say what came of it")
    arguments = parser.parse_args()
    wholes = whole_files()
    trials: list[tuple[str, Trial]] = []
    with tempfile.TemporaryDirectory(prefix="nobody-soak-") as folder:
        path = Path(folder) / "upload"
        for whole in wholes:
            trial = attempt(path, whole.name, whole.content)
            assert trial.outcome == ACCEPTED, (whole.name, trial)
        for number in range(arguments.count) if arguments.only is None else [arguments.only]:
            kind, name, content = mutant(wholes, number)
            trial = attempt(path, name, content)
            trials.append((kind, trial))
            if trial.outcome == WRONG or arguments.only is not None:
                took = f"{trial.seconds:.2f} s, {trial.memory:.0f} MiB"
                print(f"{number} ({kind}, {name}): {trial.outcome}, {took}; {trial.words}")
    counts = Counter((kind, trial.outcome) for kind, trial in trials)
    counts += Counter(("all", trial.outcome) for _, trial in trials)
    print(f"{'mutated uploads':<34}" + "".join(f"{outcome:>18}" for outcome in (ACCEPTED, REFUSED, WRONG)))
    for kind in [*sorted({kind for kind, _ in trials}), "all"]:
        print(f"{kind:<34}" + "".join(f"{counts[kind, outcome]:>18}" for outcome in (ACCEPTED, REFUSED, WRONG)))
    seconds, memory = (max(figures) for figures in zip(*(trial[2:] for _, trial in trials), strict=True))
    print(f"at most {seconds:.2f} s of processor time, {memory:.0f} MiB")
    sys.exit(any(trial.outcome == WRONG for _, trial in trials))


if __name__ == "__main__":
    main()
