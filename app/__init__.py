"""The nobody service: faces of people who do not exist, over HTTP."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Folder that holds ``app``, ``models``, ``weights`` and ``static``.
ROOT = Path(__file__).resolve().parent.parent

# TensorFlow reports a missing GPU and its build flags on standard error at every start, unless told not to.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

try:
    __version__ = version("nobody")
except PackageNotFoundError:  # run from a bare checkout
    __version__ = "0+unknown"
