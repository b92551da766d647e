#!/usr/bin/env python3
"""Calls the toy GANs as the exercise's mains of tasks 0 to 2 do: own builders, lambdas, float64, fit, pictures.

MODULE, CLASS and DATA come from the test that runs this.
"""

import random

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from tensorflow import keras

GAN = getattr(__import__(MODULE), CLASS)  # noqa: F821


def set_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


def spheric(nb_points, dim):
    u = tf.random.normal(shape=(nb_points, dim))
    return u / tf.reshape(tf.sqrt(tf.reduce_sum(tf.square(u), axis=[1]) + 10**-8), [nb_points, 1])


def build(gen_shape):
    latent_generator = lambda k: tf.random.normal(shape=(k, gen_shape[0]))  # noqa: E731
    inputs = keras.Input(shape=(gen_shape[0],))
    hidden = keras.layers.Dense(gen_shape[1], activation="tanh")(inputs)
    for width in gen_shape[2:-1]:
        hidden = keras.layers.Dense(width, activation="tanh")(hidden)
    outputs = keras.layers.Dense(gen_shape[-1], activation="sigmoid")(hidden)
    generator = keras.Model(inputs, outputs, name="generator")
    inputs = keras.Input(shape=(gen_shape[-1],))
    hidden = keras.layers.Dense(gen_shape[-2], activation="tanh")(inputs)
    for i in range(2, len(gen_shape) - 1):
        hidden = keras.layers.Dense(gen_shape[-1 * i], activation="tanh")(hidden)
    outputs = keras.layers.Dense(1, activation="tanh")(hidden)
    return generator, keras.Model(inputs, outputs, name="discriminator"), latent_generator


def circle(count):
    return spheric(count, 2) * 0.3 + 0.5


def four_clouds(count):
    x, y = np.random.randn(2, count) * 0.05
    x += np.where(np.arange(count) < count // 2, 0.75, 0.25)
    y += np.where(np.arange(count) // (count // 4) % 2 == 0, 0.75, 0.25)
    r, g = np.minimum(x * x, 1), np.minimum(y * y, 1)
    return tf.convert_to_tensor(np.vstack([x, y, r, g, np.maximum(1 - r - g, 0)]).T)


def corner_cloud(count):
    return tf.convert_to_tensor(np.random.randn(count, 49) * 0.05 + 0.8, dtype="float32")


EXAMPLES = {
    "circle": (circle(1000), [1, 10, 10, 2]),
    "four_clouds": (four_clouds(1000), [2, 10, 10, 5]),
    "corner_cloud": (corner_cloud(1000), [49, 98, 98, 49]),
}

set_seeds(0)
real_examples, gen_shape = EXAMPLES[DATA]  # noqa: F821
G = GAN(*build(gen_shape), real_examples, learning_rate=0.001)
G.compile()
G.fit(real_examples, epochs=16, steps_per_epoch=50, verbose=1)

fig, axes = plt.subplots(1, 4)
X_tf = G.real_examples
X = X_tf.numpy()
axes[0].scatter(X[:, 0], X[:, 1], s=1)
lat = G.latent_generator(1000)
Y_tf = G.generator(lat)
axes[1].scatter(lat.numpy()[:, 0], G.discriminator(Y_tf).numpy(), s=1)
axes[1].scatter(X[:, 0], G.discriminator(X_tf).numpy(), s=1)
grid = np.stack(np.meshgrid(*[np.linspace(-3, 3, 20)] * 2), axis=-1).reshape(-1, 2)
if gen_shape[0] == 2:  # float64 latents go in as they are
    axes[2].pcolormesh(G.discriminator(G.generator(tf.convert_to_tensor(grid))).numpy().reshape(20, 20))
if gen_shape[-1] == 2:
    axes[2].pcolormesh(G.discriminator(tf.convert_to_tensor(grid), training=False).numpy().reshape(20, 20))
axes[3].plot(np.arange(1, 17), G.history.history["gen_loss"])
axes[3].plot(np.arange(1, 17), G.history.history["discr_loss"])
plt.show()
fake = G.get_fake_sample(size=1000).numpy()
real = G.get_real_sample(size=1000).numpy()
