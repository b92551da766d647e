"""The dense GANs in JAX: one ``jit`` around a ``lax.scan`` over the steps, Adam from optax.

Batches are drawn with replacement, which spares JAX the sort that ``jax.random.choice`` makes of a subset.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from tests.benchmarks.peers.runner import Case, Run

Network = list[tuple[Any, Any]]


def _network(widths: list[int], key: Any) -> Network:
    initial = jax.nn.initializers.glorot_uniform()
    keys = jax.random.split(key, len(widths) - 1)
    return [
        (initial(key, (width, after)), jnp.zeros(after))
        for key, width, after in zip(keys, widths[:-1], widths[1:], strict=True)
    ]


def _forward(network: Network, x: Any, last: Callable[[Any], Any]) -> Any:
    for kernel, bias in network[:-1]:
        x = jnp.tanh(x @ kernel + bias)
    kernel, bias = network[-1]
    return last(x @ kernel + bias)


def _generate(generator: Network, latents: Any) -> Any:
    return _forward(generator, latents, jax.nn.sigmoid)


def _score(critic: Network, points: Any) -> Any:
    return _forward(critic, points, jnp.tanh)


def _critic_loss(kind: str, critic: Network, real: Any, fake: Any, u: Any) -> tuple[Any, tuple[Any, Any]]:
    real_scores, fake_scores = _score(critic, real), _score(critic, fake)
    if kind == "Simple_GAN":
        loss = jnp.mean((real_scores - 1) ** 2) + jnp.mean((fake_scores + 1) ** 2)
    else:
        loss = jnp.mean(fake_scores) - jnp.mean(real_scores)
    if kind != "WGAN_GP":
        return loss, (loss, 0.0)
    slopes = jax.vmap(jax.grad(lambda point: _score(critic, point)[0]))(u * real + (1 - u) * fake)
    penalty = jnp.mean((jnp.sqrt(jnp.maximum(jnp.sum(slopes**2, axis=1), 1e-12)) - 1) ** 2)
    return loss + 10 * penalty, (loss, penalty)


def _generator_loss(kind: str, generator: Network, critic: Network, latents: Any) -> Any:
    scores = _score(critic, _generate(generator, latents))
    return jnp.mean((scores - 1) ** 2) if kind == "Simple_GAN" else -jnp.mean(scores)


def prepare(case: Case, mode: str) -> Run:
    """Build a dense GAN; there is one mode."""
    kind, batch, count, latent = case.kind, case.batch, case.shape[0], case.widths[0]
    keys = jax.random.split(jax.random.key(0), 3)
    generator, critic = _network(case.widths, keys[0]), _network(case.critic_widths, keys[1])
    optimizer = optax.adam(0.005, b1=0.3 if kind == "WGAN_GP" else 0.5, b2=0.9, eps=1e-7)
    real_examples = jnp.asarray(case.data())

    def step(carry: Any, key: Any) -> Any:
        generator, critic, generator_state, critic_state, real_examples = carry
        for _ in range(case.disc_iter):
            key, for_real, for_latents, for_u = jax.random.split(key, 4)
            real = real_examples[jax.random.randint(for_real, (batch,), 0, count)]
            fake = _generate(generator, jax.random.normal(for_latents, (batch, latent)))
            u = jax.random.uniform(for_u, (batch, 1))
            loss = partial(_critic_loss, kind, real=real, fake=fake, u=u)
            gradients, logs = jax.grad(loss, has_aux=True)(critic)
            updates, critic_state = optimizer.update(gradients, critic_state)
            critic = optax.apply_updates(critic, updates)
            if kind == "WGAN_clip":
                critic = jax.tree.map(lambda weights: jnp.clip(weights, -1, 1), critic)
        latents = jax.random.normal(key, (batch, latent))
        loss, gradients = jax.value_and_grad(partial(_generator_loss, kind))(generator, critic, latents)
        updates, generator_state = optimizer.update(gradients, generator_state)
        generator = optax.apply_updates(generator, updates)
        return (generator, critic, generator_state, critic_state, real_examples), (*logs, loss)

    @partial(jax.jit, donate_argnums=0)
    def many(state: Any, key: Any) -> Any:
        carry, losses = jax.lax.scan(step, (*state, real_examples), jax.random.split(key, case.steps))
        return carry[:-1], losses

    state = [(generator, critic, optimizer.init(generator), optimizer.init(critic)), keys[2]]

    def run() -> object:
        state[1], key = jax.random.split(state[1])
        state[0], losses = many(state[0], key)
        return np.asarray(losses[0])

    run()
    return run
