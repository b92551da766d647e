"""The generator for inference: the weights of the Keras network, rearranged once so that NumPy alone runs them fast.

Doubling a map and then convolving it 3×3 spreads each of its pixels over 4×4 pixels of the result; the patches of
neighbours lie two pixels apart and add up where they overlap. A convolution is thus one matrix product a pixel of the
small map, and batch normalisation, an affine map at inference, goes into its kernel and bias.

Faces are computed in tiles, side by side along the last axis of every array.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.faces.latents import LATENT_DIM, Latents

Floats = npt.NDArray[np.float32]

#: What Keras adds to the variance in a batch normalisation.
_EPSILON = 1e-3
#: No parameter may reach this. A sum of some thousands of such products is still a float32, so whatever the seed, no
#: number becomes infinite: tanh bounds what goes into each layer.
_LARGEST = 1e30
#: Tiles that are computed in one go: the arrays in between stay in the processor's caches.
_TILES = 8


class _Convolution(NamedTuple):
    """Doubling and convolving: ``kernel @ pixel`` is the patch of 4×4 pixels × filters; ``bias`` for each filter."""

    kernel: Floats
    bias: Floats


class GeneratorNetwork:
    """Maps latent vectors to what the generator of ``convolutional_GenDiscr`` makes of them.

    A pure function that any number of threads may call. A face is the same bits in whatever company it is computed.

    Args:
        weights: as :func:`models.files.weights.read_weights` returns them.

    Raises:
        ValueError: they are so large that numbers could become infinite.
    """

    def __init__(self, weights: list[Floats]) -> None:
        kernel, bias = weights[:2]
        self._dense = np.ascontiguousarray(np.vstack([kernel, bias]).T)
        first, self._second, self._third = (_folded(*weights[i : i + 6]) for i in (2, 8, 14))
        # Each of the 2×2 pixels that the first convolution doubles is a corner: one row and one column of its patch
        # lie outside of the picture.
        patches = first.kernel.reshape(4, 4, -1, 512)
        corners = [[patches[1 - y : 4 - y, 1 - x : 4 - x].reshape(-1, 512) for x in (0, 1)] for y in (0, 1)]
        self._first = _Convolution(np.array(corners), first.bias)
        for parameters in (self._dense, *first, *self._second, *self._third):
            if not (largest := float(np.abs(parameters).max())) < _LARGEST:
                raise ValueError(f"expected weights below {_LARGEST:.0e}, once normalised; found {largest:.2e}")
        self.tile = self._choose_tile()

    def __call__(self, latents: Latents) -> Floats:
        """Generate: float32 ``(count, 16)`` → float32 ``(count, 16, 16)`` in (-1, 1)."""
        count = len(latents)
        tiles = -(-count // self.tile)
        padded = np.zeros((tiles * self.tile, LATENT_DIM), np.float32)
        padded[:count] = latents
        inputs = padded.reshape(tiles, self.tile, LATENT_DIM).swapaxes(1, 2)
        outputs = [self._run(inputs[i : i + _TILES]) for i in range(0, tiles, _TILES)]
        return np.concatenate(outputs).swapaxes(1, 2).reshape(-1, 16, 16)[:count]

    def _run(self, latents: Floats) -> Floats:
        """Run tiles: ``(tiles, 16, tile)`` → ``(tiles, 256, tile)``."""
        tiles, _, tile = latents.shape
        inputs = np.concatenate([latents, np.ones((tiles, 1, tile), np.float32)], axis=1)  # the 1 meets the bias
        hidden = _tanh(self._dense @ inputs).reshape(tiles, 2, 2, 512, tile)
        maps = _tanh(_add_corners(self._first, hidden))
        maps = _tanh(_add_patches(self._second, maps))[:, 1:-1, 1:-1]
        maps = _tanh(_add_patches(self._third, maps))[:, 1:-1, 1:-1]
        return maps.reshape(tiles, 256, tile)

    def _choose_tile(self) -> int:
        """Return how many faces to compute at once.

        Some BLAS kernels add up in another order at some places of a wide matrix. A tile is taken only if it gives the
        same latent the same bits in each of its places, because in company a face gets any of them.
        """
        latents = np.random.default_rng(0).standard_normal((_TILES, LATENT_DIM, 1), np.float32)
        for tile in (32, 16, 8, 4, 2):
            outputs = self._run(latents.repeat(tile, axis=2))
            if (outputs == outputs[:, :, :1]).all():
                return tile
        return 1


def _folded(kernel: Floats, bias: Floats, gamma: Floats, beta: Floats, mean: Floats, variance: Floats) -> _Convolution:
    """Fold batch normalisation into a 3×3 convolution, and the doubling before it into a kernel of 4×4 patches."""
    with np.errstate(over="ignore", invalid="ignore"):  # what leaves the range of float32 is refused later
        factor = gamma.astype(np.float64) / np.sqrt(variance.astype(np.float64) + _EPSILON)
        patches = np.zeros((4, 4, *kernel.shape[2:]))
        for y in (0, 1):  # a pixel, doubled, is four
            for x in (0, 1):
                patches[y : y + 3, x : x + 3] += kernel[::-1, ::-1] * factor
        matrix = patches.swapaxes(2, 3).reshape(-1, kernel.shape[2])
        return _Convolution(matrix.astype(np.float32), ((bias - mean) * factor + beta).astype(np.float32))


def _add_corners(layer: _Convolution, maps: Floats) -> Floats:
    """Add up the patches of 2×2 pixels, without what lies outside: ``(tiles, 2, 2, in, tile)`` → 4×4 pixels."""
    tiles, _, _, _, tile = maps.shape
    patches = (layer.kernel @ maps).reshape(tiles, 2, 2, 3, 3, -1, tile)
    result = _filled(layer.bias, tiles, 4, 4, tile)
    for y in (0, 1):
        for x in (0, 1):
            result[:, y : y + 3, x : x + 3] += patches[:, y, x]
    return result


def _add_patches(layer: _Convolution, maps: Floats) -> Floats:
    """Add up the patches: ``(tiles, h, w, in, tile)`` → ``(tiles, 2h + 2, 2w + 2, out, tile)``, a border included."""
    tiles, height, width, _, tile = maps.shape
    patches = (layer.kernel @ maps).reshape(tiles, height, width, 4, 4, -1, tile)
    result = _filled(layer.bias, tiles, 2 * height + 2, 2 * width + 2, tile)
    pairs = result.reshape(tiles, height + 1, 2, width + 1, 2, -1, tile)
    for y in (0, 1):
        for x in (0, 1):
            quarter = patches[:, :, :, 2 * y : 2 * y + 2, 2 * x : 2 * x + 2]
            pairs[:, y : y + height, :, x : x + width] += quarter.swapaxes(2, 3)
    return result


def _filled(bias: Floats, tiles: int, height: int, width: int, tile: int) -> Floats:
    result = np.empty((tiles, height, width, len(bias), tile), np.float32)
    result[:] = bias[:, np.newaxis]
    return result


def _tanh(values: Floats) -> Floats:
    return np.tanh(values, out=values)
