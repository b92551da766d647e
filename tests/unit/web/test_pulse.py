"""Which silent processes count as frozen."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import pytest

from app.web.pulse import Pulse
from tests.integration.jobs.harness import until

SLEEPS, WORKS = "import time; time.sleep(1_000)", "while True: pass"


class _Clock:
    """Time that passes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr("app.web.pulse.monotonic", lambda: self.now)

    def look(self, one: Pulse, seconds: float) -> str | None:
        """Look at a process for so many seconds, or until it has a fault."""
        for _ in range(round(seconds * 2)):
            self.now += 0.5
            if fault := one.fault():
                return fault
        return None


@contextmanager
def _process(program: str) -> Iterator[psutil.Popen]:
    with psutil.Popen([sys.executable, "-c", f"print(flush=True)\n{program}"], stdout=-1) as process:
        try:
            assert process.stdout.readline(), "it runs"
            if program == SLEEPS:
                until(lambda: process.status() == psutil.STATUS_SLEEPING, "it to sleep")
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def test_one_that_does_nothing_is_frozen_after_two_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with _process(SLEEPS) as process:
        clock = _Clock(monkeypatch)
        one = Pulse(process.pid)
        assert clock.look(one, 59) is None, "the start may take a minute"
        one.beat()
        assert clock.look(one, 2) is None
        one.beat(grace=10)
        assert clock.look(one, 12) is None
        assert clock.look(one, 1) == "has been silent for 2.5 seconds, in which it did nothing"


def test_one_that_is_stopped_is_seen_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    with _process(WORKS) as process:
        process.send_signal(signal.SIGSTOP)
        until(lambda: process.status() == psutil.STATUS_STOPPED, "it to stop")
        clock = _Clock(monkeypatch)
        one = Pulse(process.pid)
        one.beat()
        assert clock.look(one, 0.5) is None
        assert clock.look(one, 0.5) == "is stopped"


def test_one_that_works_or_would_has_twenty_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    with _process(WORKS) as process:
        clock = _Clock(monkeypatch)
        one = Pulse(process.pid)
        one.beat()
        assert clock.look(one, 20) is None
        assert clock.look(one, 0.5) == "has been silent for 20.5 seconds"


def test_silence_that_we_have_slept_through_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    with _process(SLEEPS) as process:
        clock = _Clock(monkeypatch)
        one = Pulse(process.pid)
        one.beat()
        for _ in range(3):
            clock.now += 100
            assert one.fault() is None
        assert clock.look(one, 3) is not None


def test_one_that_has_ended_is_not_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with _process(SLEEPS) as process:
        process.kill()
        process.wait()
        clock = _Clock(monkeypatch)
        one = Pulse(process.pid)
        one.beat()
        assert clock.look(one, 3) is not None
