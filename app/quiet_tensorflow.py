"""TensorFlow and Keras, without the start-up messages that no setting turns off (tensorflow#100442), and sooner.

Import this before anything else that loads TensorFlow, to keep the terminal for the user.
"""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # for the messages after start-up


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Drop what native code writes to standard error; Python's exceptions still pass."""
    usual = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(usual, 2)
        os.close(nowhere)
        os.close(usual)


@contextmanager
def _in_less_time() -> Iterator[None]:
    """Look for no garbage among what is loaded, and let Keras do without matplotlib: together a third of the time."""
    collects, plots = gc.isenabled(), "matplotlib" in sys.modules
    gc.disable()
    if not plots:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]  # its import fails; Keras has a plan for that
    try:
        yield
    finally:
        if not plots:
            del sys.modules["matplotlib"]
        if collects:
            gc.enable()


with _silent_standard_error(), _in_less_time():
    import keras  # noqa: F401
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for accelerators now, where it is not heard

__all__ = ["tf"]
