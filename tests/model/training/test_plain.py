"""The fewer operations of a compiled step give the numbers of Keras's."""

import numpy as np
import pytest

from models import train
from models.presets import ToySettings
from models.toys.building import build
from models.training import plain, shared_loops
from models.training.loop import values_of

SETTINGS = ToySettings(
    model="wgan_gp",
    gen_shape=(3, 7, 6, 2),
    epochs=1,
    batch_size=60,
    disc_iter=1,
    beta_1=0.0,
    ema=0.9,
    final_rate=0.1,
    critic_activation="linear",
)


def test_the_same_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).random((200, 2), np.float32)
    states = []
    for simplify in (plain.simplify, lambda twin: None):
        monkeypatch.setattr(shared_loops, "simplify", simplify)
        monkeypatch.setattr(shared_loops, "_loops", {})
        gan = build(SETTINGS, points, seed=1)
        losses = train(gan, 100)
        states.append(losses | {name: np.asarray(value) for name, value in zip(gan.state, values_of(gan), strict=True)})
    for name, values in states[0].items():
        np.testing.assert_array_equal(values, states[1][name], err_msg=name)
