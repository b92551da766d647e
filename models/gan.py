"""What the three GANs share: their data, their samples, their optimizers and the training step."""

import operator
import os
import types
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import keras
import tensorflow as tf

from models.catalogue import LOSS_NAMES
from models.files import weights
from models.inputs import (
    Shape,
    as_real_examples,
    at_least_one,
    build_networks,
    finite_number,
    trainable_or_frozen,
    untracked_variables,
)
from models.training import keras_fit
from models.training.architecture import STEP_PARTS, uses_only_dense_layers
from models.training.draws import GlobalRandomness, LatentCallable, Randomness
from models.training.loop import OwnLoop, seeded_blocks

Logs = dict[str, tf.Tensor]


class GAN(keras.Model):
    """Base of ``Simple_GAN``, ``WGAN_clip`` and ``WGAN_GP``; use one of those.

    Args:
        generator: maps latent vectors ``(batch, latent)`` to examples ``(batch, ...)``.
        discriminator: maps examples to scores ``(batch, 1)``.
        latent_generator: a function of ``k`` that draws ``k`` latent vectors ``(k, latent)``, as a tensor, an array or
            a list.
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
    loss_names: ClassVar[tuple[str, ...]] = LOSS_NAMES["simple_gan"]
    #: In which order ``discriminator.loss`` takes its scores.
    scores_order: ClassVar[tuple[str, str]] = ("real_scores", "fake_scores")
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
        self._measured: Any = None
        self.built = True  # its layers come built; Keras would wait for a call that a GAN never makes
        batch_size = at_least_one("batch_size", batch_size)
        disc_iter = at_least_one("disc_iter", disc_iter)
        learning_rate = finite_number("learning_rate", learning_rate)
        if learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a positive number, got {learning_rate!r}")
        self.latent_generator = latent_generator
        self.generator = generator
        self.discriminator = discriminator
        self.batch_size = batch_size
        self.disc_iter = disc_iter
        self.real_examples = real_examples
        if len(self.real_examples) < batch_size:
            raise ValueError(
                f"real_examples: expected at least batch_size = {batch_size} examples, got {len(self.real_examples)}; "
                "give more examples or a smaller batch_size"
            )
        self.learning_rate = learning_rate
        self.randomness: Randomness = GlobalRandomness()
        self.own_loop: OwnLoop | None = None  # see models.training.loop
        self.traced_with: Any = None  # see models.training.keras_fit
        self.blocks = seeded_blocks(self)
        self._seed: int | None = None
        self.jit_compiled: bool | None = None  # what compile was told
        # Not by the networks' compile: then their saved files would name losses that plain Keras cannot find.
        self.own_losses = (self.generator_loss, self.discriminator_loss)
        generator.loss, discriminator.loss = self.own_losses
        self.set_optimizers(self._adam(), self._adam())

    @property
    def latent_shape(self) -> Shape:
        """The shape of one latent vector."""
        return self._shapes()[0]

    @property
    def example_shape(self) -> Shape:
        """The shape of one example."""
        return self._shapes()[1]

    def _shapes(self) -> tuple[Shape, Shape]:
        """Return both shapes; builds networks that are new."""
        pair = (self.generator, self.discriminator)
        if not self._measured or any(map(operator.is_not, self._measured.pair, pair)):
            shapes = build_networks(*pair, self.latent_generator, self.batch_size)
            self._measured = types.SimpleNamespace(pair=pair, shapes=shapes)
        latent_shape, example_shape = self._measured.shapes
        return latent_shape, example_shape

    @property
    def real_examples(self) -> tf.Tensor:
        """What the discriminator takes for real, float32 ``(count, ...)``."""
        return self._real_examples

    @real_examples.setter
    def real_examples(self, data: Any) -> None:
        self._real_examples = as_real_examples(data, self.example_shape)

    @property
    def batch_size(self) -> int:
        """Examples a step sees at once."""
        return self._batch_size

    @batch_size.setter
    def batch_size(self, size: int) -> None:
        self._batch_size = at_least_one("batch_size", size)

    @property
    def disc_iter(self) -> int:
        """Discriminator updates to each generator update."""
        return self._disc_iter

    @disc_iter.setter
    def disc_iter(self, count: int) -> None:
        self._disc_iter = at_least_one("disc_iter", count)

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
    def state(self) -> dict[str, keras.Variable | tf.Variable]:
        """All variables of both networks and both optimizers, by names that are the same in every run."""
        parts = {
            "generator": self.generator.variables,
            "discriminator": self.discriminator.variables,
            "generator_optimizer": self.generator.optimizer.variables,
            "discriminator_optimizer": self.discriminator.optimizer.variables,
            "generator_untracked": untracked_variables(self.generator),
            "discriminator_untracked": untracked_variables(self.discriminator),
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
        """Take random numbers from another source for a while.

        Parts of a step lose their ``tf.function`` meanwhile: it would repeat the draws that it was traced with.
        """
        usual, self.randomness = self.randomness, randomness
        own = {part: self.__dict__[part] for part in STEP_PARTS if part in self.__dict__}
        try:
            for part in STEP_PARTS:
                found = own.get(part, getattr(type(self), part, None))
                if isinstance(found, tf.types.experimental.PolymorphicFunction):
                    function = found.python_function
                    self.__dict__[part] = function if part in own else types.MethodType(function, self)
            yield
        finally:
            self.randomness = usual
            for part in STEP_PARTS:
                self.__dict__.pop(part, None)
            self.__dict__.update(own)

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
        self.generator.optimizer, self.discriminator.optimizer = generator, discriminator
        self.build_optimizers()

    def build_optimizers(self) -> None:
        """Create the variables of optimizers that are new, as a compiled loop cannot.

        Raises:
            ValueError: a network's optimizer is none of Keras's, or was made for other variables.
        """
        self._shapes()
        for name, network in (("generator", self.generator), ("discriminator", self.discriminator)):
            optimizer = getattr(network, "optimizer", None)
            if not isinstance(optimizer, keras.Optimizer):
                raise ValueError(f"{name}.optimizer: expected a keras optimizer, got {optimizer!r}")
            if not optimizer.built:
                with tf.init_scope():
                    optimizer.build(trainable_or_frozen(network))
            known = {id(variable) for variable in optimizer._trainable_variables}
            if not all(id(variable) in known for variable in network.trainable_variables):
                raise ValueError(
                    f"{name}.optimizer: expected one of its own, got one that was made for other variables than the "
                    f"{name}'s; give each network a new optimizer, also after a change of its layers"
                )

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
        return self.randomness.examples(self.real_examples, self.subset_size(size))

    def subset_size(self, size: int | None = None) -> int:
        """Return the number of examples that :meth:`get_real_sample` draws, and raise what it raises."""
        size = self.batch_size if size is None else at_least_one("size", size)
        count = len(self.real_examples)
        if size > count:
            raise ValueError(f"size: expected at most the {count} real examples there are, got {size}")
        return size

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
        if latents.shape == (size,) and self.latent_shape == (1,):
            return latents[:, tf.newaxis]
        if latents.shape.rank == 0 or latents.shape[0] != size:
            raise ValueError(f"latent_generator: expected {size} latent vectors, got shape {tuple(latents.shape)}")
        return latents

    # the training step

    def discriminator_objective(self, real: tf.Tensor, fake: tf.Tensor) -> tuple[tf.Tensor, Logs]:
        """Return the scalar that the discriminator's update descends, and what to log of it."""
        loss = self._discriminator_loss(
            real_scores=self.discriminator(real, training=True),
            fake_scores=self.discriminator(fake, training=True),
        )
        return loss, {"discr_loss": loss}

    def _discriminator_loss(self, **scores: tf.Tensor) -> tf.Tensor:
        loss = self.discriminator.loss
        if loss is None or loss is self.own_losses[1]:
            return self.discriminator_loss(**scores)
        return _called("discriminator", loss, *(scores[name] for name in self.scores_order))

    def _generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        loss = self.generator.loss
        if loss is None or loss is self.own_losses[0]:
            return self.generator_loss(fake_scores)
        return _called("generator", loss, fake_scores)

    def update_discriminator(self) -> Logs:
        """Apply one gradient descent to the discriminator."""
        real = self.get_real_sample()
        fake = self.get_fake_sample(training=True)
        with tf.GradientTape() as tape:
            objective, logs = self.discriminator_objective(real, fake)
            objective = self.discriminator.optimizer.scale_loss(objective)
        self._descend(self.discriminator, tape, objective)
        return logs

    def update_generator(self) -> Logs:
        """Apply one gradient descent to the generator."""
        with tf.GradientTape() as tape:
            fake = self.get_fake_sample(training=True)
            loss = self._generator_loss(self.discriminator(fake, training=True))
            objective = self.generator.optimizer.scale_loss(loss)
        self._descend(self.generator, tape, objective)
        return {"gen_loss": loss}

    def _descend(self, network: keras.Model, tape: tf.GradientTape, objective: tf.Tensor) -> None:
        self.build_optimizers()
        variables = network.trainable_variables
        if variables:
            gradients = tape.gradient(objective, [variable.value for variable in variables])
            network.optimizer.apply(gradients, variables)
        else:
            network.optimizer.iterations.assign_add(1)  # which Keras would leave out, and with it the step's number

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

    def compile(self, optimizer: Any = None, loss: Any = None, *, jit_compile: Any = None, **options: Any) -> None:
        """Prepare for :meth:`fit`.

        Args:
            optimizer: none; each network has its own, see :meth:`set_optimizers`.
            loss: none; each network has its own.
            jit_compile: whether XLA compiles the training loop; None or ``"auto"`` for where it helps, which is dense
                networks.
            options: ``run_eagerly`` and ``steps_per_execution``, as Keras has them.

        Raises:
            ValueError: an optimizer, a loss or another option is given.
        """
        options |= {name: value for name, value in (("optimizer", optimizer), ("loss", loss)) if value is not None}
        if not_taken := options.keys() - {"run_eagerly", "steps_per_execution"}:
            raise ValueError(
                f"compile: expected no {', '.join(sorted(not_taken))}: the generator and the discriminator have their "
                "own optimizers and losses; change them with gan.generator.optimizer = ..., gan.generator.loss = ... "
                "and the discriminator's alike"
            )
        self.jit_compiled = None if jit_compile == "auto" else jit_compile
        self.own_loop = None
        super().compile(jit_compile=bool(self.jit_compiled), **options)

    def fit(self, *arguments: Any, **options: Any) -> keras.callbacks.History:
        """Train as ``keras.Model.fit`` does, with its progress bar, callbacks and history.

        Unless a callback listens to single batches, steps are computed some time ahead of what the progress bar
        shows, though never beyond the end of an epoch.

        Args:
            *arguments: those of ``keras.Model.fit``, in its order. ``x``, ``y`` and ``shuffle`` are not used: the
                exercise passes the real examples, which the model has already.
            **options: the same by name. ``batch_size`` may only be the model's own; ``steps_per_epoch`` is by default
                as many as show each example about once.

        Raises:
            ValueError: an argument asks for what a GAN cannot do, such as validation.
        """
        return keras_fit.fit(self, super().fit, *arguments, **options)

    # weights

    def replace_weights(self, gen_h5: str | os.PathLike[str], disc_h5: str | os.PathLike[str]) -> None:
        """Load both networks' weights from ``.h5``, ``.weights.h5`` or ``.keras`` files of Keras 2 or 3 (task 4).

        Raises:
            WeightsError: a file is missing or does not fit; then neither network has changed.
        """
        weights.load_together((self.generator, gen_h5), (self.discriminator, disc_h5))

    replace_weight = replace_weights


def _called(name: str, loss: Any, *scores: tf.Tensor) -> tf.Tensor:
    """Return what a loss of the caller's own makes of scores.

    Raises:
        ValueError: it is no function, or gives no scalar.
    """
    if not callable(loss):
        raise ValueError(f"{name}.loss: expected a function of the discriminator's scores, got {loss!r}")
    value = loss(*scores)
    if value is None or tf.convert_to_tensor(value).shape.rank != 0:
        shape = None if value is None else tuple(tf.convert_to_tensor(value).shape)
        raise ValueError(f"{name}.loss: expected a scalar, got shape {shape}; take the mean of it with tf.reduce_mean")
    return tf.convert_to_tensor(value)
