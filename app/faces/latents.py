"""Seeds, names and their latent vectors. A latent vector is 16 standard normal float32 numbers."""

import hashlib
import secrets
import unicodedata
from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

LATENT_DIM = 16
#: The largest whole number that every JSON reader reads exactly.
MAX_SEED = 2**53 - 1

Latents = npt.NDArray[np.float32]
_Points = npt.NDArray[np.float64]
Path = Literal["linear", "spherical"]

_GAMMA = np.uint64(0x9E3779B97F4A7C15)


def new_seed() -> int:
    """Draw an unpredictable seed, 0 … ``MAX_SEED``."""
    return new_seeds(1)[0]


def new_seeds(count: int) -> list[int]:
    """Draw unpredictable seeds, 0 … ``MAX_SEED``."""
    bits = np.frombuffer(secrets.token_bytes(8 * count), np.uint64)
    seeds: list[int] = (bits >> np.uint64(11)).tolist()
    return seeds


def seed_of_name(name: str) -> int:
    """Return the permanent seed of a string: 53 bits of the SHA-256 of its NFC form."""
    canonical = unicodedata.normalize("NFC", name)  # é has two forms in Unicode
    return int.from_bytes(hashlib.sha256(canonical.encode()).digest()[:8], "big") >> 11


def latents_of_seeds(seeds: Sequence[int]) -> Latents:
    """Return the latent vectors of seeds, float32 ``(len(seeds), 16)``.

    SplitMix64 (Steele et al. 2014), started with a hash of the seed, and Box and Muller's transform. It is our own code
    because no library promises the same numbers forever, and permalinks need them.
    """
    start = _mix(np.asarray(seeds, np.uint64) + _GAMMA)
    bits = _mix(start[:, np.newaxis] + _GAMMA * np.arange(1, LATENT_DIM + 1, dtype=np.uint64))
    uniform = ((bits >> np.uint64(11)).astype(np.float64) + 0.5) / 2.0**53
    radius = np.sqrt(-2.0 * np.log(uniform[:, ::2]))
    angle = 2.0 * np.pi * uniform[:, 1::2]
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1).astype(np.float32)


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def walk(start: Latents, end: Latents, steps: int, path: Path) -> Latents:
    """Return ``steps`` latent vectors from ``start`` to ``end``, both included.

    Args:
        start: float32 ``(16,)``.
        end: float32 ``(16,)``.
        steps: at least 2.
        path: ``linear`` is the straight segment, as in the exercise; ``spherical`` turns at a constant angle and
            changes the length linearly (Shoemake 1985), so that it stays at usual lengths of latent vectors.
    """
    t = np.linspace(0.0, 1.0, steps)[:, np.newaxis]
    a, b = start.astype(np.float64), end.astype(np.float64)
    points = _straight(a, b, t) if path == "linear" else _turn(a, b, t)
    points[0], points[-1] = a, b  # exactly the faces of the two seeds
    return points.astype(np.float32)


def _straight(a: _Points, b: _Points, t: _Points) -> _Points:
    return (1.0 - t) * a + t * b


def _turn(a: _Points, b: _Points, t: _Points) -> _Points:
    lengths = np.linalg.norm(a), np.linalg.norm(b)
    if min(lengths) == 0.0:
        return _straight(a, b, t)
    cosine = np.clip(a @ b / (lengths[0] * lengths[1]), -1.0, 1.0)
    angle = np.arccos(cosine)
    if np.sin(angle) < 1e-6:  # the same direction, or opposite ones, between which the arc is not unique
        return _straight(a, b, t)
    direction = (np.sin((1.0 - t) * angle) * a / lengths[0] + np.sin(t * angle) * b / lengths[1]) / np.sin(angle)
    points: _Points = direction * ((1.0 - t) * lengths[0] + t * lengths[1])
    return points
