"""Maps pixels to the network's range and back. A transform is part of a set of weights and stored with it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]

#: What float32 can multiply and divide by, and stay finite.
_SMALLEST, _LARGEST = 1e-30, 1e30


@dataclass(frozen=True)
class PixelTransform:
    """An affine map: ``grey = output * scale + offset``, with grey levels in [0, 1].

    Args:
        name: for people; the project uses ``raw`` and ``symmetric``.
        scale, offset: one number each.
    """

    name: str
    scale: float
    offset: float

    def to_grey(self, outputs: npt.ArrayLike) -> Bytes:
        """Round network outputs, float ``(..., 16, 16, 1)``, to grey levels, uint8 ``(..., 16, 16)``."""
        grey = np.asarray(outputs, np.float32)[..., 0] * np.float32(self.scale) + np.float32(self.offset)
        levels: Bytes = np.rint(np.clip(grey, 0.0, 1.0) * np.float32(255)).astype(np.uint8)
        return levels

    def to_network(self, grey: npt.ArrayLike) -> Floats:
        """Map grey levels, uint8 ``(..., 16, 16)``, to the network's range, float32 ``(..., 16, 16, 1)``."""
        levels = np.asarray(grey, np.float32)[..., np.newaxis] / np.float32(255)
        return (levels - np.float32(self.offset)) / np.float32(self.scale)

    @classmethod
    def from_dict(cls, values: Any) -> "PixelTransform":
        """Rebuild a transform from :meth:`to_dict`.

        Raises:
            ValueError: the values are not of that form, or the scale is 0, or near enough to be none.
        """
        try:
            transform = cls(str(values["name"]), float(values["scale"]), float(values["offset"]))
        except (TypeError, ValueError, KeyError) as error:
            raise ValueError(f"expected a pixel transform with name, scale and offset, got {values!r}") from error
        if not (_SMALLEST < abs(transform.scale) < _LARGEST and abs(transform.offset) < _LARGEST):
            raise ValueError(f"expected a pixel transform of finite numbers and a scale other than 0, got {values!r}")
        return transform

    def to_dict(self) -> dict[str, Any]:
        """Return the transform as JSON values."""
        return {"name": self.name, "scale": self.scale, "offset": self.offset}


#: The output is the grey level, in [0, 1]: the exercise's published weights.
RAW = PixelTransform("raw", 1.0, 0.0)
#: Black is -1 and white is +1, the range of a tanh: this project's weights.
SYMMETRIC = PixelTransform("symmetric", 0.5, 0.5)
TRANSFORMS = {transform.name: transform for transform in (RAW, SYMMETRIC)}
