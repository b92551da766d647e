"""What the lab's picture shows: layers that are switched, axes, and slow motion."""

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import SIMPLE, ask, everybodys, stands, trained, until

pytestmark = pytest.mark.e2e

VIEWS: dict[str, Any] = {"views": ["manifold", "gradient"]}
CLOUDS: dict[str, Any] = {"model": "wgan_gp", "data": {"name": "four_clouds", "size": 400}, "epochs": 1, "seed": 4}
LAYERS = ("real", "generated", "scores", "manifold", "gradient")
#: Keeps the different pictures of each caption of slow motion and each step.
RECORD = """() => {
  globalThis.shown = {};
  const [moves, picture] = ["moves", "picture"].map(id => document.getElementById(id));
  const look = () => {
    const caption = `${moves.textContent} ${picture.dataset.step}`;
    if (!moves.hidden) (shown[caption] ??= new Set()).add(picture.toDataURL());
    requestAnimationFrame(look);
  };
  look();
}"""


def look_at(visitor: Visitor, job: dict[str, Any], query: str = "", **options: Any) -> Page:
    """Open the page on a run that has ended, and wait until its last picture is there."""
    page = visitor.open(f"/lab?{query}job={job['id']}", **options)
    stands(page, "succeeded")
    expect(page.locator("#picture")).to_have_attribute("data-step", str(job["step"]))
    return page


def picture(page: Page) -> str:
    """Return the picture once it is drawn."""
    drawn: str = page.evaluate(
        """async () => {
          for (let i = 0; i < 2; i++) await new Promise(requestAnimationFrame);
          return document.getElementById("picture").toDataURL();
        }"""
    )
    return drawn


def test_layers_and_axes_change_the_picture_and_the_address(visitor: Visitor, server: str) -> None:
    job = trained(server, ask(server, "POST", "/jobs", CLOUDS | VIEWS))
    page = look_at(visitor, job)
    usual = picture(page)
    for layer in LAYERS:
        button = page.locator(f"#see-{layer}")
        was = button.get_attribute("aria-pressed")
        assert was == str(layer in LAYERS[:3]).lower()
        button.focus()
        page.keyboard.press("Enter")
        expect(button).to_have_attribute("aria-pressed", "false" if was == "true" else "true")
        assert picture(page) != usual
        assert (layer in parse_qs(urlsplit(page.url).query)["see"][0].split()) == (was == "false")
        expect(page.locator("#scale")).to_be_visible(visible=layer != "scores")
        button.click()
        assert "see=" not in page.url
        assert picture(page) == usual

    shown = {usual}
    axes = page.locator("#axes")
    assert axes.locator("option").count() == 10 + 2  # pairs; principal components, colours
    for value in ("2 3", "principal", "colours"):
        axes.select_option(value)
        shown.add(picture(page))
        assert parse_qs(urlsplit(page.url).query)["axes"] == [value]
        expect(page.locator("#see-scores")).to_have_attribute("aria-disabled", "true")
        expect(page.locator("#seen-note")).to_contain_text("Scores are known of coordinates 0, 1 only.")
        expect(page.locator("#near")).to_be_visible(visible=value == "colours")
    assert len(shown) == 4

    page.click("#see-manifold")
    page.click("#see-real")
    kept = picture(page)
    page.reload()
    expect(page.locator("#picture")).to_have_attribute("data-step", str(job["step"]))
    expect(axes).to_have_value("colours")
    assert picture(page) == kept


def test_what_is_seen_stays_for_runs_that_lack_it(visitor: Visitor, server: str) -> None:
    job = trained(server, ask(server, "POST", "/jobs", SIMPLE | {"name": "without views", "seed": 31}))
    other = trained(server, ask(server, "POST", "/jobs", SIMPLE | VIEWS | {"name": "with views", "seed": 31}))
    page = look_at(visitor, other, "see=real+scores+manifold+gradient&axes=3+4&")
    full = picture(page)
    expect(page.locator("#axes")).to_be_hidden()
    expect(page.locator("#seen-note")).to_be_empty()
    everybodys(page).locator("#runs li").filter(has_text="without views").locator(".run-open").click()
    expect(page.locator("#run-title")).to_have_text("without views")
    expect(page.locator("#picture")).to_have_attribute("data-step", str(job["step"]))
    expect(page.locator("#seen-note")).to_have_text("This run was started without manifold and gradient.")
    for layer in LAYERS:
        lacking = layer in ("manifold", "gradient")
        expect(page.locator(f"#see-{layer}")).to_have_attribute("aria-disabled", str(lacking).lower())
    page.locator("#see-manifold").dispatch_event("click")  # which does nothing
    query = parse_qs(urlsplit(page.url).query)
    assert query["see"] == ["real scores manifold gradient"]
    assert query["axes"] == ["3 4"]
    bare = picture(page)
    assert bare != full
    page.click("#see-scores")
    assert picture(page) != bare
    expect(page.locator("#scale")).to_be_hidden()


def test_many_dimensions_are_seen_by_principal_components(visitor: Visitor, server: str) -> None:
    corner = CLOUDS | VIEWS | {"data": {"name": "corner_cloud", "size": 400}, "steps_per_epoch": 20}
    page = look_at(visitor, trained(server, ask(server, "POST", "/jobs", corner)))
    expect(page.locator("#axes")).to_have_value("principal")
    assert "axes=" not in page.url
    expect(page.locator("#seen-note")).to_contain_text(re.compile(r"\d+ % of the variance of coordinates 0 to 4"))
    expect(page.locator("#scale")).to_be_hidden()
    before = picture(page)
    page.select_option("#axes", "0 1")
    expect(page.locator("#scale")).to_be_visible()
    expect(page.locator("#seen-note")).to_have_text("Scores: where the other coordinates are at their mean.")
    assert picture(page) != before

    line = {"points": [[float(i % 7)] for i in range(60)]}
    one = ask(server, "POST", "/jobs", SIMPLE | VIEWS | {"data": line, "batch_size": 20, "steps_per_epoch": 20})
    page = look_at(visitor, trained(server, one))
    expect(page.locator("#axes")).to_be_hidden()
    expect(page.locator("#see-scores")).to_have_attribute("aria-disabled", "true")
    before = picture(page)
    page.click("#see-manifold")
    assert picture(page) != before


def test_slow_motion_names_and_shows_what_moves(visitor: Visitor, server: str) -> None:
    page = visitor.open("/lab?data=circle&epochs=5000&seed=12")
    page.click("#start")
    stands(page, "running")
    identifier = parse_qs(urlsplit(page.url).query)["job"][0]

    def look() -> dict[str, Any]:
        now: dict[str, Any] = ask(server, "GET", f"/jobs/{identifier}")
        return now

    assert look()["views"] == VIEWS["views"]
    until(lambda: look()["step"] > 0)
    page.click("#pause")
    stands(page, "paused")
    at = look()["step"]
    canvas = page.locator("#picture")
    expect(canvas).to_have_attribute("data-step", str(at))
    expect(page.locator("#slow")).to_be_visible()
    page.evaluate(RECORD)
    page.click("#slow")
    captions = ("The critic moves: its landscape changes.", "The generator moves: its points go along the arrows.")
    for caption, step in zip(captions, (at, at + 0.5), strict=True):
        page.wait_for_function("caption => shown[caption]?.size > 3", arg=f"{caption} {step}")
    page.click("#slow")
    expect(page.locator("#moves")).to_be_hidden()
    expect(page.locator("#slow")).to_have_text("Slow motion")
    stood = until(lambda: (now := look())["status"] == "paused" and now)

    # Stored pictures are for everybody; where less motion is asked for, nothing travels.
    calm = visitor.open(f"/lab?job={identifier}", reduced_motion="reduce")
    stands(calm, "paused")
    expect(calm.locator("#slow")).to_be_visible()
    calm.focus("#scrubber")
    calm.keyboard.press("Home")
    calm.evaluate(RECORD)
    calm.click("#slow")
    calm.wait_for_function("() => Object.keys(shown).length > 4")
    counts = calm.evaluate("() => Object.values(shown).map(pictures => pictures.size)")
    assert max(counts) <= 3, counts  # before, with arrows, after
    calm.click("#slow")
    assert (look()["step"], look()["half"]) == (stood["step"], stood["half"])
    ask(server, "POST", f"/jobs/{identifier}/cancel")
    stands(page, "cancelled")
