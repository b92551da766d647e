"""Takes the README's pictures of the lab, ``docs/pictures``, from a running service.

``python -m tests.e2e.record_pictures http://127.0.0.1:8000`` trains for some minutes first.
"""

import io
import math
import shutil
import sys
import urllib.request
from typing import Any
from urllib.parse import urlencode

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import ROOT
from tests.e2e.conftest import BROWSER_ARGUMENTS
from tests.e2e.lab import PHONE, ask, trained

FOLDER = ROOT / "docs" / "pictures"
DESK: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
VIEWS = {"views": ["manifold", "gradient"]}
FILM_PIXELS = 360


def shoot(page: Page, name: str) -> None:
    """Save what the page shows now."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(1000)  # what was clicked has come to rest
    with Image.open(io.BytesIO(page.screenshot())) as picture:
        picture.save(FOLDER / f"{name}.webp", quality=80, method=6)


def story(server: str, preset: str) -> dict[str, Any]:
    """Train a preset to its end."""
    return trained(server, ask(server, "POST", "/jobs", {"preset": preset, **VIEWS}))


def settings_of(server: str, preset: str) -> str:
    """Give the settings of a preset, but for its data, as the query of an address."""
    (job,) = (one["job"] for one in ask(server, "GET", "/presets")["presets"] if one["name"] == preset)
    settings = {name: value for name, value in job.items() if name not in ("data", "preset") and value is not None}
    return urlencode({**settings, "gen_shape": ",".join(map(str, job["gen_shape"]))})


def draw(page: Page) -> None:
    """Draw a spiral on the pad, with the mouse."""
    page.locator("#data input[value=own]").check(force=True)
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    assert box
    for i in range(61):
        angle, radius = i / 60 * 3.2 * math.pi, 0.08 + 0.34 * i / 60
        place = (0.5 + radius * math.cos(angle), 0.5 - radius * math.sin(angle))
        page.mouse.move(box["x"] + place[0] * box["width"], box["y"] + place[1] * box["height"])
        if i == 0:
            page.mouse.down()
    page.mouse.up()


def take(browser: Browser, server: str) -> None:
    """Take all pictures."""
    ring = story(server, "ring8_penalty")
    clouds, high = (story(server, name) for name in ("four_clouds", "corner_cloud"))
    others = [story(server, name) for name in ("ring8_least_squares", "ring8_clipping")]
    page = browser.new_context(base_url=server, **DESK).new_page()

    page.goto(f"/lab?job={ring['id']}")
    expect(page.locator("#studio")).to_have_attribute("data-status", "succeeded")
    page.click("#see-manifold")
    page.click("#see-gradient")
    shoot(page, "run")

    page.goto(f"/lab?job={others[0]['id']}&with={others[1]['id']},{ring['id']}")
    expect(page.locator("#panels canvas")).to_have_count(3)
    shoot(page, "compare")

    page.goto(f"/lab?{settings_of(server, 'swiss_roll')}")
    draw(page)
    shoot(page, "draw")
    page.click("#start")
    expect(page.locator("#studio")).to_have_attribute("data-status", "succeeded", timeout=300_000)
    page.evaluate("document.querySelector('.framed').scrollIntoView()")
    shoot(page, "drawing")

    dark = browser.new_context(base_url=server, color_scheme="dark", **DESK).new_page()
    dark.goto(f"/lab?job={clouds['id']}")
    expect(dark.locator("#studio")).to_have_attribute("data-status", "succeeded")
    shoot(dark, "dark")

    phone = browser.new_context(base_url=server, **PHONE).new_page()
    phone.goto(f"/lab?job={high['id']}")
    expect(phone.locator("#studio")).to_have_attribute("data-status", "succeeded")
    shoot(phone, "phone")

    film = f"{server}/jobs/{ring['id']}/film?format=webp&size={FILM_PIXELS}&fps=12"
    with urllib.request.urlopen(film) as answer:
        (FOLDER / "film.webp").write_bytes(answer.read())


def main(server: str) -> None:
    """Take the pictures with the system's Chromium."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=BROWSER_ARGUMENTS)
        take(browser, server)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
