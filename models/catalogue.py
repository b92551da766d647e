"""Names and sizes of the GANs, their networks and the toy data: facts that the service needs without TensorFlow."""

import itertools
from collections.abc import Sequence
from typing import Literal, get_args

GanName = Literal["simple_gan", "wgan_clip", "wgan_gp"]
LatentType = Literal["normal", "uniform", "spheric"]
ToyName = Literal["circle", "four_clouds", "ring8", "grid25", "swiss_roll", "moons", "corner_cloud"]

LATENT_TYPES: tuple[LatentType, ...] = get_args(LatentType)

#: The classes that users import from ``models``.
CLASS_NAMES: dict[GanName, str] = {"simple_gan": "Simple_GAN", "wgan_clip": "WGAN_clip", "wgan_gp": "WGAN_GP"}

#: The losses that a training step returns.
LOSS_NAMES: dict[GanName, tuple[str, ...]] = {
    "simple_gan": ("discr_loss", "gen_loss"),
    "wgan_clip": ("discr_loss", "gen_loss"),
    "wgan_gp": ("discr_loss", "gen_loss", "gp"),
}

#: Coordinates of a point of each toy distribution.
TOY_DIMENSIONS: dict[ToyName, int] = {
    "circle": 2,
    "four_clouds": 5,
    "ring8": 2,
    "grid25": 2,
    "swiss_roll": 2,
    "moons": 2,
    "corner_cloud": 49,
}

#: Random numbers are drawn for a block of steps at once: at most this many steps, and this many bytes unless one step
#: needs more. Both are part of what a seed means: other values give other runs.
BLOCK_STEPS = 100
BLOCK_BYTES = 64 * 2**20


def block_steps(batch_size: int, disc_iter: int, example_size: int, latent_size: int) -> int:
    """Return the number of steps in a block, 1 … ``BLOCK_STEPS``; arguments as for :func:`step_bytes`."""
    return max(1, min(BLOCK_STEPS, BLOCK_BYTES // step_bytes(batch_size, disc_iter, example_size, latent_size)))


def step_bytes(batch_size: int, disc_iter: int, example_size: int, latent_size: int) -> int:
    """Return the memory that drawing one step's random numbers takes.

    Args:
        batch_size: examples in a batch.
        disc_iter: discriminator updates in a step.
        example_size: numbers in a real example.
        latent_size: numbers in a latent vector.
    """
    numbers = disc_iter * (example_size + 1) + (disc_iter + 1) * latent_size
    return batch_size * (4 * numbers + 32 * disc_iter)  # 32: the subsets are sorted as int64


def discriminator_widths(gen_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the discriminator's widths, input to output, that the exercise pairs with a dense generator.

    It uses ``gen_shape[-2]`` twice and ``gen_shape[1]`` never, which shows only where the hidden widths differ.
    """
    return (gen_shape[-1], gen_shape[-2], *(gen_shape[-i] for i in range(2, len(gen_shape) - 1)), 1)


def parameters(widths: Sequence[int]) -> int:
    """Count the weights and biases of dense layers."""
    return sum((a + 1) * b for a, b in itertools.pairwise(widths))
