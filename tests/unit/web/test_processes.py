"""Several processes on one port: what the parent does about those that cannot start."""

import asyncio
import signal
import socket

import pytest

from app.web import processes, reloading
from app.web.listeners import listeners
from tests.conftest import PATIENCE


@pytest.mark.parametrize("first", [True, False])
def test_who_cannot_start_is_tried_again_unless_nobody_has_started(
    first: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(processes, "command", lambda *arguments: ["/bin/false"])
    monkeypatch.setattr(processes, "_FIRST_PAUSE", 0.01)

    others, mine = listeners("127.0.0.1", 0, 2)
    for listener in (*others, *mine):
        listener.listen()  # as the processes do, that of a process that has died, too
    address = others[0].getsockname()

    async def keep() -> None:
        place = processes._Place(0 if first else 1, 2, mine)
        if not first:
            place.started.set_result(0)
        keeping = asyncio.create_task(place.keep())
        async with asyncio.timeout(PATIENCE):
            if first:
                assert await place.started == 1
            else:
                while caplog.text.count("process 2 of 2 has ended (status 1); starting another one") < 3:
                    assert not keeping.done()
                    await asyncio.sleep(0.01)
                for _ in range(32):  # none of them waits for the process that does not come
                    with socket.create_connection(address, timeout=PATIENCE):
                        others[0].accept()[0].close()
                place.stop()
            await keeping

    asyncio.run(keep())
    assert bool(caplog.records) != first
    for listener in (*others, *mine):
        listener.close()


def test_a_service_ends_with_its_terminal_unless_nohup_has_started_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reloading, "has_terminal", lambda: True)
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    try:
        assert reloading.ends_with_terminal()
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert not reloading.ends_with_terminal()
    finally:
        signal.signal(signal.SIGHUP, before)
