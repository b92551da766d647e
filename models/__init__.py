"""Plain Keras models of the exercise, under the exercise's own names."""

from models.latents import normal_generator, spheric_generator, uniform_generator
from models.networks import convolutional_GenDiscr, fully_connected_GenDiscr
from models.simple_gan import Simple_GAN
from models.training import DivergenceError, train
from models.weights import WeightsError
from models.wgan_clip import WGAN_clip
from models.wgan_gp import WGAN_GP

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
