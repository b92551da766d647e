#!/usr/bin/env python3
"""Watches and steers fit with callbacks, as learners do: samples, stops, changed rates, frozen layers, files.

MODULE and CLASS come from the test that runs this.
"""

import numpy as np
import tensorflow as tf
from tensorflow import keras

from models import fully_connected_GenDiscr

GAN = getattr(__import__(MODULE), CLASS)  # noqa: F821


class Samples(keras.callbacks.Callback):
    """Keeps some points of each epoch."""

    def __init__(self):
        super().__init__()
        self.latents = tf.random.normal((16, 2))
        self.kept = []

    def on_epoch_end(self, epoch, logs=None):
        self.kept.append(self.model.generator(self.latents).numpy())


class Freeze(keras.callbacks.Callback):
    """Trains the discriminator's first layer for two epochs only."""

    def __init__(self):
        super().__init__()
        self.first = []

    def on_epoch_begin(self, epoch, logs=None):
        self.model.discriminator.layers[1].trainable = epoch < 2
        self.first.append(self.model.discriminator.layers[1].get_weights()[0])


class StopAtStep(keras.callbacks.Callback):
    """Looks at every batch."""

    def __init__(self, step):
        super().__init__()
        self.step, self.seen = step, 0

    def on_train_batch_end(self, batch, logs=None):
        self.seen += 1
        if self.seen == self.step:
            self.model.stop_training = True


tf.random.set_seed(0)
real_examples = np.random.default_rng(0).uniform(size=(200, 2))
networks = fully_connected_GenDiscr([2, 8, 8, 2], real_examples)
G = GAN(*networks, real_examples, batch_size=50, disc_iter=1, learning_rate=0.01)
G.compile(jit_compile=False)  # XLA would take longer to compile these few steps than to run them

samples, freeze = Samples(), Freeze()
halved = keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr)
G.optimizer = G.generator.optimizer  # what Keras's own callbacks look at
rates = []


def halve(epoch, logs):
    for network in (G.generator, G.discriminator):
        network.optimizer.learning_rate = float(network.optimizer.learning_rate.numpy()) / 2
    rates.append(float(G.generator.optimizer.learning_rate.numpy()))


G.fit(
    real_examples,
    epochs=4,
    steps_per_epoch=5,
    verbose=0,
    callbacks=[
        samples,
        freeze,
        halved,
        keras.callbacks.LambdaCallback(on_epoch_end=halve),
        keras.callbacks.CSVLogger("log.csv"),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.ModelCheckpoint("best.weights.h5", monitor="gen_loss", mode="min", save_weights_only=True),
        keras.callbacks.EarlyStopping(monitor="discr_loss", mode="min", patience=100),
    ],
)
stop = StopAtStep(7)
G.fit(real_examples, epochs=3, steps_per_epoch=5, verbose=0, callbacks=[stop])
