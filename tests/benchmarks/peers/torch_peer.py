"""The GANs in PyTorch, eager or under ``torch.compile``, with its fused Adam. Batches are drawn with replacement."""

import itertools
from collections.abc import Callable

import torch
from torch import nn

from tests.benchmarks.peers.runner import Case, Run

Loss = Callable[..., tuple[torch.Tensor, torch.Tensor]]


def _dense(widths: list[int], last: nn.Module) -> nn.Module:
    parts: list[nn.Module] = []
    for width, after in itertools.pairwise(widths):
        parts += [nn.Linear(width, after), nn.Tanh()]
    return nn.Sequential(*parts[:-1], last)


def _convolutional_generator() -> nn.Module:
    parts: list[nn.Module] = [nn.Linear(16, 2048), nn.Tanh(), nn.Unflatten(1, (512, 2, 2))]
    for before, filters in ((512, 64), (64, 16), (16, 1)):
        parts += [nn.Upsample(scale_factor=2), nn.Conv2d(before, filters, 3, padding=1)]
        parts += [nn.BatchNorm2d(filters, eps=1e-3, momentum=0.01), nn.Tanh()]
    return nn.Sequential(*parts)


def _convolutional_critic() -> nn.Module:
    parts: list[nn.Module] = []
    for before, filters in ((1, 32), (32, 64), (64, 128), (128, 256)):
        parts += [nn.Conv2d(before, filters, 3, padding=1), nn.MaxPool2d(2), nn.Tanh()]
    return nn.Sequential(*parts, nn.Flatten(), nn.Linear(256, 1), nn.Tanh())


def _critic_loss(kind: str, critic: nn.Module) -> Loss:
    def of(real: torch.Tensor, fake: torch.Tensor, u: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        real_scores, fake_scores = critic(real), critic(fake)
        if kind == "Simple_GAN":
            loss = ((real_scores - 1) ** 2).mean() + ((fake_scores + 1) ** 2).mean()
        else:
            loss = fake_scores.mean() - real_scores.mean()
        if kind != "WGAN_GP":
            return loss, loss
        points = (u * real + (1 - u) * fake).requires_grad_()
        (slopes,) = torch.autograd.grad(critic(points).sum(), points, create_graph=True)
        norms = slopes.flatten(1).square().sum(1).clamp_min(1e-12).sqrt()
        return loss + 10 * ((norms - 1) ** 2).mean(), loss

    return of


def _generator_loss(kind: str, generator: nn.Module, critic: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
    def of(latents: torch.Tensor) -> torch.Tensor:
        scores = critic(generator(latents))
        return ((scores - 1) ** 2).mean() if kind == "Simple_GAN" else -scores.mean()

    return of


def _networks(case: Case) -> tuple[int, nn.Module, nn.Module]:
    if not case.widths:
        return 16, _convolutional_generator(), _convolutional_critic()
    return case.widths[0], _dense(case.widths, nn.Sigmoid()), _dense(case.critic_widths, nn.Tanh())


def prepare(case: Case, mode: str) -> Run:
    """Build a GAN; the mode is ``eager`` or ``compile``."""
    kind, batch, data = case.kind, case.batch, case.data()
    latent, generator, critic = _networks(case)
    real_examples = torch.as_tensor(data if case.widths else data.transpose(0, 3, 1, 2).copy())
    betas = (0.3 if kind == "WGAN_GP" else 0.5, 0.9)
    of_critic, of_generator = (
        torch.optim.Adam(network.parameters(), 0.005, betas, eps=1e-7, fused=True) for network in (critic, generator)
    )
    critic_loss, generator_loss = _critic_loss(kind, critic), _generator_loss(kind, generator, critic)
    if mode == "compile":
        torch._dynamo.reset()  # one model at a time, or it gives up compiling the next
        generate, generator_loss = torch.compile(generator), torch.compile(generator_loss)
        # torch.compile cannot differentiate a gradient again, so the penalty stays eager.
        critic_loss = critic_loss if kind == "WGAN_GP" else torch.compile(critic_loss)
    else:
        generate = generator
    u_shape = (batch, *[1] * (real_examples.ndim - 1))
    critic_parameters = list(critic.parameters())

    def step() -> float:
        for _ in range(case.disc_iter):
            real = real_examples[torch.randint(len(real_examples), (batch,))]
            with torch.no_grad():
                fake = generate(torch.randn(batch, latent))
            total, loss = critic_loss(real, fake, torch.rand(u_shape))
            of_critic.zero_grad()
            total.backward()
            of_critic.step()
            if kind == "WGAN_clip":
                with torch.no_grad():
                    torch._foreach_clamp_min_(critic_parameters, -1.0)
                    torch._foreach_clamp_max_(critic_parameters, 1.0)
        for parameter in critic_parameters:  # the generator's update needs no gradient for them
            parameter.requires_grad_(False)
        generator_objective = generator_loss(torch.randn(batch, latent))
        of_generator.zero_grad()
        generator_objective.backward()
        of_generator.step()
        for parameter in critic_parameters:
            parameter.requires_grad_(True)
        return float(loss.detach())

    step()
    return lambda: [step() for _ in range(case.steps)]
