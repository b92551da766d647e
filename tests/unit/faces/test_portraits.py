import asyncio
import io
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app.faces import imaging
from app.faces import portraits as module
from app.faces.engine import FaceEngine, Faces, FacesUnavailableError
from app.faces.latents import Latents, latents_of_seeds
from app.faces.portraits import Portrait, Portraits
from tests.conftest import PATIENCE


def _generate(latents: Latents) -> Faces:
    """Make faces that tell their latents apart."""
    return np.repeat((latents * 40 + 128).clip(0, 255).astype(np.uint8), 16, axis=1).reshape(-1, 16, 16)


def _with_portraits(
    scenario: Callable[[Portraits], Coroutine[Any, Any, None]], generate: Callable[[Latents], Faces] = _generate
) -> None:
    async def run() -> None:
        engine = FaceEngine()
        portraits = Portraits(engine, generate)
        engine.start(generate)
        portraits.start()
        async with asyncio.timeout(PATIENCE):
            await scenario(portraits)
        await portraits.stop()
        await engine.stop()

    asyncio.run(run())


async def _until_full(portraits: Portraits) -> None:
    while len(portraits._stock) < module.STOCK:
        await asyncio.sleep(0.001)


def _is_of_its_seed(portrait: Portrait) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(portrait.png)))
    return bool((pixels == _generate(latents_of_seeds([portrait.seed]))[0]).all())


def test_no_new_face_is_given_twice() -> None:
    async def scenario(portraits: Portraits) -> None:
        new = [await portraits.new() for _ in range(100)]  # before there is a stock
        await _until_full(portraits)
        new += await asyncio.gather(*(portraits.new() for _ in range(2 * module.STOCK)))
        assert len({portrait.seed for portrait in new}) == len(new)
        assert all(_is_of_its_seed(portrait) for portrait in new)

    _with_portraits(scenario)


def test_new_faces_are_ready_before_they_are_asked_for() -> None:
    async def scenario(portraits: Portraits) -> None:
        await portraits.new()
        await _until_full(portraits)
        for _ in range(module.STOCK - module.LOW_STOCK + 1):
            await portraits.new()
        await _until_full(portraits)  # refilled long before it is empty

    _with_portraits(scenario)


def test_seeds_share_batches_and_everyone_gets_their_own() -> None:
    batches = []

    def generate(latents: Latents) -> Faces:
        batches.append(len(latents))
        return _generate(latents)

    async def scenario(portraits: Portraits) -> None:
        seeds = [seed % 150 for seed in range(300)]
        answers = await asyncio.gather(*(portraits.of_seed(seed) for seed in seeds))
        assert [portrait.seed for portrait in answers] == seeds
        assert all(_is_of_its_seed(portrait) for portrait in answers)

    _with_portraits(scenario, generate)
    assert len(batches) < 30


def test_who_goes_away_leaves_nothing_behind() -> None:
    drawn = []

    def generate(latents: Latents) -> Faces:
        drawn.extend(latents[:, 0].tolist())
        return _generate(latents)

    async def scenario(portraits: Portraits) -> None:
        gone = [asyncio.create_task(portraits.of_seed(seed)) for seed in range(50)]
        await asyncio.sleep(0)
        for task in gone:
            task.cancel()
        assert (await portraits.of_seed(99)).seed == 99
        assert not portraits._orders

    _with_portraits(scenario, generate)
    assert not set(drawn) & set(latents_of_seeds(range(50))[:, 0].tolist())


def test_who_goes_away_while_the_stock_is_full_disturbs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(portraits: Portraits) -> None:
        await _until_full(portraits)
        gone = asyncio.create_task(portraits.of_seed(1))
        await asyncio.sleep(0)
        gone.cancel()
        assert (await portraits.of_seed(99)).seed == 99

    _with_portraits(scenario, _generate)
    assert not caplog.records


def test_a_failure_reaches_those_who_wait_and_passes(caplog: pytest.LogCaptureFixture) -> None:
    broken = True

    def generate(latents: Latents) -> Faces:
        if broken:
            raise RuntimeError("no faces today")
        return _generate(latents)

    async def scenario(portraits: Portraits) -> None:
        nonlocal broken
        with pytest.raises(FacesUnavailableError, match="no faces today"):
            await portraits.of_seed(1)
        broken = False
        assert (await portraits.of_seed(1)).seed == 1

    _with_portraits(scenario, generate)
    assert "no faces today" in caplog.text


def test_a_failing_generator_is_told_of_once_in_one_line_and_tried_less_and_less(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors: list[Exception] = [RuntimeError(f"no faces today,\nfailure {i}") for i in range(50)]
    errors += [MemoryError(f"no memory either, failure {i}") for i in range(50)]
    pauses: list[float] = []

    def generate(latents: Latents) -> Faces:
        if errors:
            raise errors.pop(0)
        return _generate(latents)

    async def wait_for(waiting: Coroutine[Any, Any, Any], timeout: float) -> None:
        waiting.close()
        pauses.append(timeout)
        await asyncio.sleep(0)
        raise TimeoutError

    async def scenario(portraits: Portraits) -> None:
        monkeypatch.setattr(asyncio, "wait_for", wait_for)
        while errors:
            await asyncio.sleep(0.001)
        monkeypatch.undo()
        assert (await portraits.new()).png

    _with_portraits(scenario, generate)
    said = [(record.levelname, record.getMessage(), record.exc_info) for record in caplog.records]
    assert said == [
        ("ERROR", "drawing faces failed, and is tried until it works: RuntimeError: no faces today, failure 0", None),
        ("ERROR", "drawing faces failed, and is tried until it works: MemoryError: no memory either, failure 0", None),
        ("WARNING", "faces are drawn again", None),
    ]
    assert pauses[:7] == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0]
    assert set(pauses[7:]) == {5.0}


def test_whoever_asks_while_the_generator_fails_is_answered_at_once() -> None:
    broken = True

    def generate(latents: Latents) -> Faces:
        if broken:
            raise RuntimeError("no faces today")
        return _generate(latents)

    async def scenario(portraits: Portraits) -> None:
        nonlocal broken
        portraits._pause = 3_600.0
        for seed in range(20):
            with pytest.raises(FacesUnavailableError):
                await portraits.of_seed(seed)
        broken = False
        assert (await portraits.of_seed(1)).seed == 1
        assert portraits._pause < 3_600.0

    _with_portraits(scenario, generate)


def test_pictures_that_cannot_be_compressed_are_no_end(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(portraits: Portraits) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(imaging, "pngs", lambda faces: [][0])
            with pytest.raises(FacesUnavailableError):
                await portraits.of_seed(1)
        assert (await portraits.of_seed(1)).seed == 1

    _with_portraits(scenario)
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


def test_stopping_cancels_those_who_wait() -> None:
    async def run() -> None:
        portraits = Portraits(FaceEngine(), _generate)  # an engine that never starts
        portraits.start()
        waiting = [asyncio.create_task(portraits.of_seed(seed)) for seed in range(3)]
        await asyncio.sleep(0)  # the tasks begin: they have asked
        late = asyncio.create_task(portraits.of_seed(4))
        await asyncio.sleep(0)
        await portraits.stop()
        for answer in await asyncio.gather(*waiting, late, return_exceptions=True):
            assert isinstance(answer, asyncio.CancelledError)

    asyncio.run(run())
