"""TensorFlow, loaded without the start-up messages that none of its own settings turns off (tensorflow#100442).

Import ``tf`` from here, before anything else that loads TensorFlow, to keep the terminal for the user.
"""

import os
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


with _silent_standard_error():
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for accelerators now, where it is not heard

__all__ = ["tf"]
