"""Many training steps in one graph call, which models of one architecture share."""

import json
import math
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from models.latents import LatentGenerator
from models.randomness import Draws, PreparedRandomness, draw_latents, draw_subsets
from models.small_maps import clone

if TYPE_CHECKING:
    from models.gan import GAN

#: How long the loop stays inside graph calls: the pace of progress reports and the delay of a stop.
CHUNK_SECONDS = 0.25

#: Steps whose random numbers are drawn at once, unless those take more bytes than ``BLOCK_BYTES``: see
#: :func:`block_steps`. Part of what a seed means: other numbers give other runs.
BLOCK = 100
BLOCK_BYTES = 64 * 2**20

#: Architectures whose compiled loops are kept.
KEPT = 16

#: Layers that XLA makes faster on a CPU; it makes convolutions far slower.
_XLA_LAYERS = ("InputLayer", "Dense", "Activation", "LeakyReLU", "ReLU", "ELU", "Flatten", "Reshape")

Losses = npt.NDArray[np.float32]


def block_steps(batch_size: int, disc_iter: int, example_size: int, latent_size: int) -> int:
    """Return the number of steps whose random numbers are drawn at once, 1 … ``BLOCK``.

    Args:
        batch_size: of a step.
        disc_iter: of a step.
        example_size: numbers in a real example.
        latent_size: numbers in a latent vector.
    """
    return max(1, min(BLOCK, BLOCK_BYTES // step_bytes(batch_size, disc_iter, example_size, latent_size)))


def step_bytes(batch_size: int, disc_iter: int, example_size: int, latent_size: int) -> int:
    """Return how much memory the random numbers of a step take, with what it takes to draw them."""
    numbers = disc_iter * (example_size + 1) + (disc_iter + 1) * latent_size
    return batch_size * (4 * numbers + 32 * disc_iter)  # 32: subsets are sorted before they are cut


class Blocks:
    """The random numbers of a model's steps, drawn for a block of steps at once, see :func:`block_steps`.

    Args:
        gan: whose steps.
        generator_of: makes the random generator of a block from its number.
        ahead: whether the next block may be drawn while the steps of this one run.
    """

    def __init__(self, gan: "GAN", generator_of: Callable[[int], np.random.Generator], ahead: bool) -> None:
        self._gan = gan
        self._generator_of = generator_of
        self._ahead = ahead
        self._settings: tuple[int, ...] = ()
        self._drawn: dict[int, Future[Draws]] = {}

    @property
    def steps(self) -> int:
        """Steps in a block."""
        gan = self._gan
        sizes = (math.prod(shape[1:]) for shape in (gan.generator.output_shape, gan.generator.input_shape))
        return block_steps(gan.batch_size, gan.disc_iter, *sizes)

    def __call__(self, number: int) -> Draws:
        """Return the draws of a block."""
        settings = (self._gan.batch_size, self._gan.disc_iter, id(self._gan.real_examples))
        if settings != self._settings:
            self._settings, self._drawn = settings, {}
        wanted = {number, number + 1} if self._ahead else {number}
        self._drawn = {number: self._drawn.get(number) or self._start(number) for number in sorted(wanted)}
        return self._drawn[number].result()

    def _start(self, number: int) -> "Future[Draws]":
        if self._ahead:
            return _thread.submit(self._draw, self._generator_of(number))
        drawn: Future[Draws] = Future()
        drawn.set_result(self._draw(self._generator_of(number)))
        return drawn

    def _draw(self, rng: np.random.Generator) -> Draws:
        gan, steps = self._gan, self.steps
        shape = (steps, gan.disc_iter, gan.batch_size)
        subsets = draw_subsets(rng, len(gan.real_examples), gan.batch_size, steps * gan.disc_iter)
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
            latents = gan.latent_generator(count)
            if latents.shape[0] != count:  # it cannot give so many: ask for them as single steps do
                latents = tf.concat([gan.draw_latents(gan.batch_size) for _ in range(count // gan.batch_size)], axis=0)
            latents = tf.cast(latents, tf.float32)
        return tf.reshape(latents, (-1, gan.disc_iter + 1, gan.batch_size, *latents.shape[1:]))


def seeded_blocks(gan: "GAN") -> Blocks:
    """Return blocks that are a function of ``gan.seed``, and set TensorFlow's seed for latents drawn from it."""

    def generator_of(number: int) -> np.random.Generator:
        if not isinstance(gan.latent_generator, LatentGenerator):
            tf.random.set_seed((gan.seed * 1_000_003 + number) % 2**63)
        return np.random.default_rng([gan.seed % 2**64, number])

    return Blocks(gan, generator_of, ahead=isinstance(gan.latent_generator, LatentGenerator))


def global_blocks(gan: "GAN") -> Blocks:
    """Return blocks that follow from TensorFlow's global random state."""
    return Blocks(
        gan, lambda _: np.random.default_rng(int(tf.random.uniform((), maxval=2**62, dtype=tf.int64))), ahead=False
    )


class Loop:
    """A compiled training loop.

    Args:
        gan: the model whose ``train_step`` is compiled, and on whose variables the loop works. Other models of the
            same architecture run through it, too: their state is copied in, and out again afterwards.
        xla: whether XLA compiles it.
    """

    def __init__(self, gan: "GAN", xla: bool) -> None:
        self._gan = gan
        self._variables = _state(gan)
        self._lock = threading.Lock()
        self._run = tf.function(self._steps, jit_compile=xla, autograph=False)
        #: Steps that take about ``CHUNK_SECONDS``.
        self.pace = 1
        #: Whether it has run; the first run compiles it, which takes a second or so.
        self.compiled = False

    def chunks(self, gan: "GAN", first: int, steps: int, blocks: Blocks) -> Iterator[Losses]:
        """Train ``gan`` chunk by chunk.

        Args:
            gan: of the architecture that the loop was compiled for.
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
        with self._lock:
            _copy(_state(gan), self._variables)
            size = blocks.steps
            for number in range(first // size, (first + count - 1) // size + 1):
                start = max(first - number * size, 0)
                stop = min(first + count - number * size, size)
                run = self._run(*blocks(number), tf.constant(start), tf.constant(stop))
                losses.append(run.numpy()[start:stop])
                self.compiled = True
            _copy(self._variables, _state(gan))
        return np.concatenate(losses)

    def _steps(
        self, examples: tf.Tensor, latents: tf.Tensor, uniforms: tf.Tensor, start: tf.Tensor, stop: tf.Tensor
    ) -> tf.Tensor:
        # Not a for over tf.range: its length would be a constant to XLA, which would compile each length anew.
        def step(i: tf.Tensor, losses: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            return i + 1, losses.write(i, self._step(Draws(examples[i], latents[i], uniforms[i])))

        losses = tf.TensorArray(tf.float32, size=uniforms.shape[0], element_shape=(len(self._gan.loss_names),))
        _, losses = tf.while_loop(lambda i, _: i < stop, step, (start, losses))
        return losses.stack()

    def _step(self, draws: Draws) -> tf.Tensor:
        with self._gan.drawing_from(PreparedRandomness(draws)):
            logs = self._gan.train_step()
        return tf.stack([logs[name] for name in self._gan.loss_names])


_loops: dict[str, Loop] = {}
_thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="draws")


def loop_for(gan: "GAN") -> Loop:
    """Return the loop of the model's architecture: compiled when it first runs, shared afterwards."""
    architecture = _architecture(gan)
    if architecture is None:
        # Nobody knows what is in it, so XLA must be asked for.
        gan.own_loop = gan.own_loop or Loop(gan, xla=bool(gan.jit_compiled))
        return gan.own_loop
    if architecture not in _loops:
        while len(_loops) >= KEPT:
            del _loops[next(iter(_loops))]
        _loops[architecture] = Loop(_twin(gan), gan.uses_xla)
    return _loops[architecture]


def forget() -> None:
    """Drop all shared loops; models compile theirs anew."""
    _loops.clear()


def uses_only_dense_layers(network: keras.Model) -> bool:
    """Whether the network has only layers that XLA makes faster on a CPU."""
    return all(type(layer).__name__ in _XLA_LAYERS for layer in network.layers)


def _state(gan: "GAN") -> list[tf.Variable]:
    return [variable.value for variable in gan.state.values()]


def _copy(source: list[tf.Variable], target: list[tf.Variable]) -> None:
    for one, other in zip(source, target, strict=True):
        if one is not other:
            value = tf.raw_ops.ReadVariableOp(resource=one.handle, dtype=one.dtype)
            tf.raw_ops.AssignVariableOp(resource=other.handle, value=value)  # in half the time of assign


def takes_standard_steps(gan: "GAN") -> bool:
    """Whether the model's training step is that of one of the three GANs, not one of the caller's own."""
    return type(gan).__module__ in _STANDARD and not vars(gan).keys() & _STEP_PARTS


_STANDARD = ("models.simple_gan", "models.wgan_clip", "models.wgan_gp")
_STEP_PARTS = {
    "train_step",
    "update_discriminator",
    "update_generator",
    "discriminator_objective",
    "discriminator_loss",
    "generator_loss",
    "gradient_penalty",
    "get_real_sample",
    "get_fake_sample",
    "get_interpolated_sample",
}


def _architecture(gan: "GAN") -> str | None:
    """Describe all that the graph of a step depends on; None where that cannot be told."""
    if not takes_standard_steps(gan):
        return None
    settings = {name: getattr(gan, name, None) for name in ("batch_size", "disc_iter", "uses_xla", *_OF_SOME)}
    networks = (gan.generator, gan.discriminator)
    try:
        parts = [
            json.dumps([type(gan).__name__, settings]),
            *(_describe_network(network) for network in networks),
            *(_describe_optimizer(network.optimizer) for network in networks),
        ]
    except (NotImplementedError, TypeError, ValueError):
        return None
    description = "\n".join(parts)
    # A function or a class of the caller's own shows only by its name, which says too little.
    modules = re.findall(r'"module": "([^"]*)"', description)
    return description if all(module.split(".")[0] == "keras" for module in modules) else None


#: Settings that only some of the GANs have.
_OF_SOME = ("lambda_gp", "clip")


def _describe_network(network: keras.Model) -> str:
    """Return the network's structure; names of layers, which Keras numbers through, become positions."""
    description = json.dumps([{"module": type(network).__module__}, network.get_config()])
    for i, layer in enumerate(network.layers):
        description = description.replace(f'"{layer.name}"', f'"{i}"')
    return description


def _describe_optimizer(optimizer: keras.Optimizer) -> str:
    config = {"module": type(optimizer).__module__, "class": type(optimizer).__name__} | optimizer.get_config()
    del config["name"]
    if isinstance(config["learning_rate"], float):
        del config["learning_rate"]  # a variable, and copied as such
    return json.dumps(config)


def _twin(gan: "GAN") -> "GAN":
    """Build a model of the same architecture, with variables of its own."""
    state = random.getstate()  # which initialisers take their seeds from
    try:
        generator, discriminator = clone(gan.generator), clone(gan.discriminator)
    finally:
        random.setstate(state)
    examples = np.zeros((gan.batch_size, *generator.output_shape[1:]), np.float32)
    twin = type(gan)(generator, discriminator, lambda k: tf.zeros((k, 1)), examples, gan.batch_size, gan.disc_iter)
    for name in _OF_SOME:
        if hasattr(gan, name):
            setattr(twin, name, getattr(gan, name))
    twin.set_optimizers(
        *(type(one).from_config(one.get_config()) for one in (gan.generator.optimizer, gan.discriminator.optimizer))
    )
    return twin
