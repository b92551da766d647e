"""The nobody service: faces of people who do not exist, over HTTP."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# NumPy reads this once, when it is first imported. The face engine brings threads of its own, and those of the BLAS
# library would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

#: Folder that holds ``app``, ``models``, ``weights`` and ``static``.
ROOT = Path(__file__).resolve().parent.parent

try:
    __version__ = version("nobody")
except PackageNotFoundError:  # run from a bare checkout
    __version__ = "0+unknown"
