"""A real server process and a real browser."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.conftest import PATIENCE, ROOT

#: How long a page may take for anything but a training; it only ends a hang.
WAIT_MS = 60_000
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP evil.test 127.0.0.1",  # a name that somebody has pointed at this machine
]


class Server:
    """The service as a process of its own, with the worker that trains the jobs.

    Args:
        folder: for its data and its log.
    """

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self._log = folder / "log"
        self._settings = {"NOBODY_HOST": "127.0.0.1", "NOBODY_PORT": "0", "NOBODY_DATA": str(self.data)}
        self.address = self.start()
        self._settings["NOBODY_PORT"] = self.address.rpartition(":")[2]  # the same one, should it be started again

    def start(self) -> str:
        """Start it, or start it again; return its address."""
        command = [sys.executable, "-m", "app", "serve"]
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self._settings, stdout=output, stderr=subprocess.STDOUT
            )
        try:
            return _wait_until_ready(self.process, self._log)
        except BaseException:
            self.process.kill()
            raise

    def stop(self) -> None:
        """End it, also where it was made to stand still."""
        self.process.send_signal(signal.SIGCONT)
        self.process.terminate()
        try:
            self.process.wait(timeout=PATIENCE)
        finally:
            self.process.kill()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the service for all tests that do not stop it."""
    running = Server(tmp_path_factory.mktemp("server"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def server(shared_server: Server) -> str:
    """Give the address of the shared service."""
    return shared_server.address


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """Start a service that a test may stop and start again."""
    running = Server(tmp_path)
    yield running
    running.stop()


def _wait_until_ready(process: subprocess.Popen[bytes], log: Path) -> str:
    """Return the address that the server has given itself, once it has faces."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        if address := re.search(r"http://127\.0\.0\.1:\d+", log.read_text()):
            try:
                with urllib.request.urlopen(f"{address[0]}/readyz", timeout=PATIENCE):
                    return address[0]
            except urllib.error.HTTPError as error:
                error.close()  # it has an open socket
        time.sleep(0.1)
    pytest.fail(f"the server does not get ready:\n{log.read_text()[-3000:]}")


# The synchronous Playwright holds the thread's event loop, so it must not outlive the tests that need it.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the system's chromium; nothing is downloaded."""
    chromium = shutil.which("chromium")
    if chromium is None:
        message = "chromium is missing; on Debian: apt-get install chromium"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    expect.set_options(timeout=WAIT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=BROWSER_ARGUMENTS)
        yield browser
        browser.close()


class Visitor:
    """A reader with a browser of their own, who notes whatever goes wrong behind the page."""

    def __init__(self, browser: Browser, server: str) -> None:
        self._browser = browser
        self.server = server
        self._contexts: list[BrowserContext] = []
        self.complaints: list[str] = []

    def open(self, path: str = "/", *, failures_expected: bool = False, **options: Any) -> Page:
        """Open a page of the server.

        Args:
            path: what follows the server's address.
            failures_expected: a failed request, which the browser's console lists as an error, is no complaint.
            options: of the browser context.
        """
        page = self.blank(failures_expected=failures_expected, **options)
        page.goto(path)
        return page

    def blank(self, *, failures_expected: bool = False, **options: Any) -> Page:
        """Give an empty page, to prepare before it goes to the server."""
        context = self._browser.new_context(base_url=self.server, **options)
        context.set_default_timeout(WAIT_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", self._check_origin)
        if not failures_expected:
            page.on("console", lambda line: self._hear(line.type, line.text))
        return page

    def _hear(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.complaints.append(f"console {kind}: {text}")

    def _check_origin(self, request: Request) -> None:
        own = urlsplit(request.url).netloc == urlsplit(self.server).netloc
        if not own and not request.url.startswith(("blob:", "data:")):
            self.complaints.append(f"request to another origin: {request.url}")

    def leave(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


@pytest.fixture
def visitor(browser: Browser, server: str) -> Iterator[Visitor]:
    """Visit the site; nothing may go wrong unseen."""
    visitor = Visitor(browser, server)
    yield visitor
    visitor.leave()
    assert visitor.complaints == []
