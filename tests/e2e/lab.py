"""What the tests of the lab page have in common."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page, expect

from tests.conftest import PATIENCE

#: The first job waits until its process has loaded TensorFlow.
TRAINING_MS = 1000 * PATIENCE
#: A small run. Others of this network and these sizes find it compiled.
SIMPLE: dict[str, Any] = {"model": "simple_gan", "data": {"name": "circle"}, "epochs": 1}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}


def ask(server: str, method: str, path: str, body: object = None) -> Any:
    """Call the API."""
    headers = {"Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.loads(answer.read() or "null")


def until(condition: Callable[[], Any]) -> Any:
    """Wait until something is true, and return it."""
    end = time.monotonic() + PATIENCE
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.1)
    return found


def ended(server: str, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until a job has ended, in whatever way, and return it."""

    def look() -> dict[str, Any] | None:
        now: dict[str, Any] = ask(server, "GET", f"/jobs/{job['id']}")
        return now if now["status"] in ("succeeded", "failed", "cancelled") else None

    done: dict[str, Any] = until(look)
    return done


def trained(server: str, job: dict[str, Any]) -> dict[str, Any]:
    """Wait until a job has succeeded, and return it."""
    done = ended(server, job)
    assert done["status"] == "succeeded", done
    return done


def everybodys(page: Page) -> Page:
    """Let a page be about everybody's runs, as those that were started over the API are."""
    page.select_option("#whose", "all")
    return page


def stands(page: Page, status: str) -> None:
    """Wait until the run has come to a state."""
    expect(page.locator("#studio")).to_have_attribute("data-status", status, timeout=TRAINING_MS)
