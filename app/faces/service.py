"""The faces that are served: of one generator at a time, which can be replaced while requests are answered."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.faces.engine import FaceEngine
from app.faces.generator import FaceGenerator
from app.faces.portraits import Portraits

#: Drawing the first faces of new weights takes a second; if it takes so many, something is wrong.
_WARM_SECONDS = 60


@dataclass(frozen=True)
class Model:
    """A generator and all that was made of it. Whoever answers a request takes the model once, and all from it."""

    generator: FaceGenerator
    portraits: Portraits
    #: Remembered answers by the query that asks for them, least recently used first.
    answers: dict[bytes, Any] = field(default_factory=dict)


class FaceService:
    """Serves the faces of a model, and replaces the model by another.

    Args:
        load: loads and checks the generator, now and for each later model.

    Raises:
        WeightsError: there is no sound generator.
    """

    def __init__(self, load: Callable[[], FaceGenerator]) -> None:
        self._load = load
        self.engine = FaceEngine()
        #: The one that is served now.
        self.model = self._model(load())

    def start(self) -> None:
        """Start on the running event loop."""
        self.engine.start(self.model.generator)
        self.model.portraits.start()

    async def stop(self) -> None:
        """Stop; whoever still waits is cancelled."""
        await self.model.portraits.stop()
        await self.engine.stop()

    async def reload(self) -> None:
        """Load the weights anew and warm up beside the present model, then replace it. After an error it stays.

        Requests that have taken the old model finish with it; it goes with the last of them.

        Raises:
            WeightsError: there is no sound generator.
            FacesUnavailableError: it draws no faces.
            TimeoutError: it takes too long to draw some.
        """
        new = self._model(await asyncio.to_thread(self._load))
        try:
            async with asyncio.timeout(_WARM_SECONDS):
                await new.portraits.of_seed(0)  # raises what is wrong; the stock would try again
                await new.portraits.start()
        except BaseException:
            await new.portraits.stop()
            raise
        old, self.model = self.model, new
        old.portraits.retire()

    def _model(self, generator: FaceGenerator) -> Model:
        return Model(generator, Portraits(self.engine, generator))
