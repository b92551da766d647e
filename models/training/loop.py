"""Many training steps in one call: compiled and shared, compiled for one model, or step by step.

The fastest loop that is known to take the model's own ``train_step`` is used:

1. A loop compiled for a copy of the networks, by XLA where it helps. All models of one description share it, see
   :func:`.architecture.describe`. Before its first use a step on the copy is compared with one on the model.
2. A loop compiled on the model's own objects and variables, for whatever else TensorFlow can compile.
3. ``train_step`` by itself, step after step: where that fails, or where a step changes attributes of Python's.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.catalogue import block_steps
from models.latents import LatentGenerator
from models.training.architecture import Description, copy_chain, describe
from models.training.draws import Draws, PreparedRandomness, draw_latents, draw_subsets, is_constant

if TYPE_CHECKING:
    from models.gan import GAN

#: How long the loop stays inside graph calls: the pace of progress reports and the delay of a stop.
CHUNK_SECONDS = 0.25

#: Architectures whose compiled loops are kept.
KEPT = 16

Losses = npt.NDArray[np.float32]

_log = logging.getLogger(__name__)


class Blocks:
    """The random numbers of a model's steps, drawn a block at a time, see :func:`models.catalogue.block_steps`.

    Args:
        gan: whose steps.
        generator_of: makes the random generator of a block from its number.
        ahead: whether the next block may be drawn while the steps of this one run; not where the latent generator is
            the caller's own.
        compiled: whether a latent generator of the caller's own may be compiled, if it draws by TensorFlow: faster, but
            TensorFlow's seed counts only when it is traced.
    """

    def __init__(
        self, gan: "GAN", generator_of: Callable[[int], np.random.Generator], *, ahead: bool, compiled: bool
    ) -> None:
        self._gan = gan
        self._generator_of = generator_of
        self._ahead = ahead
        self._compiled = compiled
        self._latent_draws: Callable[[], tf.Tensor] | None = None
        self._drawn_from: list[Any] = []
        self._drawn: dict[int, Future[Draws]] = {}

    @property
    def steps(self) -> int:
        """Steps in a block."""
        gan = self._gan
        return block_steps(gan.batch_size, gan.disc_iter, math.prod(gan.example_shape), math.prod(gan.latent_shape))

    def __call__(self, number: int) -> Draws:
        """Return the draws of a block."""
        gan = self._gan
        drawn_from = [gan.batch_size, gan.disc_iter, id(gan.real_examples), id(gan.latent_generator)]
        if drawn_from != self._drawn_from:
            self._drawn_from, self._drawn, self._latent_draws = drawn_from, {}, None
            self._kept = gan.real_examples, gan.latent_generator  # so that nothing else gets their ids
        ahead = self._ahead and isinstance(gan.latent_generator, LatentGenerator)
        wanted = {number, number + 1} if ahead else {number}
        self._drawn = {number: self._drawn.get(number) or self._start(number, ahead) for number in sorted(wanted)}
        return self._drawn[number].result()

    def _start(self, number: int, ahead: bool) -> "Future[Draws]":
        if ahead:
            return _thread.submit(self._draw, self._generator_of(number))
        drawn: Future[Draws] = Future()
        with _global_state:  # which the latents may come from
            drawn.set_result(self._draw(self._generator_of(number)))
        return drawn

    def _draw(self, rng: np.random.Generator) -> Draws:
        gan, steps = self._gan, self.steps
        shape = (steps, gan.disc_iter, gan.batch_size)
        subsets = draw_subsets(rng, len(gan.real_examples), gan.subset_size(), steps * gan.disc_iter)
        return Draws(
            tf.gather(gan.real_examples, subsets.reshape(shape)),
            self._latents(rng, steps * (gan.disc_iter + 1) * gan.batch_size),
            tf.constant(rng.random(shape, dtype=np.float32)),
        )

    def _latents(self, rng: np.random.Generator, count: int) -> tf.Tensor:
        gan = self._gan
        if isinstance(gan.latent_generator, LatentGenerator):
            latents = tf.constant(draw_latents(rng, gan.latent_generator, count))
        else:
            self._latent_draws = self._latent_draws or self._prepare_latent_draws()
            latents = self._latent_draws()
        return tf.reshape(latents, (-1, gan.disc_iter + 1, gan.batch_size, *latents.shape[1:]))

    def _prepare_latent_draws(self) -> Callable[[], tf.Tensor]:
        """Return what draws a block's latents from the caller's own generator.

        It is asked as single steps ask: nobody knows whether a draw of many is as good as many draws.
        """
        gan, steps = self._gan, self.steps
        size, at_once = gan.batch_size, math.gcd(steps, 10)

        def draw(steps: int) -> tf.Tensor:
            return tf.concat([gan.draw_latents(size) for _ in range(steps * (gan.disc_iter + 1))], axis=0)

        def traced() -> tf.Tensor:
            if is_constant(gan.latent_generator(size)):
                raise ValueError("it draws outside TensorFlow")
            return draw(at_once)

        if self._compiled:
            try:
                if _constants(gan, size) != _constants(gan, size):
                    return partial(draw, steps)  # it counts, or draws a part of it outside TensorFlow
                compiled = tf.function(traced, autograph=False).get_concrete_function()
            except Exception:  # whatever it does that a graph cannot hold
                return partial(draw, steps)
            return lambda: tf.concat([compiled() for _ in range(steps // at_once)], axis=0)
        return partial(draw, steps)


def _constants(gan: "GAN", size: int) -> list[bytes]:
    """Return the constants of a graph that draws latent vectors."""
    graph = tf.function(lambda: gan.draw_latents(size), autograph=False).get_concrete_function().graph
    return [op.get_attr("value").SerializeToString() for op in graph.get_operations() if op.type == "Const"]


def seeded_blocks(gan: "GAN") -> Blocks:
    """Return blocks that are a function of ``gan.seed``, and set TensorFlow's seed for latents drawn from it."""

    def generator_of(number: int) -> np.random.Generator:
        if not isinstance(gan.latent_generator, LatentGenerator):
            tf.random.set_seed((gan.seed * 1_000_003 + number) % 2**63)
        return np.random.default_rng([gan.seed % 2**64, number])

    return Blocks(gan, generator_of, ahead=True, compiled=False)


def global_blocks(gan: "GAN") -> Blocks:
    """Return blocks that follow from TensorFlow's global random state."""

    def generator_of(number: int) -> np.random.Generator:
        return np.random.default_rng(int(tf.random.uniform((), maxval=2**62, dtype=tf.int64)))

    return Blocks(gan, generator_of, ahead=False, compiled=True)


class Loop:
    """Takes steps in chunks of about ``CHUNK_SECONDS``."""

    def __init__(self) -> None:
        #: Steps of a chunk.
        self.pace = 1
        #: Whether it has run; the first run compiles it, which takes a second or so.
        self.compiled = False

    def chunks(self, gan: "GAN", first: int, steps: int, blocks: Blocks) -> Iterator[Losses]:
        """Train ``gan`` chunk by chunk.

        Args:
            gan: a model that the loop was made for.
            first: where in the sequence of blocks to begin, in steps.
            steps: how many.
            blocks: the random numbers.

        Yields:
            The losses of each chunk, ``(steps of the chunk, loss names)``; ``gan`` stands after the chunk then.
        """
        end = first + steps
        while first < end:
            count = min(self.pace, end - first)
            started = time.monotonic()
            losses = self._chunk(gan, first, count, blocks)
            elapsed = time.monotonic() - started
            if count == self.pace and elapsed < CHUNK_SECONDS / 2:
                self.pace *= 2
            elif elapsed > CHUNK_SECONDS * 2:
                self.pace = max(1, self.pace // 2)
            first += count
            yield losses

    def _chunk(self, gan: "GAN", first: int, count: int, blocks: Blocks) -> Losses:
        losses = []
        size = blocks.steps
        for number in range(first // size, (first + count - 1) // size + 1):
            start = max(first - number * size, 0)
            stop = min(first + count - number * size, size)
            losses.append(self._steps(gan, blocks(number), start, stop))
            self.compiled = True
        return np.concatenate(losses)

    def _steps(self, gan: "GAN", draws: Draws, start: int, stop: int) -> Losses:
        """Take the steps ``start`` … ``stop - 1`` of a block."""
        raise NotImplementedError


class SharedLoop(Loop):
    """A loop compiled for a copy of the networks.

    Args:
        twin: has the copies; the state of other models is copied in, and out again afterwards.
    """

    def __init__(self, twin: "GAN") -> None:
        super().__init__()
        self._variables = _state(twin)
        self._lock = threading.Lock()
        self._run = _compiled(twin, twin.uses_xla)

    def _chunk(self, gan: "GAN", first: int, count: int, blocks: Blocks) -> Losses:
        with self._lock:
            _copy(_state(gan), self._variables)
            losses = super()._chunk(gan, first, count, blocks)
            _copy(self._variables, _state(gan))
        return losses

    def _steps(self, gan: "GAN", draws: Draws, start: int, stop: int) -> Losses:
        return _numbers(self._run(*draws, tf.constant(start), tf.constant(stop)), start, stop)


class OwnLoop(Loop):
    """A loop on a model's own objects: compiled where that is possible, else step by step.

    Args:
        described: the one model that it trains: its description, for as long as which the loop is right.
    """

    def __init__(self, described: Description) -> None:
        super().__init__()
        self._traced_with = described.own
        self._run: Callable[..., tf.Tensor] | None = None
        self._changes_itself = False

    def is_right_for(self, described: Description) -> bool:
        """Whether nothing has changed that the loop depends on."""
        return self._changes_itself or self._traced_with == described.own

    def _steps(self, gan: "GAN", draws: Draws, start: int, stop: int) -> Losses:
        if self._run is not None:
            return _numbers(self._run(*draws, tf.constant(start), tf.constant(stop)), start, stop)
        if self.compiled or gan.run_eagerly:
            return _one_by_one(gan, draws, start, stop)
        return self._first_steps(gan, draws, start, stop)

    def _first_steps(self, gan: "GAN", draws: Draws, start: int, stop: int) -> Losses:
        """Compile the steps, where that is possible and right, and take the first."""
        values, before = _values(gan), describe(gan).plain
        plain, reason, changed = before, "", False
        # Each form twice, for layers that note something once, such as the size of a batch.
        forms = [True, True, False, False] if gan.jit_compiled else [False, False]
        while forms:
            xla = forms.pop(0)
            run = _compiled(gan, xla)
            try:
                losses = _numbers(run(*draws, tf.constant(start), tf.constant(stop)), start, stop)
            except Exception as error:  # whatever a layer of the caller's own may raise in a graph
                reason, changed = _first_line(error), False
                forms = [form for form in forms if form is not xla]
            else:
                described = describe(gan)
                changes, plain = _changes(plain, described.plain), described.plain
                if not changes:
                    self._run, self._traced_with = run, described.own
                    if gan.jit_compiled and not xla:
                        _log.warning("this model's steps cannot be compiled by XLA and run without it (%s)", reason)
                    return losses
                reason, changed = f"they change {', '.join(changes)}", True
            _assign(gan, values)
        for holder, name, value in before:
            if vars(holder).get(name, value) is not value:
                setattr(holder, name, value)
        # If the step itself is at fault, it raises the same once more.
        losses = _one_by_one(gan, draws, start, stop)
        self._changes_itself = changed
        _log.warning("this model's steps cannot be compiled and run one by one (%s)", reason)
        return losses


_loops: dict[Hashable, SharedLoop | None] = {}
_loops_lock = threading.Lock()
#: Held by who draws from TensorFlow's global random state after setting its seed.
_global_state = threading.RLock()
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="draws")


def loop_for(gan: "GAN") -> Loop:
    """Return the fastest loop that is known to take the model's own steps."""
    gan.build_optimizers()
    described = describe(gan)
    key = described.key
    if described.complete and not gan.run_eagerly:
        with _loops_lock:
            if key not in _loops:
                while len(_loops) >= KEPT:
                    del _loops[next(iter(_loops))]
                _loops[key] = _shared_loop(gan, key)
            shared = _loops[key]
        if shared is not None:
            return shared
    if gan.own_loop is None or not gan.own_loop.is_right_for(described):
        gan.own_loop = OwnLoop(described)
    return gan.own_loop


def forget() -> None:
    """Drop all shared loops; models compile theirs anew."""
    with _loops_lock:
        _loops.clear()


def _shared_loop(gan: "GAN", key: Hashable) -> SharedLoop | None:
    """Return a loop for all models of this description; None if a copy of the networks is not the same after all."""
    try:
        twin = _twin(gan)
        if describe(twin).key != key or not _take_equal_steps(gan, twin):
            return None
    except Exception:  # whatever a network raises that is not what its config says
        _log.debug("a network cannot be copied", exc_info=True)
        return None
    return SharedLoop(twin)


def _twin(gan: "GAN") -> "GAN":
    """Build a model of the same description, with variables of its own."""
    networks = copy_chain(gan.generator), copy_chain(gan.discriminator)
    examples = np.zeros((gan.batch_size, *gan.example_shape), np.float32)
    latent_shape = gan.latent_shape  # not the model itself: it would live as long as the loop
    twin = type(gan)(*networks, lambda k: tf.zeros((k, *latent_shape)), examples, gan.batch_size, gan.disc_iter)
    for name in ("jit_compiled", "lambda_gp", "clip"):
        if hasattr(gan, name):
            setattr(twin, name, getattr(gan, name))
    optimizers = (network.optimizer for network in (gan.generator, gan.discriminator))
    twin.set_optimizers(*(type(one).from_config(one.get_config()) for one in optimizers))
    return twin


def _take_equal_steps(gan: "GAN", twin: "GAN") -> bool:
    """Compare the losses of a step, taken by both from the same state on the same draws; ``gan`` stays as it is."""
    rng = np.random.default_rng(0)
    rows = np.arange(gan.disc_iter * gan.batch_size).reshape(gan.disc_iter, -1) % len(gan.real_examples)
    latents = rng.normal(size=(gan.disc_iter + 1, gan.batch_size, *gan.latent_shape))
    draws = Draws(
        tf.gather(gan.real_examples, rows),
        tf.constant(latents, tf.float32),
        tf.constant(rng.random(rows.shape, dtype=np.float32)),
    )
    before = _values(gan)
    _assign(twin, before)
    try:
        return np.allclose(_losses(gan, draws), _losses(twin, draws), rtol=1e-3, atol=1e-5, equal_nan=True)
    finally:
        _assign(gan, before)


# steps


def _compiled(gan: "GAN", xla: bool) -> tf.types.experimental.PolymorphicFunction:
    """Return a function of a block's draws and of the first and the last of its steps that takes these steps."""

    def steps(
        examples: tf.Tensor, latents: tf.Tensor, uniforms: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        # Not a for over tf.range: its length would be a constant to XLA, which would compile each length anew.
        def step(i: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            return i + 1, losses.write(i, _step(gan, Draws(examples[i], latents[i], uniforms[i])))

        losses = tf.TensorArray(tf.float32, size=uniforms.shape[0], element_shape=(len(gan.loss_names),))
        _, losses = tf.while_loop(lambda i, _: i < stop, step, (start, losses))
        return losses.stack()

    return tf.function(steps, jit_compile=xla, autograph=False)


def _step(gan: "GAN", draws: Draws) -> tf.Tensor:
    """Take a step and return its losses in the order of ``gan.loss_names``."""
    with gan.drawing_from(PreparedRandomness(draws)):
        logs = gan.train_step(None)
    if missing := [name for name in gan.loss_names if name not in logs]:
        raise ValueError(
            f"train_step: expected {', '.join(gan.loss_names)} among the losses it returns, got {', '.join(logs)}, "
            f"without {', '.join(missing)}; name those of a train_step of your own in the class's loss_names"
        )
    return tf.stack([tf.cast(logs[name], tf.float32) for name in gan.loss_names])


def _one_by_one(gan: "GAN", draws: Draws, start: int, stop: int) -> Losses:
    return np.stack([_losses(gan, _at(draws, i)) for i in range(start, stop)])


def _losses(gan: "GAN", draws: Draws) -> Losses:
    losses: Losses = _step(gan, draws).numpy()
    return losses


def _numbers(losses: tf.Tensor, start: int, stop: int) -> Losses:
    numbers: Losses = losses.numpy()[start:stop]
    return numbers


def _at(draws: Draws, step: int) -> Draws:
    return Draws(*(values[step] for values in draws))


# state


def _state(gan: "GAN") -> list[tf.Variable]:
    return [variable if isinstance(variable, tf.Variable) else variable.value for variable in gan.state.values()]


def _values(gan: "GAN") -> list[tf.Tensor]:
    return [tf.identity(variable) for variable in _state(gan)]


def _assign(gan: "GAN", values: list[tf.Tensor]) -> None:
    for variable, value in zip(_state(gan), values, strict=True):
        variable.assign(value)


def _copy(source: list[tf.Variable], target: list[tf.Variable]) -> None:
    for one, other in zip(source, target, strict=True):
        value = tf.raw_ops.ReadVariableOp(resource=one.handle, dtype=one.dtype)
        tf.raw_ops.AssignVariableOp(resource=other.handle, value=value)  # in half the time of assign


def _changes(before: tuple[Any, ...], after: tuple[Any, ...]) -> list[str]:
    """Return the names of plain attributes that differ, see :class:`models.training.architecture.Description`."""
    old, new = ({(id(holder), name): repr(value) for holder, name, value in plain} for plain in (before, after))
    return sorted({key[1] for key, value in new.items() if old.get(key) != value})


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0]
