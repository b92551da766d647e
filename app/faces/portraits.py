"""Single faces as PNG, for many visitors at once: new ones are ready before anyone asks."""

import asyncio
import contextlib
from collections import deque
from contextvars import Context
from typing import NamedTuple

from app.faces import imaging
from app.faces.engine import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    MAX_ROWS,
    FaceEngine,
    FacesUnavailableError,
    Failures,
    Generate,
)
from app.faces.latents import latents_of_seeds, new_seeds

#: New faces that are kept ready, and how few of them call for more.
STOCK, LOW_STOCK = 2_048, 1_536


class Portrait(NamedTuple):
    """A face, 16×16."""

    seed: int
    png: bytes


class _Order(NamedTuple):
    seed: int
    portrait: asyncio.Future[Portrait]


class Portraits:
    """Draws single faces a batch at a time; where a batch has room left, it refills the stock of new faces.

    All are of one generator. It draws while there is something to draw, in a task that then ends: so nobody has to know
    when the last request for the faces of a generator that was replaced has come.
    """

    def __init__(self, engine: FaceEngine, generate: Generate) -> None:
        self._engine = engine
        self._generate = generate
        self._stock: deque[Portrait] = deque()
        self._most = 0  # of the stock
        self._orders: deque[_Order] = deque()
        self._wanted = asyncio.Event()  # ends a pause
        self._task: asyncio.Task[None] | None = None
        self._pause = FIRST_PAUSE
        self._failures = Failures()

    @property
    def stock(self) -> int:
        """How many new faces are ready."""
        return len(self._stock)

    def start(self) -> asyncio.Task[None]:
        """Keep a stock from now on; return a task that ends once it is full."""
        self._most = STOCK
        return self._go_on()

    def retire(self) -> None:
        """Keep no stock any more; what is asked for is still drawn."""
        self._most = 0
        self._wanted.set()

    async def stop(self) -> None:
        """Stop drawing; whoever still waits is cancelled."""
        self.retire()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        for order in self._orders:
            order.portrait.cancel()

    async def new(self) -> Portrait:
        """Return a face that nobody has been given yet."""
        if len(self._stock) <= LOW_STOCK and self._most:
            self._go_on()
        return self._stock.popleft() if self._stock else await self.of_seed(new_seeds(1)[0])

    async def of_seed(self, seed: int) -> Portrait:
        """Return the face of a seed."""
        order = _Order(seed, asyncio.get_running_loop().create_future())
        self._orders.append(order)
        self._go_on()
        return await order.portrait

    def _go_on(self) -> asyncio.Task[None]:
        self._wanted.set()
        if self._task is None or self._task.done():
            # In a context of its own: it draws for many requests, not for the one that asks now.
            self._task = asyncio.create_task(self._draw(), context=Context())
        return self._task

    async def _draw(self) -> None:
        while self._orders or len(self._stock) < self._most:
            await self._draw_batch()

    async def _draw_batch(self) -> None:
        orders = [self._orders.popleft() for _ in range(min(len(self._orders), MAX_ROWS))]
        orders = [order for order in orders if not order.portrait.done()]  # else its client has gone
        more = max(0, min(self._most - len(self._stock), MAX_ROWS - len(orders)))
        seeds = [order.seed for order in orders] + new_seeds(more)
        if not seeds:
            return  # all who waited have gone
        try:
            faces = await self._engine.faces(self._generate, latents_of_seeds(seeds))
            pictures = imaging.pngs(faces)
            portraits = [Portrait(seed, picture) for seed, picture in zip(seeds, pictures, strict=True)]
            for order, portrait in zip(orders, portraits, strict=False):
                if not order.portrait.done():
                    order.portrait.set_result(portrait)
            self._stock.extend(portraits[len(orders) :])
            self._pause = FIRST_PAUSE
            self._failures.over()
        except Exception as error:
            if not isinstance(error, FacesUnavailableError):  # of which the engine has told
                self._failures.tell(error)
            for order in orders:
                if not order.portrait.done():
                    order.portrait.set_exception(FacesUnavailableError(str(error)))
            await self._rest()
        finally:
            for order in orders:
                order.portrait.cancel()  # does nothing to those that are done

    async def _rest(self) -> None:
        """Pause after a failure, for longer each time, unless somebody asks for a face."""
        self._wanted.clear()
        if self._orders:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)
