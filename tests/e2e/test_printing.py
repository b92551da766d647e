"""The pages on paper, also where the system prefers dark colours."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visitor

pytestmark = pytest.mark.e2e

#: A4 between usual margins, at 96 pixels an inch.
PAPER = {"width": 700, "height": 1000}
# Elements that have text of their own and are seen, with the levels of text and paper behind it, 0 black … 255 white.
TEXT_LEVELS = """() => {
  const level = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const [r, g, b, a = 1] = level(getComputedStyle(e).backgroundColor);
      if (a > 0) return (r + g + b) / 3;
    }
    return 255;
  };
  return [...document.body.querySelectorAll("*")]
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && e.checkVisibility())
    .filter((e) => !["NOSCRIPT", "SCRIPT", "STYLE"].includes(e.tagName) && !e.closest(".method, .visually-hidden"))
    .map((e) => {
      const [r, g, b] = level(getComputedStyle(e).color);
      return [e.textContent.trim().slice(0, 40), (r + g + b) / 3, behind(e)];
    });
}"""
# What reaches beyond the paper, or hides a part of itself.
CLIPPED = """() => [...document.body.querySelectorAll("*")]
  .filter((e) => e.checkVisibility() && !e.closest(".visually-hidden, svg, details:not([open])"))
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1
    || (getComputedStyle(e).overflow !== "visible" && e.scrollHeight > e.clientHeight + 1 && e.tagName !== "CANVAS"))
  .map((e) => e.outerHTML.slice(0, 80))"""
CORNER = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(2, 2, 1, 1).data[0];
}"""


def printed(visitor: Visitor, path: str, loaded: str) -> Page:
    """Open a page in dark colours, wait for its last part, and lay it out for paper."""
    page = visitor.open(path, viewport=PAPER, color_scheme="dark")
    expect(page.locator(loaded).first).to_be_visible()
    page.emulate_media(media="print", color_scheme="dark")
    return page


PAGES = [
    ("/?seed=42", "#portrait[data-state=still]"),
    ("/lab", "#picture"),
]


@pytest.mark.parametrize(("path", "loaded"), PAGES)
def test_a_page_is_printed_dark_on_light_without_controls_and_whole(visitor: Visitor, path: str, loaded: str) -> None:
    page = printed(visitor, path, loaded)

    texts = page.evaluate(TEXT_LEVELS)
    assert len(texts) > 3
    assert [text for text in texts if not text[1] < 140 < 230 < text[2]] == []
    # The switches of the picture are its legend, too.
    controls = page.locator(".button:not(.seen *), .field, input, select, textarea, nav, .notice, kbd")
    assert [element for element in controls.all() if element.is_visible()] == []
    assert page.evaluate(CLIPPED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]


def test_the_printed_face_page_keeps_its_pictures(visitor: Visitor) -> None:
    page = visitor.open("/?seed=42", viewport=PAPER, color_scheme="dark")
    expect(page.locator("#portrait")).to_have_attribute("data-state", "still")
    expect(page.locator("#gallery canvas")).to_have_count(24)
    page.emulate_media(media="print", color_scheme="dark")
    expect(page.locator("#face")).to_be_visible()
    expect(page.locator("#strip")).to_be_visible()
    assert all(thumb.is_visible() for thumb in page.locator("#gallery canvas").all())
    expect(page.locator("#number")).to_have_text("42")


def test_the_printed_picture_of_a_run_is_light(visitor: Visitor) -> None:
    page = visitor.open("/lab", viewport=PAPER, color_scheme="dark")
    corner = f"({CORNER})(document.getElementById('picture'))"
    page.wait_for_function(f"() => {corner} > 0 && {corner} < 100")  # 0 is nothing yet
    page.emulate_media(media="print", color_scheme="dark")
    page.wait_for_function(f"() => {corner} > 230")
    page.emulate_media(media="screen", color_scheme="dark")
    page.wait_for_function(f"() => {corner} < 100")
