import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from app.faces.engine import MAX_ROWS, FaceEngine, Faces
from app.faces.latents import Latents, latents_of_seeds
from tests.conftest import PATIENCE


class Generator:
    """Makes recognisable faces: every pixel is the first latent number. Can be held up."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.held = threading.Event()

    def __call__(self, latents: Latents) -> Faces:
        if not self.gate.is_set():
            self.held.set()
            assert self.gate.wait(PATIENCE)
        self.batches.append(len(latents))
        return np.broadcast_to(latents[:, :1, np.newaxis].astype(np.uint8), (len(latents), 16, 16))


async def _until_held(generator: Generator) -> None:
    async with asyncio.timeout(PATIENCE):
        while not generator.held.is_set():
            await asyncio.sleep(0.001)


def _latents(first: int, count: int) -> Latents:
    return np.arange(first, first + count, dtype=np.float32)[:, np.newaxis].repeat(16, axis=1)


def _with_engine(scenario: Callable[[FaceEngine, Generator], Coroutine[Any, Any, None]]) -> Generator:
    generator = Generator()

    async def run() -> None:
        engine = FaceEngine()
        engine.start(generator)
        await engine.faces(generator, _latents(0, 1))
        await scenario(engine, generator)
        await engine.stop()

    asyncio.run(run())
    return generator


def test_the_engine_is_ready_after_its_first_face() -> None:
    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        async with asyncio.timeout(PATIENCE):
            while not engine.ready:
                await asyncio.sleep(0.01)

    _with_engine(scenario)

    async def not_started() -> None:
        assert not FaceEngine().ready

    asyncio.run(not_started())


def test_everyone_gets_their_own_faces() -> None:
    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        answers = await asyncio.gather(*(engine.faces(generator, _latents(i, 1 + i % 3)) for i in range(100)))
        for i, faces in enumerate(answers):
            assert faces[:, 0, 0].tolist() == list(range(i, i + 1 + i % 3))

    generator = _with_engine(scenario)
    assert len(generator.batches) < 20, "concurrent requests should share batches"


def test_everything_else_passes_a_large_request() -> None:
    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        generator.gate.clear()
        large = asyncio.create_task(engine.faces(generator, _latents(0, 20 * MAX_ROWS)))
        await _until_held(generator)
        single = asyncio.create_task(engine.faces(generator, _latents(7, 1)))
        await asyncio.sleep(0)  # the task begins: it has asked
        generator.batches.clear()
        generator.gate.set()
        assert (await single)[0, 0, 0] == 7
        assert len(await large) == 20 * MAX_ROWS
        assert generator.batches.index(1) <= 4, "only what was under way may come before"

    _with_engine(scenario)


def test_large_requests_are_split_and_batches_stay_bounded() -> None:
    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        latents = latents_of_seeds(range(1_000)) * 0 + np.arange(1_000, dtype=np.float32)[:, np.newaxis] % 250
        faces, single = await asyncio.gather(engine.faces(generator, latents), engine.faces(generator, _latents(7, 1)))
        np.testing.assert_array_equal(faces[:, 0, 0], np.arange(1_000) % 250)
        assert single[0, 0, 0] == 7

    assert max(_with_engine(scenario).batches) <= MAX_ROWS


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        generator.gate.clear()
        held = asyncio.create_task(engine.faces(generator, _latents(1, 1)))
        await _until_held(generator)
        gone = [asyncio.create_task(engine.faces(generator, _latents(2, 20 * MAX_ROWS))) for _ in range(10)]
        stays = asyncio.create_task(engine.faces(generator, _latents(3, 1)))
        await asyncio.sleep(0)  # the tasks begin: they have asked
        for task in gone:
            task.cancel()
        generator.gate.set()
        assert (await held)[0, 0, 0] == 1
        assert (await stays)[0, 0, 0] == 3

    # What was being generated when they went is finished; of the other rows none is.
    assert sum(_with_engine(scenario).batches) <= 10 + 4 * MAX_ROWS


def test_a_failure_reaches_those_who_wait_and_nobody_else() -> None:
    async def run() -> None:
        def fail_on_ones(latents: Latents) -> Faces:
            if (latents == 1).any():
                raise RuntimeError("no faces today")
            return np.zeros((len(latents), 16, 16), np.uint8)

        engine = FaceEngine()
        engine.start(fail_on_ones)
        with pytest.raises(RuntimeError, match="no faces today"):
            await engine.faces(fail_on_ones, _latents(1, 1))
        assert (await engine.faces(fail_on_ones, _latents(2, 1))).shape == (1, 16, 16)
        await engine.stop()

    asyncio.run(run())


def test_stopping_cancels_those_who_wait() -> None:
    async def run() -> None:
        generator = Generator()
        engine = FaceEngine()
        engine.start(generator)
        await engine.faces(generator, _latents(0, 1))
        generator.gate.clear()
        waiting = [asyncio.create_task(engine.faces(generator, _latents(i, 1))) for i in range(3)]
        await _until_held(generator)
        stopping = asyncio.create_task(engine.stop())
        await asyncio.sleep(0)  # the task begins: it waits for what is being generated
        generator.gate.set()
        await stopping
        for answer in await asyncio.gather(*waiting, return_exceptions=True):
            assert isinstance(answer, asyncio.CancelledError)

    asyncio.run(run())


def test_a_first_face_that_fails_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    failures = iter([RuntimeError("not yet"), RuntimeError("nor now")])

    def generate(latents: Latents) -> Faces:
        for error in failures:
            raise error
        return np.zeros((len(latents), 16, 16), np.uint8)

    async def run() -> None:
        engine = FaceEngine()
        engine.start(generate)
        async with asyncio.timeout(30):
            while not engine.ready:
                await asyncio.sleep(0.01)
        await engine.stop()

    asyncio.run(run())
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_two_generators_never_share_a_run() -> None:
    """While weights are changed, requests for the old and the new ones wait side by side."""

    async def scenario(engine: FaceEngine, generator: Generator) -> None:
        def other(latents: Latents) -> Faces:
            return generator(latents) + np.uint8(100)

        answers = await asyncio.gather(
            *(engine.faces(other if i % 2 else generator, _latents(i, 1)) for i in range(50))
        )
        assert [faces[0, 0, 0] for faces in answers] == [i + 100 * (i % 2) for i in range(50)]

    _with_engine(scenario)
