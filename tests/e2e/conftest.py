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
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Request, expect, sync_playwright

from tests.conftest import PATIENCE, ROOT
from tests.e2e.lab import ask

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

#: What a page is given back, whatever a test chose; anything else is for good.
USUAL: dict[str, Any] = {
    "viewport": {"width": 1280, "height": 720},
    "color_scheme": "light",
    "reduced_motion": "no-preference",
    "permissions": [],
}


class Server:
    """The service as a process of its own, with the worker that trains the jobs.

    Args:
        folder: for its data and its log.
        command: what runs it.
        settings: further environment variables.
    """

    def __init__(self, folder: Path, *command: str, **settings: str) -> None:
        self._command = [sys.executable, "-m", *(command or ("app", "serve"))]
        self.data = folder / "data"
        self._log = folder / "log"
        self._settings = {"NOBODY_HOST": "127.0.0.1", "NOBODY_PORT": "0", "NOBODY_DATA": str(self.data)} | settings
        self.address = self.start()
        self._settings["NOBODY_PORT"] = self.address.rpartition(":")[2]  # the same one, should it be started again

    def start(self) -> str:
        """Start it, or start it again; return its address."""
        with self._log.open("wb") as output:
            self.process = subprocess.Popen(
                self._command, cwd=ROOT, env=os.environ | self._settings, stdout=output, stderr=subprocess.STDOUT
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
def start(server: str) -> Iterator[Callable[..., dict[str, Any]]]:
    """Start runs that end with the test at the latest: should it fail, the next one need not wait for them."""
    jobs = []

    def submit(**settings: Any) -> dict[str, Any]:
        job: dict[str, Any] = ask(server, "POST", "/jobs", settings)
        jobs.append(f"/jobs/{job['id']}")
        return job

    yield submit
    for job in jobs:
        if ask(server, "GET", job)["status"] in ("queued", "running", "paused"):
            ask(server, "POST", f"{job}/cancel")


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


class Pages:
    """Pages that tests use one after the other: one that was emptied takes half of the time of a new one."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[Page]] = defaultdict(list)
        self._kinds: dict[Page, str] = {}

    def new(self, server: str, **options: Any) -> Page:
        """Give a page that nobody has used, in a browser context of its own.

        Args:
            server: its address.
            options: of the browser context.
        """
        context = self._browser.new_context(base_url=server, **options)
        context.set_default_timeout(WAIT_MS)
        return context.new_page()

    def take(self, server: str, **options: Any) -> Page:
        """Give an empty page, as ``new`` does, to be put back."""
        usual = {name: options.pop(name, value) for name, value in USUAL.items()}
        kind = repr((server, sorted(options.items())))
        page = self._idle[kind].pop() if self._idle[kind] else self.new(server, **options)
        self._kinds[page] = kind
        if page.viewport_size != usual["viewport"]:
            page.set_viewport_size(usual["viewport"])
        page.emulate_media(color_scheme=usual["color_scheme"], reduced_motion=usual["reduced_motion"])
        if usual["permissions"]:
            page.context.grant_permissions(usual["permissions"])
        return page

    def put_back(self, page: Page) -> None:
        """Empty a page for the next test; close one that is not to be used again."""
        kind = self._kinds.pop(page, None)
        if kind is None:
            return page.context.close()
        page.unroute_all(behavior="ignoreErrors")
        page.goto("/healthz")
        page.evaluate("localStorage.clear()")
        page.mouse.move(0, 0)
        page.emulate_media(media="null")
        page.context.clear_permissions()
        page.context.new_cdp_session(page).send("Page.resetNavigationHistory")
        self._idle[kind].append(page)


@pytest.fixture(scope="module")
def pages(browser: Browser) -> Pages:
    """Keep the pages that a test has done with for the next one."""
    return Pages(browser)


class Visitor:
    """A reader with a browser of their own, who notes whatever goes wrong behind the page."""

    def __init__(self, pages: Pages, server: str) -> None:
        self._pages = pages
        self.server = server
        self._open: list[Page] = []
        self._failing: list[Page] = []
        self.complaints: list[str] = []

    def open(self, path: str = "/", **options: Any) -> Page:
        """Open a page of the server.

        Args:
            path: what follows the server's address.
            options: as for ``blank``.
        """
        page = self.blank(**options)
        page.goto(path)
        return page

    def blank(self, *, failures_expected: bool = False, unused: bool = False, **options: Any) -> Page:
        """Give an empty page, to prepare before it goes to the server.

        Args:
            failures_expected: a failed request, which the browser's console lists as an error, is no complaint.
            unused: nobody has used it and nobody will, so the test may do with it what cannot be undone.
            options: of the browser context.
        """
        page = (self._pages.new if unused else self._pages.take)(self.server, **options)
        self._open.append(page)
        page.on("pageerror", self._hear_error)
        page.on("request", self._check_origin)
        page.on("console", self._hear)
        if failures_expected:
            self._failing.append(page)
        return page

    def _hear_error(self, error: Error) -> None:
        self.complaints.append(f"uncaught: {error}")

    def _hear(self, line: ConsoleMessage) -> None:
        if line.type in ("error", "warning") and line.page not in self._failing:
            self.complaints.append(f"console {line.type}: {line.text}")

    def _check_origin(self, request: Request) -> None:
        own = urlsplit(request.url).netloc == urlsplit(self.server).netloc
        if not own and not request.url.startswith(("blob:", "data:")):
            self.complaints.append(f"request to another origin: {request.url}")

    def leave(self) -> None:
        """Put all pages back."""
        for page in self._open:
            page.remove_listener("pageerror", self._hear_error)
            page.remove_listener("request", self._check_origin)
            page.remove_listener("console", self._hear)
            self._pages.put_back(page)


@pytest.fixture
def visitor(pages: Pages, server: str) -> Iterator[Visitor]:
    """Visit the site; nothing may go wrong unseen."""
    visitor = Visitor(pages, server)
    yield visitor
    visitor.leave()
    assert visitor.complaints == []
