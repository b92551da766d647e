"""The nobody service: faces of people who do not exist, over HTTP."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

# NumPy reads this once, when it is first imported. The face engine brings threads of its own, and those of the BLAS
# library would only wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

_PACKAGE = Path(__file__).resolve().parent
#: Folder that holds ``static`` and ``weights``: the checkout, or this package in an installed wheel (see ``setup.py``).
ROOT = _PACKAGE if (_PACKAGE / "static").is_dir() else _PACKAGE.parent

try:
    __version__ = version("nobody")
except PackageNotFoundError:  # run from a bare checkout
    __version__ = "0+unknown"
