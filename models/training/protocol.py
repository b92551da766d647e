"""What the training loop needs of a GAN, so that it depends on no class of GANs."""

from contextlib import AbstractContextManager
from typing import Any, ClassVar, Protocol

from models.latents import LatentCallable

#: The methods that make up a training step. A subclass or an instance may replace each of them.
STEP_PARTS = (
    "train_step",
    "update_discriminator",
    "update_generator",
    "discriminator_objective",
    "discriminator_loss",
    "generator_loss",
    "gradient_penalty",
    "draw_latents",
    "get_real_sample",
    "get_fake_sample",
    "get_interpolated_sample",
)


class Trainable(Protocol):
    """Two networks, their data, and one step; :class:`models.gan.GAN` documents the members."""

    generator: Any
    discriminator: Any
    latent_generator: LatentCallable
    real_examples: Any
    batch_size: int
    disc_iter: int
    loss_names: ClassVar[tuple[str, ...]]
    seed: int
    own_losses: tuple[Any, Any]
    randomness: Any

    # of Keras
    run_eagerly: bool
    steps_per_execution: int
    jit_compiled: bool | None
    train_function: Any

    # what the loops keep with a model
    step_draws: Any
    private_loop: Any
    traced_with: Any

    @property
    def latent_shape(self) -> tuple[int, ...]: ...
    @property
    def example_shape(self) -> tuple[int, ...]: ...
    @property
    def steps_done(self) -> int: ...
    @property
    def state(self) -> dict[str, Any]: ...
    @property
    def uses_xla(self) -> bool: ...
    def train_step(self, useless_argument: Any = None) -> dict[str, Any]: ...
    def update_discriminator(self) -> dict[str, Any]: ...
    def update_generator(self) -> dict[str, Any]: ...
    def draw_latents(self, size: int) -> Any: ...
    def subset_size(self, size: int | None = None) -> int: ...
    def drawing_from(self, randomness: Any) -> AbstractContextManager[None]: ...
    def set_optimizers(self, generator: Any, discriminator: Any) -> None: ...
    def build_optimizers(self) -> None: ...
