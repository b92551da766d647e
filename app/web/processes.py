"""``nobody serve --processes``: a parent that holds the port, and several processes that serve on it.

Each process has listening sockets of its own on the same addresses (``SO_REUSEPORT``), among which the system spreads
the connections. The parent keeps them open: what connects while a process is replaced waits for the next one. Of a
process that cannot start, it takes others, at which nothing waits.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Sequence

from app.config import Settings
from app.jobs.child import command
from app.jobs.locks import service_lock
from app.jobs.worker.embedded import EmbeddedWorker, embedded_worker
from app.part import LAST_BEAT, Part
from app.web.listeners import listeners, renewed
from app.web.pulse import Pulse
from app.web.reloading import (
    Report,
    ends_with_terminal,
    forget_report,
    has_terminal,
    hold_hangups,
    read_report,
    write_report,
)

log = logging.getLogger("nobody")

_LOOK_SECONDS = 0.1
#: Pauses before a process that has never beaten is replaced, in seconds.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
#: Each process has so many seconds to replace its weights.
_RELOAD_SECONDS = 60.0
#: After the drain, a process has so many seconds to finish its requests.
_STOP_SECONDS = 10.0


def serve_together(settings: Settings, processes: int) -> None:
    """Serve with several processes until a signal arrives. With SQLite, train the jobs too.

    Raises:
        LockedError: another service uses the same data folder.
        SystemExit: the port is not free, or the processes cannot start.
    """
    hold_hangups()  # until we listen to them
    _lock = service_lock(settings)  # held to the end of the process; by it, `nobody reload` finds us
    try:
        places = listeners(settings.host, settings.port, processes)
    except OSError as error:
        reason = error.strerror or error
        raise SystemExit(
            f"nobody: cannot start: expected a free port at NOBODY_HOST={settings.host} NOBODY_PORT={settings.port}: "
            f"{reason}"
        ) from None
    status = asyncio.run(_Parent(settings, places, embedded_worker(settings)).run())
    if status:
        raise SystemExit(status)


class _Place:
    """Keeps one of the processes running: replaces it when it ends or falls silent."""

    def __init__(self, number: int, processes: int, listeners: Sequence[socket.socket]) -> None:
        self.number = number
        self._processes = processes
        self._listeners = listeners
        self._process: asyncio.subprocess.Process | None = None
        self._pulse: Pulse | None = None
        self._stopping = asyncio.Event()
        #: 0 as soon as a process has beaten; the status of the first one if it has ended before.
        self.started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    @property
    def serving(self) -> asyncio.subprocess.Process | None:
        """The process, if it serves."""
        return self._process if self._has_beaten else None

    @property
    def _has_beaten(self) -> bool:
        return self._pulse is not None and self._pulse.has_beaten

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    def stop(self) -> None:
        """Ask the process to end; there will be no other."""
        if not self._stopping.is_set():
            for listener in self._listeners:
                listener.close()  # the process closes its own
        self._stopping.set()
        self.signal(signal.SIGTERM)

    async def keep(self) -> None:
        """Run one process after the other, until :meth:`stop`, or until the first one cannot start."""
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                status = await self._run()
            except OSError as error:  # there are too many processes, or open files
                log.error("process %d of %d cannot be started: %s", *self._name, error)
                status = 1
            if not self.started.done():
                self.started.set_result(0 if self._stopping.is_set() else status or 1)
                return
            if self._stopping.is_set():
                return
            log.warning("process %d of %d has ended (status %d); starting another one", *self._name, status)
            pause = _FIRST_PAUSE if self._has_beaten else min(2 * pause, _LONGEST_PAUSE)
            if not self._has_beaten:
                self._let_connections_go()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._stopping.wait()

    def _let_connections_go(self) -> None:
        """Leave those to the other processes that wait for this one, or would."""
        try:
            self._listeners = renewed(self._listeners)
        except OSError as error:
            log.error("connections may wait for process %d of %d: %s", *self._name, error)

    @property
    def _name(self) -> tuple[int, int]:
        return self.number + 1, self._processes

    async def _run(self) -> int:
        """Run one process to its end, and return its status."""
        self._pulse = None
        reading, writing = os.pipe()
        loop = asyncio.get_running_loop()
        loop.add_reader(reading, self._on_beat, reading)
        try:
            descriptors = [listener.fileno() for listener in self._listeners]
            part = Part(self.number, self._processes, writing, descriptors)
            self._process = await asyncio.create_subprocess_exec(
                *command("app", "serve", "--part", str(part)),
                stdin=asyncio.subprocess.PIPE,  # closed by our end, which ends the process
                pass_fds=[writing, *descriptors],
                start_new_session=True,  # gets no signals from the terminal; we pass them on
            )
            if self._stopping.is_set():
                self.signal(signal.SIGTERM)
            return await self._watch(self._process)
        finally:
            loop.remove_reader(reading)
            os.close(reading)
            os.close(writing)

    async def _watch(self, process: asyncio.subprocess.Process) -> int:
        end = asyncio.create_task(process.wait())
        pulse = self._pulse = Pulse(process.pid)
        while not end.done():
            await asyncio.wait({end}, timeout=_LOOK_SECONDS)
            fault = pulse.fault()
            if fault is not None and not self._stopping.is_set():
                log.warning("process %d of %d %s", *self._name, fault)
                self.signal(signal.SIGKILL)
                break
        return await end

    def _on_beat(self, reading: int) -> None:
        beats = os.read(reading, 4096)
        # One that ends, whoever asked for it, finishes its requests without beating.
        if self._pulse is not None:
            self._pulse.beat(grace=_STOP_SECONDS if LAST_BEAT in beats else 0)
        if not self.started.done():
            self.started.set_result(0)


class _Parent:
    """Starts the processes, passes signals on, and waits for all to end."""

    def __init__(self, settings: Settings, places: list[list[socket.socket]], worker: EmbeddedWorker | None) -> None:
        self._settings = settings
        self._sockets = places
        self._worker = worker

    async def run(self) -> int:
        """Serve until a signal arrives, and return the status of this process."""
        self._places = [_Place(number, len(self._sockets), sockets) for number, sockets in enumerate(self._sockets)]
        self._told = asyncio.Event()
        self._hung_up = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        bound = ends_with_terminal()
        loop.add_signal_handler(
            signal.SIGHUP, lambda: self._stop() if bound and not has_terminal() else self._hung_up.set()
        )
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
        # The first one alone, so that what prevents the start is said once.
        keepers = [asyncio.create_task(self._places[0].keep())]
        if status := await self._places[0].started:
            return status
        for place in self._places[1:]:
            place.started.set_result(0)  # whatever ends them now, they are replaced
            keepers.append(asyncio.create_task(place.keep()))
        if self._worker is not None and not self._told.is_set():
            self._worker.start()
        address = self._sockets[0][0].getsockname()
        host = f"[{address[0]}]" if ":" in address[0] else address[0]
        log.info("serving on http://%s:%d with %d processes", host, address[1], len(self._places))
        rolling = asyncio.create_task(self._roll())
        await self._told.wait()
        rolling.cancel()
        await self._end(keepers)
        return 0

    def _stop(self) -> None:
        """Pass a signal to stop on; a second one ends the drain."""
        if not self._told.is_set():
            self._told.set()
        for place in self._places:
            place.stop()

    async def _end(self, keepers: list[asyncio.Task[None]]) -> None:
        _, left = await asyncio.wait(keepers, timeout=self._settings.drain_seconds)
        if self._worker is not None:
            self._worker.ask_to_stop()  # saves its jobs while requests are finished
        if left:
            _, left = await asyncio.wait(left, timeout=_STOP_SECONDS)
        for place in self._places if left else ():
            place.signal(signal.SIGKILL)
        await asyncio.gather(*keepers)
        if self._worker is not None:
            await asyncio.to_thread(self._worker.wait)
        forget_report(self._settings.data, os.getpid())

    async def _roll(self) -> None:
        """Let the processes reload their weights, one after the other, whenever SIGHUP asks for it."""
        while True:
            await self._hung_up.wait()
            self._hung_up.clear()
            began = time.monotonic()
            for place in self._places:
                report = await self._reload(place)
                if report.error:
                    break  # the others keep what they have, too
            with contextlib.suppress(OSError):
                await asyncio.to_thread(write_report, self._settings.data, report._replace(began=began))

    async def _reload(self, place: _Place) -> Report:
        began = asked = time.monotonic()
        told = None
        while time.monotonic() < began + _RELOAD_SECONDS:
            if place.serving is not None and place.serving is not told:  # perhaps another one than a moment ago
                asked, told = time.monotonic(), place.serving
                await asyncio.to_thread(forget_report, self._settings.data, told.pid)
                place.signal(signal.SIGHUP)
            report = None if told is None else await asyncio.to_thread(read_report, self._settings.data, told.pid)
            if report is not None and report.began >= asked:
                return report
            await asyncio.sleep(_LOOK_SECONDS)
        return Report(began, "", f"process {place.number + 1} has not answered for {_RELOAD_SECONDS:g} seconds")
