"""The end of a training process."""

import multiprocessing
import os

import pytest

from app.jobs.trainer.__main__ import send_or_end
from app.jobs.trainer.messages import Phase


def test_a_training_process_without_a_worker_ends_and_reports_nothing(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def end(status: int) -> None:
        raise SystemExit(status)

    monkeypatch.setattr(os, "_exit", end)
    ours, workers = multiprocessing.Pipe()
    with ours:
        send_or_end(ours, Phase("training"))
        assert workers.recv() == Phase("training")
        workers.close()
        with pytest.raises(SystemExit, match="0"):
            send_or_end(ours, Phase("training"))
    assert capfd.readouterr() == ("", "")
