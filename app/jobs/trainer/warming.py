"""Compiles training steps before the jobs that need them."""

import os
import threading
import traceback
from collections.abc import Callable

import numpy as np

from app.jobs.trainer.messages import Message, Warmed
from models.presets import ToySettings
from models.toys.building import build
from models.training.train import compile_ahead

#: Priority of compiling ahead: lower than that of training.
_NICENESS = 15


def warm(architecture: ToySettings, send: Callable[[Message], None], is_wanted_elsewhere: Callable[[], bool]) -> None:
    """Compile the training step of an architecture, most of it in a thread of its own, and report its end.

    What runs in this thread takes some tenths of a second: networks are built in the thread of the jobs, because both
    set the global seeds.

    Args:
        architecture: what to compile.
        send: sends a message to the worker.
        is_wanted_elsewhere: asked between the parts; True ends the attempt.
    """
    try:
        points = np.random.default_rng(0).random((architecture.batch_size, architecture.gen_shape[-1]), np.float32)
        gan = build(architecture, points, seed=0)
        if is_wanted_elsewhere():
            send(Warmed(architecture, over=False))
            return
        compile_step = compile_ahead(gan)
    except Exception:  # the job itself will say what is wrong with it
        traceback.print_exc()
        send(Warmed(architecture, over=True))
        return

    def finish() -> None:
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        try:
            compile_step()
        except Exception:
            traceback.print_exc()
        send(Warmed(architecture, over=True))

    threading.Thread(target=finish, name="warming", daemon=True).start()
