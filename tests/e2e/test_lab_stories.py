"""Runs that are known to work, on the lab page."""

import json
import re
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import ask, stands
from tests.e2e.test_lab_page import choose, job_of

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def presets(server: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = ask(server, "GET", "/presets")["presets"]
    return found


def test_a_story_is_started_with_one_click_and_says_what_to_watch(
    visitor: Visitor, server: str, presets: list[dict[str, Any]]
) -> None:
    story = next(preset for preset in presets if preset["name"] == "circle_exercise")
    page = visitor.open("/lab?seed=5")
    expect(page.locator(".story")).to_have_count(len(presets))
    page.get_by_role("button", name=story["title"]).click()
    expect(page.locator("#run-watch")).to_have_text(story["watch"])
    stands(page, "succeeded")
    job = ask(server, "GET", f"/jobs/{job_of(page)}")
    assert (job["preset"], job["seed"], job["step"]) == ("circle_exercise", 5, 1_600)
    assert all(job[name] == value for name, value in story["job"].items() if name != "data")
    assert page.input_value("#learning_rate") == "0.001"

    page.reload()
    expect(page.locator("#run-watch")).to_have_text(story["watch"])
    # Another seed tells the same story; another setting does not.
    told = job["id"]
    for name, value, preset in (("seed", "6", "circle_exercise"), ("epochs", "1", None)):
        choose(page, name, value)
        page.click("#start")
        expect(page).not_to_have_url(re.compile(told))
        stands(page, "succeeded")
        told = job_of(page)
        assert ask(server, "GET", f"/jobs/{told}")["preset"] == preset
    expect(page.locator("#run-watch")).to_be_hidden()


def test_every_story_sends_its_preset(visitor: Visitor, presets: list[dict[str, Any]]) -> None:
    sent: list[dict[str, Any]] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST":
            return route.continue_()
        sent.append(json.loads(route.request.post_data or ""))
        return route.fulfill(status=429, content_type="application/json", body=json.dumps({"detail": "full"}))

    page = visitor.blank(failures_expected=True)
    page.route("**/jobs", refuse)
    page.goto("/lab?seed=3&epochs=2&ema=0.5")  # of another run; a story has its own
    for preset in presets:
        page.locator(".story", has=page.get_by_text(preset["title"], exact=True)).click()
        expect(page.locator("#settings-error")).to_contain_text("full")
        expect(page.locator("#start")).to_have_text("Start training")
        body = sent.pop()
        assert (body.pop("preset"), body.pop("seed")) == (preset["name"], 3)
        assert re.fullmatch("browser-[0-9a-f]{12}", body.pop("owner"))
        assert body.pop("views") == ["manifold", "gradient"]  # what the page can show
        expected = {name: value for name, value in preset["job"].items() if value is not None}
        body.setdefault("gen_shape", expected["gen_shape"])  # left out where it is the usual one
        assert body == expected
        choose(page, "epochs", "2")


def test_without_the_list_the_form_is_there(visitor: Visitor) -> None:
    page = visitor.blank(failures_expected=True)
    page.route("**/presets", lambda route: route.abort())
    page.goto("/lab")
    expect(page.locator("#runs-title")).to_be_visible()
    expect(page.locator("#stories-part")).to_be_hidden()
    expect(page.locator("#start")).to_be_visible()
