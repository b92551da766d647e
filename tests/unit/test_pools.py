"""Threads for heavy work, with a bounded queue."""

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest

from app.pools import BusyError, Pool
from tests.conftest import PATIENCE


def test_results_errors_and_context_come_through() -> None:
    word = ContextVar("word", default="none")

    def divide(one: int, *, by: int) -> tuple[float, str]:
        return one / by, word.get()

    async def main() -> None:
        pool = Pool("counting", threads=1, waiting=0)
        word.set("mine")
        assert await pool.run(divide, 6, by=3) == (2.0, "mine")
        with pytest.raises(ZeroDivisionError):
            await pool.run(divide, 6, by=0)
        assert await pool.run(divide, 6, by=2) == (3.0, "mine")

    asyncio.run(main())


@pytest.mark.parametrize(("threads", "waiting"), [(1, 0), (1, 3), (2, 2)])
def test_too_much_work_is_refused_until_some_is_done(threads: int, waiting: int) -> None:
    go, most = threading.Event(), threads + waiting
    at_once: list[int] = []
    running = threading.Semaphore(threads)

    def work(number: int) -> int:
        assert running.acquire(blocking=False), "too many at the same time"
        assert go.wait(PATIENCE)
        running.release()
        at_once.append(number)
        return number

    async def main() -> None:
        pool = Pool("waiting", threads, waiting)
        tasks = [asyncio.create_task(pool.run(work, number)) for number in range(most)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="busy with waiting"):
            await pool.run(work, most)
        go.set()
        assert await asyncio.gather(*tasks) == list(range(most))
        assert await pool.run(work, most) == most

    asyncio.run(main())
    assert sorted(at_once) == list(range(most + 1))


def test_whoever_leaves_makes_room() -> None:
    go = threading.Event()
    done: list[str] = []

    def work(name: str) -> None:
        assert go.wait(PATIENCE)
        done.append(name)

    async def main() -> None:
        pool = Pool("waiting", threads=1, waiting=1)
        first, second = (asyncio.create_task(pool.run(work, name)) for name in ("first", "second"))
        await asyncio.sleep(0)
        second.cancel()
        await asyncio.sleep(0)
        third = asyncio.create_task(pool.run(work, "third"))
        await asyncio.sleep(0)
        go.set()
        await asyncio.gather(first, third)

    asyncio.run(main())
    assert done == ["first", "third"]


def test_whoever_waits_for_too_long_is_refused_and_their_work_is_not_begun() -> None:
    go, began = threading.Event(), threading.Event()
    done: list[str] = []

    def work(name: str) -> None:
        began.set()
        assert go.wait(PATIENCE)
        done.append(name)

    async def main() -> None:
        pool = Pool("waiting", threads=1, waiting=3, patience=PATIENCE)
        first = asyncio.create_task(pool.run(work, "first"))
        assert await asyncio.to_thread(began.wait, PATIENCE)
        pool._patience = 0.01
        with pytest.raises(BusyError, match="busy with waiting"):
            await pool.run(work, "second")
        first.cancel()  # its thread is still taken
        with pytest.raises(BusyError):
            await pool.run(work, "third")
        go.set()
        await asyncio.to_thread(pool._threads.shutdown)
        assert done == ["first"]

    asyncio.run(main())


def test_pieces_are_made_one_by_one_and_taken_however_much_waits() -> None:
    go = threading.Event()
    made: list[int] = []

    def pieces() -> Iterator[bytes]:
        for number in range(3):
            made.append(number)
            yield b"%d" % number
        raise ValueError("torn")

    async def main() -> None:
        pool = Pool("waiting", threads=1, waiting=0)
        stream = pool.pieces(pieces())
        assert await anext(stream) == b"0"
        assert made == [0], "no piece before it is wanted"
        waiting = asyncio.create_task(pool.run(go.wait, PATIENCE))
        await asyncio.sleep(0)
        with pytest.raises(BusyError):
            await pool.run(go.wait, PATIENCE)
        following = asyncio.ensure_future(anext(stream))  # takes its turn, and is not refused
        await asyncio.sleep(0)
        assert made == [0]
        go.set()
        assert await waiting
        assert await following == b"1"
        assert await anext(stream) == b"2"
        with pytest.raises(ValueError, match="torn"):
            await anext(stream)

    asyncio.run(main())


def test_pieces_end() -> None:
    async def main() -> list[bytes]:
        return [piece async for piece in Pool("counting", threads=1, waiting=0).pieces(iter([b"a", b"", b"b"]))]

    assert asyncio.run(main()) == [b"a", b"", b"b"]
