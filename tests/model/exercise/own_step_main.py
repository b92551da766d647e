#!/usr/bin/env python3
"""Subclasses the GANs as learners do: own losses and optimizers, an own train_step that ends each update by hand.

MODULE and CLASS come from the test that runs this.
"""

import numpy as np
import tensorflow as tf
from tensorflow import keras

GAN = getattr(__import__(MODULE), CLASS)  # noqa: F821


class Patient(GAN):
    """Trains with losses, optimizers and a step of its own."""

    def __init__(self, generator, discriminator, latent_generator, real_examples, patience=3, **options):
        super().__init__(generator, discriminator, latent_generator, real_examples, disc_iter=patience, **options)
        self.generator.loss = lambda x: -tf.math.reduce_mean(x)
        self.discriminator.loss = lambda x, y: tf.math.reduce_mean(x) - tf.math.reduce_mean(y)
        self.generator.optimizer = keras.optimizers.RMSprop(learning_rate=self.learning_rate)
        self.discriminator.optimizer = keras.optimizers.RMSprop(learning_rate=self.learning_rate)
        self.generator.compile(optimizer=self.generator.optimizer, loss=self.generator.loss)
        self.discriminator.compile(optimizer=self.discriminator.optimizer, loss=self.discriminator.loss)

    def train_step(self, useless_argument):
        for _ in range(self.disc_iter):
            with tf.GradientTape() as tape:
                real = self.discriminator(self.get_real_sample(), training=True)
                fake = self.discriminator(self.get_fake_sample(training=True), training=True)
                discr_loss = self.discriminator.loss(fake, real)
            gradients = tape.gradient(discr_loss, self.discriminator.trainable_variables)
            self.discriminator.optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_variables))
            for weight in self.discriminator.trainable_variables:
                weight.assign(tf.clip_by_value(weight, -0.5, 0.5))
        with tf.GradientTape() as tape:
            fake = self.discriminator(self.get_fake_sample(training=True), training=True)
            gen_loss = self.generator.loss(fake)
        gradients = tape.gradient(gen_loss, self.generator.trainable_variables)
        self.generator.optimizer.apply_gradients(zip(gradients, self.generator.trainable_variables))
        return {"discr_loss": discr_loss, "gen_loss": gen_loss}


def build():
    generator = keras.models.Sequential(
        [
            keras.layers.Dense(16, activation=tf.nn.leaky_relu, input_shape=(2,)),
            keras.layers.Dense(2, activation=lambda x: 0.5 + 0.5 * tf.math.tanh(x)),
        ]
    )
    discriminator = keras.models.Sequential()
    discriminator.add(keras.layers.Dense(16, activation="relu"))
    discriminator.add(keras.layers.Dense(1))
    return generator, discriminator


np.random.seed(0)
tf.random.set_seed(0)
real_examples = np.random.rand(500, 2) * [0.2, 0.4] + 0.5
G = Patient(*build(), lambda k: np.random.randn(k, 2), real_examples, patience=2, batch_size=100, learning_rate=0.005)
G.compile()
history = G.fit(real_examples, real_examples, epochs=4, steps_per_epoch=25, verbose=0).history
