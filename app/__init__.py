"""The nobody service: faces of people who do not exist, over HTTP."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

#: Folder that holds ``app``, ``models``, ``weights`` and ``static``.
ROOT = Path(__file__).resolve().parent.parent

try:
    __version__ = version("nobody")
except PackageNotFoundError:  # run from a bare checkout
    __version__ = "0+unknown"
