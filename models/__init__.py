"""Plain Keras models of the exercise, under the exercise's own names.

A name is loaded when it is first asked for: who only reads weights files, as the service does, never loads TensorFlow.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from models.files.weights import WeightsError
    from models.latents import normal_generator, spheric_generator, uniform_generator
    from models.networks import convolutional_GenDiscr, fully_connected_GenDiscr
    from models.simple_gan import Simple_GAN
    from models.training.train import DivergenceError, train
    from models.wgan_clip import WGAN_clip
    from models.wgan_gp import WGAN_GP

_MODULES = {
    "WGAN_GP": "wgan_gp",
    "DivergenceError": "training.train",
    "Simple_GAN": "simple_gan",
    "WGAN_clip": "wgan_clip",
    "WeightsError": "files.weights",
    "convolutional_GenDiscr": "networks",
    "fully_connected_GenDiscr": "networks",
    "normal_generator": "latents",
    "spheric_generator": "latents",
    "train": "training.train",
    "uniform_generator": "latents",
}

__all__ = [
    "WGAN_GP",
    "DivergenceError",
    "Simple_GAN",
    "WGAN_clip",
    "WeightsError",
    "convolutional_GenDiscr",
    "fully_connected_GenDiscr",
    "normal_generator",
    "spheric_generator",
    "train",
    "uniform_generator",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    return value
