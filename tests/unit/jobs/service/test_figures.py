"""Figures are asked for when somebody wants them, by one attempt at a time, and nobody waits for long."""

import asyncio
import itertools
import threading
from pathlib import Path

import pytest

from app.config import Settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.service import figures
from app.jobs.service.database import JobDatabase
from app.jobs.service.figures import JobFigures, _Recent


def test_many_who_ask_at_once_get_one_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = itertools.count(1)

    async def ask() -> list[int | None]:
        recent = _Recent(lambda: next(numbers), seconds=3_600.0)
        first = await asyncio.gather(*(recent.get() for _ in range(5)))
        monkeypatch.setattr(recent, "_seconds", -1.0)
        return [*first, await recent.get()]

    assert asyncio.run(ask()) == [1] * 5 + [2]


@pytest.mark.parametrize("error", [JobsUnavailableError("down"), OSError("gone")])
def test_what_cannot_be_had_is_none(error: Exception) -> None:
    def fail() -> int:
        raise error

    assert asyncio.run(_Recent(fail, 1.0).get()) is None


def test_nobody_waits_for_an_answer_that_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "_PATIENCE_SECONDS", 0.01)
    goes_on = threading.Event()

    async def ask() -> tuple[int | None, int | None]:
        recent = _Recent(lambda: int(goes_on.wait()), 3_600.0)
        early = await recent.get()
        goes_on.set()
        monkeypatch.setattr(figures, "_PATIENCE_SECONDS", None)
        return early, await recent.get()

    assert asyncio.run(ask()) == (None, 1)


def test_the_disk_is_that_of_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "data"
    look = JobFigures(JobDatabase(Settings(data=data)))
    assert asyncio.run(look.disk()) is None
    (data / "jobs" / "ab").mkdir(parents=True)
    (data / "jobs" / "ab" / "points.npy").write_bytes(bytes(100_000))
    (data / "jobs" / "ab" / "gone").symlink_to("nowhere")
    found = asyncio.run(JobFigures(JobDatabase(Settings(data=data))).disk())
    assert found is not None
    assert 100_000 <= found.used < 200_000
    assert found.free
