"""A paused run, trained by single steps and halves of them on the lab page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import SIMPLE, ask, everybodys, stands, until

pytestmark = pytest.mark.e2e

Start = Callable[..., dict[str, Any]]


def test_a_paused_run_is_trained_by_single_and_half_steps(visitor: Visitor, server: str, start: Start) -> None:
    job = start(**SIMPLE | {"epochs": 5_000, "seed": 9})

    def look() -> dict[str, Any]:
        now: dict[str, Any] = ask(server, "GET", f"/jobs/{job['id']}")
        return now

    until(lambda: look()["step"] > 0)
    page = everybodys(visitor.open(f"/lab?job={job['id']}"))
    expect(page.locator("#step")).to_be_hidden()
    page.click("#pause")
    stands(page, "paused")
    at = look()["step"]
    picture = page.locator("#picture")
    expect(picture).to_have_attribute("data-step", str(at))

    expect(page.locator("#step")).to_be_visible()
    page.focus("#step")
    for step in (at + 1, at + 2):
        page.keyboard.press("Enter")
        expect(picture).to_have_attribute("data-step", str(step))
        expect(page.locator("#step")).to_have_attribute("aria-disabled", "false")
        expect(page.locator("#step")).to_be_focused()
    assert look()["step"] == at + 2
    whole = picture.evaluate("canvas => canvas.toDataURL()")

    page.click("#half-step")
    expect(picture).to_have_attribute("data-step", f"{at + 2}.5")
    expect(page.locator("#shown-step")).to_have_text(re.compile(" ½$"))
    expect(page.locator("#run-pace")).to_contain_text("the discriminator has moved, the generator moves next")
    assert picture.evaluate("canvas => canvas.toDataURL()") != whole
    expect(page.locator("#half-step")).to_have_attribute("aria-disabled", "false")
    page.click("#half-step")
    expect(picture).to_have_attribute("data-step", str(at + 3))
    expect(page.locator("#run-pace")).not_to_contain_text("the discriminator has moved")

    page.click("#resume")
    until(lambda: look()["step"] > at + 3)
    expect(page.locator("#step")).to_be_hidden()
    page.click("#cancel")
    stands(page, "cancelled")


def test_a_step_that_is_refused_says_why(visitor: Visitor, server: str, start: Start) -> None:
    job = start(**SIMPLE | {"epochs": 5_000, "seed": 10})
    until(lambda: ask(server, "GET", f"/jobs/{job['id']}")["step"] > 0)
    ask(server, "POST", f"/jobs/{job['id']}/pause")
    until(lambda: ask(server, "GET", f"/jobs/{job['id']}")["status"] == "paused")
    page = visitor.open(f"/lab?job={job['id']}", failures_expected=True)
    stands(page, "paused")
    everybodys(page)
    page.route("**/step", lambda route: route.fulfill(status=409, json={"detail": "the job is queued"}))
    page.click("#step")
    expect(page.locator("#run-error")).to_contain_text("the job is queued")
    expect(page.locator("#step")).to_have_attribute("aria-disabled", "false")
    ask(server, "POST", f"/jobs/{job['id']}/cancel")
    stands(page, "cancelled")
