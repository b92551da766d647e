#!/usr/bin/env python3
"""Saves, copies and loads networks in every way that learners do, and goes on training.

MODULE and CLASS come from the test that runs this.
"""

import copy

import numpy as np
import tensorflow as tf
from tensorflow import keras

from models import fully_connected_GenDiscr

GAN = getattr(__import__(MODULE), CLASS)  # noqa: F821


def new():
    gan = GAN(*fully_connected_GenDiscr([2, 8, 8, 2]), real_examples, batch_size=50, disc_iter=1)
    gan.compile(jit_compile=False)  # XLA would take longer to compile these few steps than to run them
    return gan


tf.random.set_seed(0)
real_examples = np.random.default_rng(0).uniform(size=(200, 2))
latents = tf.random.normal((32, 2))
G = new()
G.fit(real_examples, epochs=1, steps_per_epoch=10, verbose=0)
expected = G.generator(latents).numpy()
found = {}

# weights only, whole models, the newer format: into new networks
G.generator.save_weights("generator.weights.h5")
G.discriminator.save_weights("discriminator.weights.h5")
other = new()
other.generator.load_weights("generator.weights.h5")
found["load_weights"] = other.generator(latents).numpy()
other = new()
other.replace_weights("generator.weights.h5", "discriminator.weights.h5")
found["replace_weights"] = other.generator(latents).numpy()

for ending in ("h5", "keras"):
    G.generator.save(f"generator.{ending}")
    G.discriminator.save(f"discriminator.{ending}")
    found[f"load_model {ending}"] = keras.models.load_model(f"generator.{ending}")(latents).numpy()
    other = new()
    other.replace_weight(f"generator.{ending}", f"discriminator.{ending}")
    found[f"replace_weight {ending}"] = other.generator(latents).numpy()

# a loaded network goes on in a new GAN
other = GAN(
    keras.models.load_model("generator.keras"),
    keras.models.load_model("discriminator.keras"),
    lambda k: tf.random.normal((k, 2)),
    real_examples,
    batch_size=50,
    disc_iter=1,
)
found["in a new GAN"] = other.generator(latents).numpy()
other.compile(jit_compile=False)
other.fit(real_examples, epochs=1, steps_per_epoch=2, verbose=0)
moved = other.generator(latents).numpy()

# in memory
best = copy.deepcopy(G.generator)
weights = G.generator.get_weights()
G.fit(real_examples, epochs=1, steps_per_epoch=5, verbose=0)
found["deepcopy"] = best(latents).numpy()
G.generator.set_weights(weights)
found["set_weights"] = G.generator(latents).numpy()
twin = keras.models.clone_model(G.generator)
twin.set_weights(weights)
found["clone_model"] = twin(latents).numpy()
