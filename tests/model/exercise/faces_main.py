#!/usr/bin/env python3
"""Calls the convolutional pair as the exercise's mains of tasks 3 and 4 do: (N, 16, 16) faces, centred, and its .h5.

FACES and REFERENCE come from the test that runs this.
"""

import random

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

convolutional_GenDiscr = __import__("3-generate_faces").convolutional_GenDiscr
Simple_GAN = __import__("0-simple_gan").Simple_GAN
WGAN_GP = __import__("4-wgan_gp").WGAN_GP


def set_seeds(seed):
    random.seed(seed)
    np.random.seed(seed)
    tf.random.set_seed(seed)


array_of_pictures = np.load(FACES).astype("float32") / 255  # noqa: F821
mean_face = array_of_pictures.mean(axis=0)
multiplier = np.max(np.abs(array_of_pictures), axis=0)
real_ex = tf.convert_to_tensor((array_of_pictures - mean_face) / multiplier, dtype="float32")


def recover(normalized):
    return normalized * multiplier + mean_face


# Task 3: a few steps of training
set_seeds(0)
gen, discr = convolutional_GenDiscr()
sphere = lambda k: tf.math.l2_normalize(tf.random.normal(shape=(k, 16)), axis=1) * 0.3 + 0.5  # noqa: E731
trained = Simple_GAN(gen, discr, sphere, real_ex, disc_iter=1, batch_size=10, learning_rate=0.001)
trained.compile()
trained.fit(real_ex, epochs=5, steps_per_epoch=5)
fig, axes = plt.subplots(1, 3)
axes[0].imshow(recover(trained.generator(sphere(10))[0, :, :, 0]))
axes[1].hist(trained.discriminator(trained.get_fake_sample(400)).numpy(), bins=20)
axes[1].hist(trained.discriminator(trained.get_real_sample(400)).numpy(), bins=20)
axes[2].plot(trained.history.history["discr_loss"])

# Task 4: the published weights
set_seeds(18)
latents = lambda k: tf.random.normal(shape=(k, 16))  # noqa: E731
generator, discriminator = convolutional_GenDiscr()
G = WGAN_GP(generator, discriminator, latents, real_ex, batch_size=200, disc_iter=2, learning_rate=0.001)
G.replace_weights(f"{REFERENCE}/generator.h5", f"{REFERENCE}/discriminator.h5")  # noqa: F821
Y = G.get_fake_sample(400)
order = np.argsort(G.discriminator(Y).numpy()[:, 0])
best = Y.numpy()[order, :, :, 0]
ab = np.random.randn(32).reshape([2, 16])
x = np.linspace(0, 1, 20)
segment = (1 - x)[:, None] * ab[0][None, :] + x[:, None] * ab[1][None, :]
walk = G.generator(tf.convert_to_tensor(segment))[:, :, :, 0]
plt.imshow(recover(walk[0, :, :]))
plt.show()
