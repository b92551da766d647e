"""The GANs as the exercise writes them: what a learner's own code costs. The baseline, so nothing here is tuned."""

import sys
from typing import Any

import keras
import tensorflow as tf

from models import convolutional_GenDiscr, fully_connected_GenDiscr
from tests.benchmarks.peers.runner import Case, Run, fit


class ExerciseGAN(keras.Model):
    """What the exercise repeats in each of its three classes."""

    beta_1 = 0.5
    beta_2 = 0.9

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent_generator: Any,
        real_examples: Any,
        batch_size: int = 200,
        disc_iter: int = 2,
        learning_rate: float = 0.005,
    ) -> None:
        super().__init__()
        self.generator, self.discriminator = generator, discriminator
        self.latent_generator, self.real_examples = latent_generator, real_examples
        self.batch_size, self.disc_iter = batch_size, disc_iter
        for network, loss in ((generator, self.generator_loss), (discriminator, self.discriminator_loss)):
            network.loss = loss
            network.optimizer = keras.optimizers.Adam(learning_rate, beta_1=self.beta_1, beta_2=self.beta_2)
            network.compile(optimizer=network.optimizer, loss=network.loss)

    def get_real_sample(self) -> tf.Tensor:
        everyone = tf.range(tf.shape(self.real_examples)[0])
        return tf.gather(self.real_examples, tf.random.shuffle(everyone)[: self.batch_size])

    def get_fake_sample(self, training: bool = False) -> tf.Tensor:
        return self.generator(self.latent_generator(self.batch_size), training=training)

    def generator_loss(self, fake: tf.Tensor) -> tf.Tensor:
        return -tf.reduce_mean(fake)

    def discriminator_loss(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(fake) - tf.reduce_mean(real)

    def discriminator_update(self) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            real, fake = self.get_real_sample(), self.get_fake_sample(training=True)
            loss = self.discriminator.loss(
                self.discriminator(real, training=True), self.discriminator(fake, training=True)
            )
        self.descend(self.discriminator, tape, loss)
        return {"discr_loss": loss}

    def descend(self, network: keras.Model, tape: tf.GradientTape, loss: tf.Tensor) -> None:
        gradients = tape.gradient(loss, network.trainable_variables)
        network.optimizer.apply_gradients(zip(gradients, network.trainable_variables, strict=True))

    def train_step(self, useless_argument: Any) -> dict[str, tf.Tensor]:
        for _ in range(self.disc_iter):
            logs = self.discriminator_update()
        with tf.GradientTape() as tape:
            fake = self.get_fake_sample(training=True)
            loss = self.generator.loss(self.discriminator(fake, training=True))
        self.descend(self.generator, tape, loss)
        return logs | {"gen_loss": loss}


class ExerciseSimpleGAN(ExerciseGAN):
    def generator_loss(self, fake: tf.Tensor) -> tf.Tensor:
        return keras.losses.MeanSquaredError()(fake, tf.ones(tf.shape(fake)))

    def discriminator_loss(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        squared = keras.losses.MeanSquaredError()
        return squared(real, tf.ones(tf.shape(real))) + squared(fake, -tf.ones(tf.shape(fake)))


class ExerciseWGANClip(ExerciseGAN):
    def discriminator_update(self) -> dict[str, tf.Tensor]:
        logs = super().discriminator_update()
        for variable in self.discriminator.trainable_variables:
            variable.assign(tf.clip_by_value(variable, -1.0, 1.0))
        return logs


class ExerciseWGANGP(ExerciseGAN):
    beta_1 = 0.3
    lambda_gp = 10.0

    def gradient_penalty(self, points: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(points)
            scores = self.discriminator(points, training=True)
        gradients = tape.gradient(scores, [points])[0]
        norms = tf.sqrt(tf.reduce_sum(tf.square(gradients), axis=list(range(1, len(points.shape)))))
        return tf.reduce_mean((norms - 1.0) ** 2)

    def discriminator_update(self) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            real, fake = self.get_real_sample(), self.get_fake_sample(training=True)
            u = tf.random.uniform([self.batch_size] + [1] * (len(real.shape) - 1))
            penalty = self.gradient_penalty(u * real + (1 - u) * fake)
            loss = self.discriminator.loss(
                self.discriminator(real, training=True), self.discriminator(fake, training=True)
            )
            penalised = loss + self.lambda_gp * penalty
        self.descend(self.discriminator, tape, penalised)
        return {"discr_loss": loss, "gp": penalty}


CLASSES: dict[str, type[ExerciseGAN]] = {
    "Simple_GAN": ExerciseSimpleGAN,
    "WGAN_clip": ExerciseWGANClip,
    "WGAN_GP": ExerciseWGANGP,
}


def prepare(case: Case, mode: str) -> Run:
    """Build a GAN for ``fit``; there is one mode."""
    pair = fully_connected_GenDiscr(case.widths)[:2] if case.widths else convolutional_GenDiscr()
    dim = case.widths[0] if case.widths else 16
    data = case.data()
    normal = lambda k: tf.random.normal(shape=(k, dim))  # noqa: E731 (as the exercise writes it)
    return fit(CLASSES[case.kind](*pair, normal, tf.constant(data), case.batch, case.disc_iter), data, case.steps)


def main(epochs: int, steps: int) -> None:
    """Run what the exercise's script runs: four clouds, a small dense pair, ``fit``."""
    from models.toys.datasets import make

    generator, discriminator, _ = fully_connected_GenDiscr([2, 10, 10, 5])
    real_examples = tf.constant(make("four_clouds", 1_000, seed=0), tf.float32)
    gan = ExerciseWGANGP(generator, discriminator, lambda k: tf.random.normal(shape=(k, 2)), real_examples)
    gan.compile()
    gan.fit(real_examples, epochs=epochs, steps_per_epoch=steps, verbose=1)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
