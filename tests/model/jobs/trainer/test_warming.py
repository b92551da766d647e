"""A training step compiled ahead, in this very process."""

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from app.jobs.trainer import warming
from app.jobs.trainer.messages import Message, Warmed
from app.jobs.trainer.warming import warm
from models import train
from models.gan import GAN
from models.presets import ToySettings
from models.toys.building import build
from models.training import train as training
from models.training.draws import Draws
from models.training.loop import SharedLoop
from models.training.shared_loops import loop_for
from models.training.train import is_compiled
from tests.conftest import PATIENCE

SETTINGS = ToySettings(model="simple_gan", gen_shape=(2, 7, 2), epochs=2, batch_size=90, disc_iter=1, learning_rate=0.1)


def _gan(settings: ToySettings = SETTINGS, rows: int = 300, seed: int = 5) -> GAN:
    return build(settings, np.random.default_rng(1).random((rows, 2), np.float32), seed)


def _join() -> None:
    for thread in threading.enumerate():
        if thread.name == "warming":
            thread.join(PATIENCE)


def test_a_job_of_the_architecture_finds_its_step_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Message] = []
    gan = _gan(replace(SETTINGS, batch_size=91))
    assert not is_compiled(gan)
    unaided = {name: values.copy() for name, values in train(gan, 150).items()}
    warm(SETTINGS.architecture, said.append, lambda: False)
    _join()
    assert said == [Warmed(SETTINGS.architecture, over=True)]
    gan = _gan(replace(SETTINGS, learning_rate=0.3, epochs=5, latent_type="uniform", generator_gain=3.0))
    assert is_compiled(gan)
    loop = loop_for(gan)
    assert isinstance(loop, SharedLoop)
    train(gan, 150)
    assert loop._run._function.experimental_get_tracing_count() == 1, "nothing was compiled anew"
    again = _gan(replace(SETTINGS, batch_size=91))
    for name, values in train(again, 150).items():
        np.testing.assert_array_equal(values, unaided[name], err_msg=name)


def test_jobs_go_on_while_a_step_is_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of the work is in a thread of its own; what it compiles for a job, that job waits for."""
    said: list[Message] = []
    may_go_on = threading.Event()
    compile_step = SharedLoop.compile

    def slow(loop: SharedLoop, draws: Draws) -> None:
        assert may_go_on.wait(PATIENCE)
        compile_step(loop, draws)

    monkeypatch.setattr(SharedLoop, "compile", slow)
    other = replace(SETTINGS, batch_size=92)
    warm(other.architecture, said.append, lambda: False)
    assert len(train(_gan(), 3)["gen_loss"]) == 3
    assert said == []
    may_go_on.set()
    assert len(train(_gan(other), 3)["gen_loss"]) == 3
    _join()
    assert said == [Warmed(other.architecture, over=True)]


def test_another_command_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[Message] = []
    other = replace(SETTINGS, batch_size=93)
    warm(other.architecture, said.append, lambda: True)
    assert said == [Warmed(other.architecture, over=False)]
    assert not is_compiled(_gan(other))


@pytest.mark.parametrize("where", ["build", "compile_ahead"])
def test_whatever_fails_is_over(
    where: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object, **__: object) -> Callable[[], None]:
        raise MemoryError("no more of it")

    monkeypatch.setattr(warming, where, fail if where == "build" else lambda _: fail)
    monkeypatch.setattr(warming, "build", fail if where == "build" else lambda *_, **__: None)
    said: list[Message] = []
    warm(SETTINGS.architecture, said.append, lambda: False)
    _join()
    assert said == [Warmed(SETTINGS.architecture, over=True)]
    assert "no more of it" in capsys.readouterr().err


def test_a_model_that_shares_no_step_needs_nothing() -> None:
    gan = _gan()
    gan.run_eagerly = True
    training.compile_ahead(gan)()
    assert not is_compiled(gan)
