"""What the three GANs share: samples, objectives, the training step, and Keras's ``fit``."""

from contextlib import AbstractContextManager
from typing import Any, ClassVar

import keras
import tensorflow as tf

from models.catalogue import LOSS_NAMES
from models.inputs import at_least_one, scalar_loss
from models.network_pair import NetworkPair
from models.training import draws, keras_fit
from models.training.description import uses_only_dense_layers

Logs = dict[str, tf.Tensor]


class GAN(NetworkPair):
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

    loss_names: ClassVar[tuple[str, ...]] = LOSS_NAMES["simple_gan"]
    #: In which order ``discriminator.loss`` takes its scores.
    scores_order: ClassVar[tuple[str, str]] = ("real_scores", "fake_scores")
    train_function: Any  # Keras's own: what fit calls for each step

    # samples

    def drawing_from(self, randomness: draws.Randomness) -> AbstractContextManager[None]:
        """Take random numbers from another source for a while."""
        return draws.drawing_from(self, randomness)

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
        """Generate ``size`` (``batch_size`` by default) new examples; ``training`` goes to the generator."""
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
        """Return the scalar that the discriminator's update descends, and the losses to log."""
        scores = {
            "real_scores": self.discriminator(real, training=True),
            "fake_scores": self.discriminator(fake, training=True),
        }
        given = self.discriminator.loss
        if given is None or given is self.own_losses[1]:
            loss = self.discriminator_loss(**scores)
        else:
            loss = scalar_loss("discriminator", given, *(scores[name] for name in self.scores_order))
        return loss, {"discr_loss": loss}

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
            scores = self.discriminator(self.get_fake_sample(training=True), training=True)
            given = self.generator.loss
            own = given is None or given is self.own_losses[0]
            loss = self.generator_loss(scores) if own else scalar_loss("generator", given, scores)
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
            network.optimizer.iterations.assign_add(1)  # Keras would not count the step

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

    @property
    def uses_xla(self) -> bool:
        """Whether XLA compiles the training loop; see :meth:`compile`."""
        if self.jit_compiled is not None:
            return self.jit_compiled
        return uses_only_dense_layers(self.generator) and uses_only_dense_layers(self.discriminator)

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
        given = {name: value for name, value in (("optimizer", optimizer), ("loss", loss)) if value is not None}
        keras_fit.check_compile_options([*options, *given])
        self.jit_compiled = None if jit_compile == "auto" else jit_compile
        self.private_loop = None
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
