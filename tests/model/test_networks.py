from typing import Any

import numpy as np
import pytest

from models import convolutional_GenDiscr, fully_connected_GenDiscr


def test_parameters_of_the_fully_connected_pair() -> None:
    generator, discriminator, latent_generator = fully_connected_GenDiscr([1, 100, 100, 2])

    assert generator.count_params() == 10_502
    assert discriminator.count_params() == 10_501
    assert latent_generator(7).shape == (7, 1)


def test_parameters_of_the_convolutional_pair() -> None:
    generator, discriminator = convolutional_GenDiscr()

    assert generator.count_params() == 339_493
    assert sum(int(np.prod(variable.shape)) for variable in generator.trainable_variables) == 339_331
    assert discriminator.count_params() == 388_097


def test_layers_of_the_convolutional_pair() -> None:
    def kinds(network: Any) -> list[str]:
        return [type(layer).__name__ for layer in network.layers]

    generator, discriminator = convolutional_GenDiscr()

    assert kinds(generator) == ["InputLayer", "Dense", "Reshape"] + 3 * [
        "UpSampling2D",
        "Conv2D",
        "BatchNormalization",
        "Activation",
    ]
    assert kinds(discriminator) == ["InputLayer"] + 4 * ["Conv2D", "MaxPooling2D", "Activation"] + ["Flatten", "Dense"]
    for network, filters in ((generator, [64, 16, 1]), (discriminator, [32, 64, 128, 256])):
        convolutions = [layer.get_config() for layer in network.layers if "Conv2D" in type(layer).__name__]
        assert [config["filters"] for config in convolutions] == filters
        assert {(config["kernel_size"], config["padding"], config["activation"]) for config in convolutions} == {
            ((3, 3), "same", "linear")
        }
        activations = [layer.activation.__name__ for layer in network.layers if hasattr(layer, "activation")]
        assert set(activations) - {"linear"} == {"tanh"}
        assert activations.count("tanh") == len(filters) + 1


def test_activations_of_the_fully_connected_pair() -> None:
    generator, discriminator, _ = fully_connected_GenDiscr([3, 8, 6, 4, 5])

    assert [layer.activation.__name__ for layer in generator.layers[1:]] == ["tanh"] * 3 + ["sigmoid"]
    assert [layer.activation.__name__ for layer in discriminator.layers[1:]] == ["tanh"] * 4
    # The exercise counts back from the end twice, from -2.
    assert [layer.units for layer in discriminator.layers[1:]] == [4, 4, 6, 1]


@pytest.mark.parametrize(
    "gen_shape", [[], [2], [2, 10], [2, 0, 5], [2, -1, 5], [2, 2.5, 5], None, "abc", [2, None, 5], [1, float("inf"), 3]]
)
def test_a_wrong_shape_is_refused(gen_shape: Any) -> None:
    with pytest.raises(ValueError, match="gen_shape: expected at least three positive integers"):
        fully_connected_GenDiscr(gen_shape)


def test_an_unknown_latent_type_is_refused() -> None:
    with pytest.raises(ValueError, match="expected one of normal, uniform, spheric, got 'gaussian'"):
        fully_connected_GenDiscr([2, 10, 5], latent_type="gaussian")
