"""The generator that is served: weights from a file, ready for inference."""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from app.faces.latents import LATENT_DIM, Latents
from app.faces.numpy_generator import GeneratorNetwork
from models.files.layouts import FACE_GENERATOR
from models.files.normalization import RAW, TRANSFORMS, PixelTransform
from models.files.plain_json import plain_json
from models.files.weight_files import find_weights
from models.files.weights import WeightsError, read_file

#: Digits of a SHA-256 that identify weights.
_ID_DIGITS = 12

#: Faces that are drawn before any is served.
_PROBE = 64
#: Bytes of a file with the measured quality.
_LONGEST_QUALITY = 2**20

_log = logging.getLogger("nobody")


class FaceGenerator:
    """A trained generator and what is known about it.

    Args:
        where: the weights, or the folder they lie in: see :func:`models.files.weight_files.find_weights`.
        pixels: ``auto``, or the name of a pixel transform that overrides the file's.

    Raises:
        WeightsError: there is no such file, it does not fit, or no faces come out.
    """

    def __init__(self, where: Path, pixels: str = "auto") -> None:
        path = find_weights(where)
        file = read_file(path, FACE_GENERATOR)
        metadata = file.metadata or {}
        try:
            self._network = GeneratorNetwork(file.weights)
        except ValueError as error:
            raise WeightsError(f"{path}: {error}") from error
        self.parameters = sum(values.size for values in file.weights)
        self.sha256 = file.sha256
        self.id = self.sha256[:_ID_DIGITS]
        self.training: dict[str, Any] | None = metadata.get("training")
        if not isinstance(self.training, dict | None):
            raise WeightsError(f"{path}: expected the training settings as an object, got {self.training!r}")
        self.quality = _read_quality(path.parent / "quality.json", self.sha256)
        outputs = self._network(np.random.default_rng(0).standard_normal((_PROBE, LATENT_DIM), np.float32))
        self.transform, self.transform_source = self._choose_transform(path, pixels, metadata, outputs)
        faces = self.transform.to_grey(outputs[..., np.newaxis])
        different = len(np.unique(faces.reshape(_PROBE, -1), axis=0))
        if different < _PROBE // 2:
            raise WeightsError(
                f"{path}: expected a generator that draws different faces, got {different} different out of {_PROBE}; "
                f"it is damaged, or its training has failed"
            )

    def __call__(self, latents: Latents) -> npt.NDArray[np.uint8]:
        """Generate faces; thread-safe.

        Args:
            latents: float32 ``(count, 16)``.

        Returns:
            uint8 ``(count, 16, 16)``; 0 is black.
        """
        return self.transform.to_grey(self._network(latents)[..., np.newaxis])

    def has_id(self, given: str) -> bool:
        """Whether a text of at least 12 digits is the beginning of these weights' SHA-256."""
        return len(given) >= _ID_DIGITS and self.sha256.startswith(given.lower())

    @property
    def named_wholly(self) -> bool:
        """Whether the hash of the weights determines every face; a setting may override the pixel transform."""
        return self.transform_source == "file"

    def _choose_transform(
        self, path: Path, pixels: str, metadata: dict[str, Any], outputs: npt.NDArray[np.float32]
    ) -> tuple[PixelTransform, str]:
        """Return the pixel transform and who chose it: ``setting``, ``file`` or ``assumed``, which looks at outputs."""
        if pixels != "auto":
            return TRANSFORMS[pixels], "setting"
        if "pixel_transform" in metadata:
            try:
                return PixelTransform.from_dict(metadata["pixel_transform"]), "file"
            except ValueError as error:
                raise WeightsError(f"{path}: {error}") from error
        dark = float((outputs < 0.0).mean())
        if dark > 0.2:  # 5 % for the exercise's weights, which are raw
            _log.warning(
                "%s does not say what its pixels mean; taking them as raw grey levels 0…1, but %.0f %% lie below 0: "
                "if the faces look wrong, set NOBODY_PIXELS=symmetric",
                path,
                100 * dark,
            )
        return RAW, "assumed"


def _read_quality(path: Path, sha256: str) -> dict[str, Any] | None:
    """Read the measured quality, if it is that of these weights."""
    try:
        if not path.is_file() or path.stat().st_size > _LONGEST_QUALITY:
            return None
        quality = plain_json(path.read_text())
    except (OSError, ValueError):
        return None
    if not isinstance(quality, dict) or quality.get("generator_sha256") != sha256:
        return None
    return quality
