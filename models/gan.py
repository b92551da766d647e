"""What the three GANs share: their data, their samples, their optimizers and the training step."""

import itertools
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf

from models import weights
from models.loop import Loop, global_blocks, loop_for, seeded_blocks, takes_standard_steps, uses_only_dense_layers
from models.randomness import GlobalRandomness, LatentCallable, Randomness

Logs = dict[str, tf.Tensor]


class GAN(keras.Model):
    """Base of ``Simple_GAN``, ``WGAN_clip`` and ``WGAN_GP``; use one of those.

    Args:
        generator: maps latent vectors ``(batch, latent)`` to examples ``(batch, ...)``.
        discriminator: maps examples to scores ``(batch, 1)``.
        latent_generator: a function of ``k`` that draws ``k`` independent latent vectors, ``(k, latent)``; ``fit`` and
            ``train`` ask it for those of many steps at once.
        real_examples: array or tensor ``(count, ...)`` of any real dtype, each example shaped as the
            generator's output (a missing last axis of length 1 is added). Kept as float32.
        batch_size: examples a step sees at once, at most ``count``.
        disc_iter: discriminator updates to each generator update.
        learning_rate: of both Adam optimizers.

    Raises:
        ValueError: an argument is out of its range, or the real examples are too few, of another shape than
            the generator's output, or not finite.
    """

    beta_1: float = 0.5
    beta_2: float = 0.9
    loss_names: ClassVar[tuple[str, ...]] = ("discr_loss", "gen_loss")
    train_function: Any  # Keras's own: what fit calls for each step

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: LatentCallable,
        real_examples: Any,
        batch_size: int = 200,
        disc_iter: int = 2,
        learning_rate: float = 0.005,
    ) -> None:
        super().__init__()
        self.built = True  # its layers come built; Keras would wait for a call that a GAN never makes
        batch_size = at_least_one("batch_size", batch_size)
        disc_iter = at_least_one("disc_iter", disc_iter)
        learning_rate = finite_number("learning_rate", learning_rate)
        if learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a positive number, got {learning_rate!r}")
        self.latent_generator = latent_generator
        self.real_examples = as_real_examples(real_examples, generator.output_shape[1:])
        if len(self.real_examples) < batch_size:
            raise ValueError(
                f"real_examples: expected at least batch_size = {batch_size} examples, got {len(self.real_examples)}; "
                "give more examples or a smaller batch_size"
            )
        self.generator = generator
        self.discriminator = discriminator
        self.batch_size = batch_size
        self.disc_iter = disc_iter
        self.learning_rate = learning_rate
        self.randomness: Randomness = GlobalRandomness()
        self.own_loop: Loop | None = None  # see models.loop
        self.blocks = seeded_blocks(self)
        self._seed: int | None = None
        self.jit_compiled: bool | None = None  # what compile was told
        self.set_optimizers(self._adam(), self._adam())

    @property
    def steps_done(self) -> int:
        """Training steps since the optimizers were new."""
        return int(self.generator.optimizer.iterations)

    @property
    def seed(self) -> int:
        """The seed of :func:`models.training.train`, drawn from TensorFlow's global state unless set."""
        if self._seed is None:
            self._seed = int(tf.random.uniform((), maxval=2**31 - 1, dtype=tf.int32))
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = int(seed)
        self.blocks = seeded_blocks(self)

    @property
    def state(self) -> dict[str, keras.Variable]:
        """All variables of both networks and both optimizers, by names that are the same in every run."""
        parts = {
            "generator": self.generator.variables,
            "discriminator": self.discriminator.variables,
            "generator_optimizer": self.generator.optimizer.variables,
            "discriminator_optimizer": self.discriminator.optimizer.variables,
        }
        return {f"{part}/{i}": variable for part, variables in parts.items() for i, variable in enumerate(variables)}

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles the training loop; see :meth:`compile`."""
        if self.jit_compiled is not None:
            return self.jit_compiled
        return uses_only_dense_layers(self.generator) and uses_only_dense_layers(self.discriminator)

    @contextmanager
    def drawing_from(self, randomness: Randomness) -> Iterator[None]:
        """Take random numbers from another source for a while."""
        usual, self.randomness = self.randomness, randomness
        try:
            yield
        finally:
            self.randomness = usual

    def generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        """Return the scalar that the generator minimises."""
        raise NotImplementedError

    def discriminator_loss(self, *, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
        """Return the scalar that the discriminator minimises."""
        raise NotImplementedError

    def _adam(self) -> keras.Optimizer:
        return keras.optimizers.Adam(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)

    def set_optimizers(self, generator: keras.Optimizer, discriminator: keras.Optimizer) -> None:
        """Train with these optimizers from now on, in place of the exercise's Adam."""
        self.own_loop = None
        self.train_function = None
        for network, optimizer, loss in (
            (self.generator, generator, self.generator_loss),
            (self.discriminator, discriminator, self.discriminator_loss),
        ):
            # Built now: variables cannot be created inside a compiled training loop.
            optimizer.build(network.trainable_variables)
            network.compile(optimizer=optimizer, loss=loss)

    # samples

    def get_real_sample(self, size: int | None = None) -> tf.Tensor:
        """Draw a uniform subset of the real examples, without replacement.

        Args:
            size: how many, ``batch_size`` by default.

        Returns:
            float32 of shape ``(size, ...)``.

        Raises:
            ValueError: there are fewer than ``size`` real examples.
        """
        size = self.batch_size if size is None else at_least_one("size", size)
        count = len(self.real_examples)
        if size > count:
            raise ValueError(f"size: expected at most the {count} real examples there are, got {size}")
        return self.randomness.examples(self.real_examples, size)

    def get_fake_sample(self, size: int | None = None, training: bool = False) -> tf.Tensor:
        """Generate ``size`` (``batch_size`` by default) new examples; ``training`` goes to the generator.

        Raises:
            ValueError: the latent generator gave another number of vectors.
        """
        size = self.batch_size if size is None else at_least_one("size", size)
        return self.generator(self.draw_latents(size), training=training)

    def draw_latents(self, size: int) -> tf.Tensor:
        """Draw ``size`` latent vectors.

        Raises:
            ValueError: the latent generator gave another number of vectors.
        """
        latents = self.randomness.latents(self.latent_generator, size)
        if latents.shape[0] != size:
            raise ValueError(f"latent_generator: expected {size} latent vectors, got shape {tuple(latents.shape)}")
        return latents

    # the training step

    def discriminator_objective(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, Logs]:
        """Return the scalar that the discriminator's update descends, and what to log of it."""
        loss = self.discriminator_loss(
            real_scores=self.discriminator(real, training=True),
            fake_scores=self.discriminator(fake, training=True),
        )
        return loss, {"discr_loss": loss}

    def update_discriminator(self) -> Logs:
        """Apply one gradient descent to the discriminator."""
        real = self.get_real_sample()
        fake = self.get_fake_sample(training=True)
        with tf.GradientTape() as tape:
            objective, logs = self.discriminator_objective(real, fake)
        _descend(self.discriminator, tape, objective)
        return logs

    def update_generator(self) -> Logs:
        """Apply one gradient descent to the generator."""
        with tf.GradientTape() as tape:
            fake = self.get_fake_sample(training=True)
            loss = self.generator_loss(self.discriminator(fake, training=True))
        _descend(self.generator, tape, loss)
        return {"gen_loss": loss}

    def train_step(self, useless_argument: Any = None) -> Logs:
        """Update the discriminator ``disc_iter`` times, then the generator once.

        Returns:
            the losses of the last updates, scalars named as in ``loss_names``.
        """
        for _ in range(self.disc_iter):
            logs = self.update_discriminator()
        logs |= self.update_generator()
        return {name: logs[name] for name in self.loss_names}

    # Keras's own training loop

    def compile(self, *, jit_compile: bool | None = None, **options: Any) -> None:
        """Prepare for :meth:`fit`.

        Args:
            jit_compile: whether XLA compiles the training loop; None for where it helps, which is dense networks.
            options: ``run_eagerly`` and ``steps_per_execution``, as Keras has them.

        Raises:
            ValueError: an optimizer or a loss is given; the networks have their own, see :meth:`set_optimizers`.
        """
        if not_taken := options.keys() - {"run_eagerly", "steps_per_execution"}:
            raise ValueError(
                f"compile: expected no {', '.join(sorted(not_taken))}: the generator and the discriminator have their "
                "own optimizers and losses; change the optimizers with set_optimizers"
            )
        self.jit_compiled = jit_compile
        self.own_loop = None
        super().compile(jit_compile=bool(jit_compile), **options)

    def fit(
        self, x: Any = None, *, epochs: int = 1, steps_per_epoch: int | None = None, **options: Any
    ) -> keras.callbacks.History:
        """Train as ``keras.Model.fit`` does, with its progress bar, callbacks and history.

        Unless a callback listens to single batches, steps are computed some time ahead of what the progress bar
        shows, though never beyond the end of an epoch.

        Args:
            x: not used; the exercise passes the real examples, which the model has already.
            epochs: how many.
            steps_per_epoch: training steps in an epoch, by default as many as show each example about once.
            options: ``verbose``, ``callbacks`` and ``initial_epoch``, as Keras has them.
        """
        if steps_per_epoch is None:
            steps_per_epoch = math.ceil(len(self.real_examples) / self.batch_size)
        steps_per_epoch = at_least_one("steps_per_epoch", steps_per_epoch)
        # A step draws its own batch, so Keras needs nothing but something to count.
        ticks = tf.data.Dataset.from_tensors(0).repeat()
        options |= {"epochs": epochs, "steps_per_epoch": steps_per_epoch, "shuffle": False}
        if not self._may_run_ahead(options.get("callbacks")):
            return super().fit(ticks, **options)
        usual, self.train_function = self.train_function, self._run_ahead(steps_per_epoch)
        try:
            return super().fit(ticks, **options)
        finally:
            self.train_function = usual

    def _may_run_ahead(self, callbacks: Any) -> bool:
        """Whether nobody looks at the model between two steps."""
        plain = takes_standard_steps(self) and not self.run_eagerly and self.steps_per_execution == 1
        return plain and not any(_listens_to_batches(callback) for callback in keras.tree.flatten(callbacks or []))

    def _run_ahead(self, steps_per_epoch: int) -> Callable[[Any], dict[str, float]]:
        """Return what Keras calls for the losses of each step."""

        def each_step() -> Iterator[list[float]]:
            blocks = global_blocks(self)
            for epoch in itertools.count():
                for losses in loop_for(self).chunks(self, epoch * steps_per_epoch, steps_per_epoch, blocks):
                    yield from losses.tolist()

        steps = each_step()
        return lambda _: dict(zip(self.loss_names, next(steps), strict=True))

    # weights

    def replace_weights(self, gen_h5: str | os.PathLike[str], disc_h5: str | os.PathLike[str]) -> None:
        """Load both networks' weights from ``.h5``, ``.weights.h5`` or ``.keras`` files of Keras 2 or 3 (task 4).

        Raises:
            WeightsError: a file is missing or does not fit; then neither network has changed.
        """
        weights.load_together((self.generator, gen_h5), (self.discriminator, disc_h5))

    replace_weight = replace_weights


def _descend(network: keras.Model, tape: tf.GradientTape, objective: tf.Tensor) -> None:
    variables = network.trainable_variables
    gradients = tape.gradient(objective, [variable.value for variable in variables])
    network.optimizer.apply(gradients, variables)


def _listens_to_batches(callback: Any) -> bool:
    if isinstance(callback, keras.callbacks.ModelCheckpoint):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, keras.callbacks.History | keras.callbacks.ProgbarLogger):
        return False
    hooks = ("on_batch_begin", "on_batch_end", "on_train_batch_begin", "on_train_batch_end")
    usual = keras.callbacks.Callback
    return any(getattr(getattr(callback, hook), "__func__", None) is not getattr(usual, hook) for hook in hooks)


def at_least_one(name: str, value: Any) -> int:
    """Return a count as an int.

    Raises:
        ValueError: it is not a whole number of at least 1.
    """
    number = finite_number(name, value)
    if number != int(number) or number < 1:
        raise ValueError(f"{name}: expected a whole number of at least 1, got {value!r}")
    return int(number)


def finite_number(name: str, value: Any) -> float:
    """Return a number as a float.

    Raises:
        ValueError: it is not a finite number.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{name}: expected a finite number, got {value!r}")
    return number


def as_real_examples(data: Any, example_shape: tuple[int, ...]) -> tf.Tensor:
    """Convert real examples to a finite float32 tensor ``(count, *example_shape)``.

    Raises:
        ValueError: the data is not numeric, not finite, or of a shape that cannot agree; both are named.
    """
    try:
        array = np.asarray(data)
    except ValueError as error:
        raise ValueError(f"real_examples: expected an array of real numbers, got a ragged one ({error})") from error
    if array.dtype.kind not in "fiub":
        raise ValueError(f"real_examples: expected an array of real numbers, got dtype {array.dtype}")
    if array.shape[1:] == example_shape[:-1] and example_shape[-1] == 1:
        array = array[..., np.newaxis]  # the exercise's faces come without their channel axis
    if array.shape[1:] != example_shape or array.ndim != len(example_shape) + 1:
        raise ValueError(
            f"real_examples: expected shape (count, {', '.join(map(str, example_shape))}), as the generator's output "
            f"has it, got {np.shape(data)}"
        )
    with np.errstate(over="ignore"):
        array = array.astype(np.float32, copy=False)
    if not np.isfinite(array).all():
        bad = array[~np.isfinite(array)][0]
        raise ValueError(f"real_examples: expected finite numbers that fit float32, got {bad} among them")
    return tf.convert_to_tensor(array)
