"""Archives that are sent while they are written."""

import io
import zipfile

import numpy as np
import pytest

from app.jobs.service.zips import zipped

NOISE = np.random.default_rng(0).bytes(3_000_000)
CONTENTS = {
    "nothing": {},
    "an empty file": {"empty": b""},
    "several": {"generator.h5": NOISE, "discriminator.h5": b"\0" * 3_000_000, "job.json": b"{}"},
}


@pytest.mark.parametrize("contents", CONTENTS.values(), ids=list(CONTENTS))
def test_what_is_packed_is_unpacked(contents: dict[str, bytes]) -> None:
    files = {name: io.BytesIO(content) for name, content in contents.items()}
    pieces = list(zipped(files))
    assert max(map(len, pieces)) <= 2**19, "however large the files"
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents
        assert all(entry.compress_type == zipfile.ZIP_DEFLATED for entry in archive.infolist())
    assert all(file.closed for file in files.values())


def test_the_same_files_are_the_same_bytes() -> None:
    first, second = (b"".join(zipped({"a": io.BytesIO(NOISE)})) for _ in range(2))
    assert first == second


def test_whoever_leaves_lets_go_of_the_files() -> None:
    file = io.BytesIO(NOISE)
    pieces = zipped({"a": file})
    next(pieces)
    del pieces
    assert file.closed
