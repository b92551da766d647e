"""Every page in each of its states, light and dark, checked with axe (the rules of Deque Systems)."""

import json
import os
import re
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.conftest import ROOT
from tests.e2e import lab
from tests.e2e.conftest import Visitor
from tests.e2e.lab import SIMPLE, ask, stands

pytestmark = pytest.mark.e2e

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
#: Swagger UI brings its own styles and markup; what is ours is the frame around it.
NOT_OURS = ".swagger-ui"
CHECK = """async exclude => {
  const { violations } = await axe.run({ exclude: [exclude] });
  const tell = (id, { html, failureSummary }) => `${id}: ${html.slice(0, 160)} (${failureSummary})`;
  return violations.flatMap(({ id, nodes }) => nodes.map(node => tell(id, node)));
}"""


@pytest.fixture(scope="module")
def axe() -> str:
    """Read axe, which ``make lint`` installs; it is put into the page from outside, so the page's policy stands."""
    if not AXE.exists():
        message = "axe-core is missing; make lint installs it"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return AXE.read_text()


@pytest.fixture(scope="module")
def jobs(server: str) -> dict[str, dict[str, Any]]:
    """Train runs to look at: two that ended, and one that is paused."""
    wanted = {
        "ended": SIMPLE | {"views": ["manifold", "gradient"]},
        "other": SIMPLE | {"seed": 1},
        "paused": SIMPLE | {"epochs": 8_000, "name": "long"},
    }
    jobs = {name: ask(server, "POST", "/jobs", settings) for name, settings in wanted.items()}
    for name in ("ended", "other"):
        jobs[name] = lab.trained(server, jobs[name])
    return jobs


class Checked:
    """A page that is checked in one state after the other."""

    def __init__(self, page: Page, axe: str) -> None:
        self.page = page
        self._axe = axe
        self.found: dict[str, list[str]] = {}

    def check(self, state: str) -> None:
        """Note what is wrong in this state, in light and in dark."""
        self.page.evaluate(self._axe)
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            if violations := self.page.evaluate(CHECK, NOT_OURS):
                self.found[f"{state}, {scheme}"] = violations


def test_nothing_is_wrong_on_any_page_in_any_state(visitor: Visitor, axe: str, jobs: dict[str, dict[str, Any]]) -> None:
    page = visitor.blank(failures_expected=True)  # a setting is refused
    checked = Checked(page, axe)
    for path, ready in (("/", ".thumb"), ("/docs", ".swagger-ui .info")):
        page.goto(path)
        expect(page.locator(ready).first).to_be_visible()
        checked.check(path)

    page.goto("/lab")
    expect(page.locator("#captions")).to_contain_text("An example")
    expect(page.locator(".story").first).to_be_visible()
    checked.check("example")
    page.click("#more-settings summary")
    checked.check("all settings")
    page.locator("label[for=epochs] + .term").click()
    expect(page.locator("#term")).to_be_visible()
    checked.check("word explained")
    page.keyboard.press("Escape")
    page.fill("#epochs", "0")
    page.click("#start")
    expect(page.locator("#epochs-error")).to_be_visible()
    checked.check("refused")
    page.locator("#data input[value=own]").check(force=True)
    expect(page.locator("#pad")).to_be_visible()
    checked.check("drawing")

    ended, other, paused = (jobs[name]["id"] for name in ("ended", "other", "paused"))
    page.goto(f"/lab?job={ended}")
    stands(page, "succeeded")
    expect(page.locator("#picture")).to_have_attribute("data-step", "100")
    checked.check("ended")
    page.goto(f"/lab?job={ended}&with={other}")
    stands(page, "succeeded")
    checked.check("comparing")
    failed = jobs["other"] | {"status": "failed", "error": "gen_loss became nan at step 3; try a smaller learning_rate"}
    page.route(f"**/jobs/{other}", lambda route: route.fulfill(json=failed))
    page.goto(f"/lab?job={other}")
    expect(page.locator("#remedy")).to_be_visible()
    checked.check("failed")

    page.goto(f"/lab?job={paused}")
    lab.everybodys(page)
    stands(page, "running")
    expect(page.locator("#picture")).to_have_attribute("data-step", re.compile("[1-9]"), timeout=lab.TRAINING_MS)
    checked.check("running")
    page.click("#pause")
    stands(page, "paused")
    checked.check("paused")
    page.click("#cancel")
    stands(page, "cancelled")
    assert checked.found == {}, json.dumps(checked.found, indent=1)
