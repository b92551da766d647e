"""Finds the file that holds a network's weights. Needs neither Keras nor h5py."""

import os
from pathlib import Path

#: Endings that are looked for in a folder, after the network's name; the first one found counts.
ENDINGS = (".h5", ".weights.h5", ".keras")


class WeightsError(ValueError):
    """A weights file is missing, damaged or not of the expected network; the message says which file and why."""


def find_weights(where: Path, network: str = "generator") -> Path:
    """Return the file with a network's weights.

    Args:
        where: the file itself; or a folder with ``generator.h5``, ``generator.weights.h5`` or ``generator.keras``, of
            which the first that is there is taken. ``~`` is the home folder.
        network: ``generator`` or ``discriminator``.

    Raises:
        WeightsError: the folder has none of these files but others, or cannot be read; or there is no home folder.
    """
    try:
        where = where.expanduser()
    except RuntimeError as error:
        raise WeightsError(f"{where}: expected a file or a folder ({error})") from error
    if not os.path.isdir(where) or os.path.exists(where / "saved_model.pb"):
        return where
    candidates = [where / f"{network}{ending}" for ending in ENDINGS]
    for candidate in candidates:
        if os.path.exists(candidate):
            return candidate
    try:
        others = sorted(path.name for path in where.iterdir() if path.suffix in (".h5", ".hdf5", ".keras"))
    except OSError as error:
        raise WeightsError(f"{where}: expected a folder that may be read, got {error.strerror}") from error
    if others:
        names = ", ".join(candidate.name for candidate in candidates)
        raise WeightsError(
            f"{where}: expected one of {names} in this folder, found {', '.join(others[:5])}; name the file itself"
        )
    return candidates[0]
