"""Two networks with their losses, optimizers, data and settings: what a GAN's training reads and changes."""

import os
import types
from typing import Any

import keras
import tensorflow as tf

from models.files import weights
from models.inputs import Shape, as_real_examples, at_least_one, build_networks, finite_number, untracked_variables
from models.latents import LatentCallable
from models.optimizers import adam, build_optimizer
from models.training import draws
from models.training.loop import PrivateLoop
from models.training.step_draws import SeededDraws, StepDraws


class NetworkPair(keras.Model):
    """A generator and a discriminator with their losses, optimizers, real examples, latent generator and settings.

    Arguments and errors are those of :class:`models.gan.GAN`.
    """

    beta_1: float = 0.5
    beta_2: float = 0.9

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
        self.batch_size = batch_size
        self.disc_iter = disc_iter
        self.learning_rate = finite_number("learning_rate", learning_rate)
        if self.learning_rate <= 0:
            raise ValueError(f"learning_rate: expected a positive number, got {self.learning_rate!r}")
        self.latent_generator = latent_generator
        self.generator = generator
        self.discriminator = discriminator
        self.real_examples = real_examples
        count = len(self.real_examples)
        if count < self.batch_size:
            raise ValueError(
                f"real_examples: expected at least batch_size = {self.batch_size} examples, got {count}; "
                "give more examples or a smaller batch_size"
            )
        self.randomness: draws.Randomness = draws.GlobalRandomness()
        self.private_loop: PrivateLoop | None = None
        self.traced_with: Any = None  # see models.training.keras_fit
        self.step_draws: StepDraws = SeededDraws(self)
        self._seed: int | None = None
        self.jit_compiled: bool | None = None  # what compile was told
        # Not by the networks' compile: their saved files would name losses that plain Keras cannot find.
        self.own_losses = (self.generator_loss, self.discriminator_loss)
        generator.loss, discriminator.loss = self.own_losses
        optimizers = (adam(self.learning_rate, beta_1=self.beta_1, beta_2=self.beta_2) for _ in range(2))
        self.set_optimizers(*optimizers)

    def generator_loss(self, fake_scores: tf.Tensor) -> tf.Tensor:
        """Return the scalar that the generator minimises."""
        raise NotImplementedError

    def discriminator_loss(self, *, real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
        """Return the scalar that the discriminator minimises."""
        raise NotImplementedError

    # data and settings

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
        generator, discriminator, known = self.generator, self.discriminator, self._measured
        if known is None or known.generator is not generator or known.discriminator is not discriminator:
            shapes = build_networks(generator, discriminator, self.latent_generator, self.batch_size)
            known = types.SimpleNamespace(generator=generator, discriminator=discriminator, shapes=shapes)
            self._measured = known  # a tuple would be tracked by Keras
        latent_shape, example_shape = known.shapes
        return latent_shape, example_shape

    @property
    def real_examples(self) -> tf.Tensor:
        """The real examples, float32 ``(count, ...)``."""
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
    def seed(self) -> int:
        """The seed of :func:`models.training.train`, drawn from TensorFlow's global state unless set."""
        if self._seed is None:
            self._seed = int(tf.random.uniform((), maxval=2**31 - 1, dtype=tf.int32))
        return self._seed

    @seed.setter
    def seed(self, seed: int) -> None:
        self._seed = int(seed)
        self.step_draws = SeededDraws(self)

    # state

    @property
    def steps_done(self) -> int:
        """Training steps since the optimizers were new."""
        return int(self.generator.optimizer.iterations)

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

    def replace_weights(self, gen_h5: str | os.PathLike[str], disc_h5: str | os.PathLike[str]) -> None:
        """Load both networks' weights from ``.h5``, ``.weights.h5`` or ``.keras`` files of Keras 2 or 3 (task 4).

        Raises:
            WeightsError: a file is missing or does not fit; then neither network has changed.
        """
        weights.load_together((self.generator, gen_h5), (self.discriminator, disc_h5))

    replace_weight = replace_weights

    def set_optimizers(self, generator: keras.Optimizer, discriminator: keras.Optimizer) -> None:
        """Train with these optimizers from now on, in place of the exercise's Adam."""
        self.generator.optimizer, self.discriminator.optimizer = generator, discriminator
        self.build_optimizers()

    def build_optimizers(self) -> None:
        """Create the variables of new optimizers.

        Raises:
            ValueError: an optimizer is not one of Keras's, or was made for other variables.
        """
        self._shapes()
        build_optimizer("generator", self.generator)
        build_optimizer("discriminator", self.discriminator)
