"""The small network that tells real faces from generated ones."""

from typing import Any

import keras
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]

_SIDE = 16
EPOCHS = 20
_BATCH_SIZE = 64
_TEST_BATCH_SIZE = 500


def accuracy(training: tuple[Floats, Floats], test: tuple[Floats, Floats], random: np.random.Generator) -> float:
    """Train the network on real and fake faces, grey levels ``(count, 256)`` each, and return its accuracy on others.

    ``random`` decides on the first weights and the order of training.
    """
    classifier = _small_classifier(random)
    images, labels = _labelled(*training)
    for _ in range(EPOCHS):
        order = random.permutation(len(images))  # Keras would shuffle by the global random state
        for batch in np.split(order, range(_BATCH_SIZE, len(order), _BATCH_SIZE)):
            classifier.train_on_batch(images[batch], labels[batch])  # fit takes .1 s to begin an epoch
    images, labels = _labelled(*test)
    says_real = classifier.predict(images, batch_size=_TEST_BATCH_SIZE, verbose=0) > 0.0
    return float((says_real == (labels > 0.0)).mean())


def _small_classifier(random: np.random.Generator) -> Any:
    """Build a network of three convolutions whose first weights come from ``random`` alone."""
    hidden = inputs = keras.Input((_SIDE, _SIDE, 1))
    hidden = keras.layers.Rescaling(4.0, -2.0)(hidden)
    for filters in (16, 32, 64):
        start = keras.initializers.HeNormal(seed=int(random.integers(2**31)))
        hidden = keras.layers.Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer=start)(hidden)
        hidden = keras.layers.MaxPooling2D()(hidden)
    hidden = keras.layers.Flatten()(hidden)
    start = keras.initializers.GlorotUniform(seed=int(random.integers(2**31)))
    logits = keras.layers.Dense(1, kernel_initializer=start)(hidden)
    classifier = keras.Model(inputs, logits)
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    classifier.compile(optimizer=keras.optimizers.Adam(3e-3), loss=loss, jit_compile=False)
    return classifier


def _labelled(real: Floats, fake: Floats) -> tuple[Singles, Singles]:
    """Return images, ``(count, 16, 16, 1)``, and labels, ``(count, 1)``: 1 is real, 0 is fake."""
    images = np.concatenate([real, fake]).reshape(-1, _SIDE, _SIDE, 1).astype(np.float32)
    labels = np.repeat(np.array([[1.0], [0.0]], np.float32), (len(real), len(fake)), axis=0)
    return images, labels
