"""``python -P app/jobs/child.py MODULE ARGUMENTS…``: run a module of this very code in a process of its own.

``python -m`` looks for modules in the current folder first, where anybody may have left an ``app/`` or a ``json.py``.
Here, ``app`` and ``models`` come from the folder that this file is in, everything else from where Python is installed.
"""

import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

_PACKAGES = ("app", "models")


def command(module: str, *arguments: str) -> list[str]:
    """Return the command that runs ``module`` with ``arguments``, whatever lies in the current folder."""
    return [sys.executable, "-P", __file__, module, *arguments]


class _OwnCode:
    """Finds our packages beside this file, also where another copy of them is installed or none is."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Find a module; ``None`` leaves it to the other finders."""
        return PathFinder.find_spec(name, [str(Path(__file__).resolve().parents[2])]) if name in _PACKAGES else None


if __name__ == "__main__":
    sys.meta_path.insert(0, _OwnCode)
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
