"""``python -P app/jobs/child.py MODULE ARGUMENTS…``: run a module of this code in a process of its own.

``python -m`` would import from the current folder first, which may contain another ``app/`` or a ``json.py``. Here,
``app`` and ``models`` come from the folder that contains this code, and everything else from the installation.
"""

import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGES = ("app", "models")


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` with ``arguments``, whatever the current folder contains."""
    return [sys.executable, "-P", __file__, module, *arguments]


class _OwnCode:
    """Finds our packages beside this file, whether or not another copy of them is installed."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of one of our packages, or None, which leaves the module to the other finders."""
        return PathFinder.find_spec(name, [str(Path(__file__).resolve().parents[2])]) if name in _PACKAGES else None


if __name__ == "__main__":
    sys.meta_path.insert(0, _OwnCode)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
