import keras
import numpy as np
import pytest

from models import convolutional_GenDiscr
from models.training.copies import SmallMapConv2D, copy_chain


@pytest.mark.parametrize("network", [0, 1], ids=["generator", "discriminator"])
@pytest.mark.parametrize("training", [False, True])
def test_a_clone_computes_the_same(network: int, training: bool) -> None:
    keras.utils.set_random_seed(0)
    original = convolutional_GenDiscr()[network]
    original.compile(loss=lambda one, two: one)
    copy = copy_chain(original)
    copy.set_weights(original.get_weights())
    inputs = np.random.default_rng(0).normal(size=(5, *original.input_shape[1:])).astype(np.float32)

    assert [type(layer) for layer in copy.layers].count(SmallMapConv2D) == 1
    np.testing.assert_allclose(copy(inputs, training=training), original(inputs, training=training), atol=1e-5)


def _network(side: int, **options: object) -> keras.Model:
    inputs = keras.Input((side, side, 2))
    return keras.Model(inputs, keras.layers.Conv2D(3, **{"kernel_size": 3, "padding": "same"} | options)(inputs))


@pytest.mark.parametrize("kernel_size", [1, 2, 3, (2, 3), 5])
def test_kernels_of_any_size(kernel_size: object) -> None:
    original = _network(2, kernel_size=kernel_size)
    copy = copy_chain(original)
    copy.set_weights(original.get_weights())
    inputs = np.random.default_rng(0).normal(size=(5, 2, 2, 2)).astype(np.float32)

    assert type(copy.layers[1]) is SmallMapConv2D
    np.testing.assert_allclose(copy(inputs), original(inputs), atol=1e-5)


@pytest.mark.parametrize(
    ("side", "options"),
    [(4, {}), (2, {"padding": "valid", "kernel_size": 1}), (2, {"strides": 2}), (2, {"groups": 1, "dilation_rate": 2})],
)
def test_other_convolutions_stay(side: int, options: dict[str, object]) -> None:
    assert type(copy_chain(_network(side, **options)).layers[1]) is keras.layers.Conv2D
