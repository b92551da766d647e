"""Task 0: the least-squares GAN (Mao et al. 2017, "Least Squares Generative Adversarial Networks")."""

from models import losses
from models.gan import GAN


class Simple_GAN(GAN):
    """The discriminator pushes real scores to +1 and fake ones to -1; the generator pushes fake ones to +1."""

    generator_loss = staticmethod(losses.least_squares_generator_loss)
    discriminator_loss = staticmethod(losses.least_squares_discriminator_loss)
