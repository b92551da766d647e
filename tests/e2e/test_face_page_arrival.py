"""How the face page arrives: on a slow line, without JavaScript, in a hostile address, on a phone."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.test_face_page import ADDRESS, PHONE, READ_PIXELS, hanging, hanging_after, picture, served, shown

pytestmark = pytest.mark.e2e

LONE_PICTURE = re.compile(r"/sample\?seed=")
#: What the page asks for once its face hangs: the thumbnails, who comes next, and the way there.
THUMBNAILS, WAY = re.compile(r"/samples\?"), re.compile(r"/interpolate\?")


@contextmanager
def arriving(page: Page, *what: str | re.Pattern[str]) -> Iterator[None]:
    """Wait, after the block, until all of this has come."""
    with ExitStack() as coming:
        for address in what:
            coming.enter_context(page.expect_response(address))
        yield


def face_that_came_with_the_page(page: Page) -> list[int]:
    """Give the grey levels of the picture in the HTML."""
    pixels: list[int] = page.locator("#first-face").evaluate(
        f"async image => ({READ_PIXELS})(await createImageBitmap(image))"
    )
    return pixels


# --- on a slow line ---


@pytest.mark.parametrize("path", ["/", "/?seed=42", "/?seed=42&truncation=0.5"])
def test_the_first_face_comes_with_the_page(visitor: Visitor, path: str) -> None:
    page = visitor.blank(failures_expected=True)
    page.route(lambda url: not url.endswith((path, ".css")), lambda route: route.abort())  # nothing else arrives
    page.goto(path)
    expect(page.locator("#first-face")).to_be_visible()
    seed = page.locator("#portrait").get_attribute("data-seed")
    page.unroute_all()
    where = path if "seed" in path else f"/?seed={seed}"
    assert face_that_came_with_the_page(page) == served(page, where.replace("/?", "/sample?"))


def test_the_script_does_not_fetch_the_first_face_again(visitor: Visitor) -> None:
    page = visitor.blank(unused=True)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    with arriving(page, THUMBNAILS, LONE_PICTURE, WAY):
        page.goto("/?seed=42")
    hanging(page, 42)
    assert [url for url in fetched if "sample?seed=42&" in url or url.endswith("sample?seed=42")] == []
    assert shown(page) == served(page, "/sample?seed=42")


def test_a_visit_takes_few_requests_and_one_for_all_thumbnails(visitor: Visitor) -> None:
    page = visitor.blank(unused=True)
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    with arriving(page, THUMBNAILS, LONE_PICTURE, WAY, re.compile("/info$")):
        page.goto("/")
    hanging(page)
    expect(page.locator("#gallery .thumb")).to_have_count(24)
    # The browser asks for the icon when it likes, and sometimes twice.
    asked = [url for url in fetched if not url.startswith("data:") and not url.endswith("/favicon.svg")]
    assert len(asked) <= 21, "\n".join(asked)
    assert len(set(asked)) == len(asked), "\n".join(asked)
    assert len([url for url in asked if "/samples?" in url]) == 1
    assert len([url for url in asked if LONE_PICTURE.search(url)]) == 1  # whoever comes next


@pytest.mark.parametrize("path", ["/", "/lab"])
def test_all_scripts_are_asked_for_at_once(visitor: Visitor, path: str) -> None:
    page = visitor.blank(unused=True)
    scripts: set[str] = set()
    page.on("request", lambda request: scripts.add(request.url) if request.url.endswith(".js") else None)
    page.goto(path)  # until its load event, before which all modules have come
    preloaded = page.locator("link[rel=modulepreload]").evaluate_all("links => links.map(link => link.href)")
    assert set(preloaded) == scripts
    assert len(preloaded) == len(scripts)


def test_pictures_of_the_page_may_be_kept_by_the_browser(visitor: Visitor) -> None:
    page = visitor.blank(unused=True)
    kept: dict[str, str] = {}
    page.on("response", lambda answer: kept.update({answer.url: answer.headers.get("cache-control", "")}))
    with arriving(page, THUMBNAILS, LONE_PICTURE, WAY):
        page.goto("/")
    seed = hanging(page)
    with arriving(page, LONE_PICTURE, WAY):
        page.click("#next")
    hanging_after(page, seed)
    pictures = {url: how for url, how in kept.items() if re.search(r"/(samples?|interpolate)\?", url)}
    assert len(pictures) >= 5
    assert [url for url, how in pictures.items() if "immutable" not in how] == []


def test_other_weights_behind_an_open_page_are_said(visitor: Visitor) -> None:
    page = visitor.blank(failures_expected=True)

    def from_before(route: Any) -> None:
        html = route.fetch().text()
        route.fulfill(
            body=re.sub('data-weights="[0-9a-f]*"', f'data-weights="{"0" * 12}"', html), content_type="text/html"
        )

    page.route(re.compile(r"/\?seed=9$"), from_before)
    page.goto("/?seed=9")
    hanging(page, 9)
    page.click("#next")
    expect(page.locator("#notice-text")).to_contain_text("Reload the page")
    assert hanging(page) == 9
    page.unroute_all()
    page.reload()
    hanging(page, 9)
    page.click("#next")
    hanging_after(page, 9)


# --- without JavaScript ---


def test_without_javascript_the_frame_shows_a_face_and_a_link_brings_another(visitor: Visitor) -> None:
    page = visitor.open("/?seed=42", java_script_enabled=False, viewport={"width": 390, "height": 844})
    expect(page.locator("#first-face")).to_be_visible()
    assert (page.locator("#first-face").bounding_box() or {"width": 0})["width"] > 160
    expect(page.locator("#number")).to_have_text("42")
    assert picture(page.request.get(str(page.locator("#download").get_attribute("href"))).body()).width >= 512
    for dead in ("#back", "#morph", "#keep", "#copy-link", "#truncation", "#more", "#name", "#share"):
        expect(page.locator(dead)).to_be_hidden()
    for tap in ("#next", "#portrait"):
        before = page.locator("#first-face").get_attribute("src")
        page.click(tap)
        expect(page.locator("#first-face")).not_to_have_attribute("src", str(before))
    page.get_by_role("link", name="the link to this one").click()
    expect(page).to_have_url(ADDRESS)
    seed = page.url.partition("seed=")[2]
    page.get_by_role("link", name="someone new").click()
    expect(page.locator("#portrait")).not_to_have_attribute("data-seed", seed)
    assert (page.locator(".catalogue").bounding_box() or {"width": 999})["width"] <= 390


def test_without_javascript_a_wrong_address_is_said(visitor: Visitor) -> None:
    page = visitor.open("/?seed=elvis&truncation=7", java_script_enabled=False)
    expect(page.locator("#notice-text")).to_contain_text("got “elvis”; here is someone else.")
    expect(page.locator("#notice-text")).to_contain_text("got “7”; 1 is used.")
    expect(page.locator("#first-face")).to_be_visible()


def test_an_address_with_markup_in_it_is_text(visitor: Visitor) -> None:
    page = visitor.open("/?seed=%22%3E%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E%3Cscript%3Ealert(2)%3C/script%3E")
    hanging(page)
    expect(page.locator("#notice-text")).to_contain_text('got “"><img src=x onerror=alert(1)><script>al…”')
    assert page.locator("img[src=x]").count() == 0


# --- numbers that one can say aloud ---


def test_the_page_draws_its_seeds_below_a_million(visitor: Visitor) -> None:
    page = visitor.open()
    seeds = [hanging(page)]
    for _ in range(5):
        page.keyboard.press("ArrowRight")
        seeds.append(hanging_after(page, seeds[-1]))
    page.click("#more")
    expect(page.locator("#gallery .thumb")).to_have_count(48)
    seeds += page.locator("#gallery .thumb").evaluate_all("thumbs => thumbs.map(thumb => Number(thumb.dataset.seed))")
    assert max(seeds) < 1_000_000
    assert len(set(seeds[:6])) == 6


def test_each_thumbnail_has_its_seed_its_name_and_its_face(visitor: Visitor) -> None:
    page = visitor.open()
    hanging(page)
    thumbs = page.locator("#gallery .thumb")
    expect(thumbs).to_have_count(24)
    expect(page.locator("#gallery .missing")).to_have_count(0)
    last = "document.querySelector('#gallery li:nth-child(24) canvas')"  # of one sheet, drawn in their order
    page.wait_for_function(f"() => {last}.getContext('2d').getImageData(0, 0, 1, 1).data[3] === 255")
    for place in (0, 11, 23):
        seed = int(thumbs.nth(place).get_attribute("data-seed") or -1)
        expect(thumbs.nth(place)).to_have_accessible_name(f"Portrait no. {seed:,}".replace(",", "\u202f"))
        assert shown(page, f"#gallery li:nth-child({place + 1}) canvas") == served(page, f"/sample?seed={seed}")


# --- on a phone ---


def swipe(page: Page, across: int, down: int = 0) -> None:
    """Draw a finger over the portrait."""
    box = page.locator("#portrait").bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    touch = page.context.new_cdp_session(page)
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    for part in range(1, 6):
        point = {"x": x + across * part / 5, "y": y + down * part / 5}
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_a_swipe_goes_on_and_back(visitor: Visitor) -> None:
    page = visitor.open("/?seed=1", **PHONE)
    hanging(page, 1)
    swipe(page, -120)
    second = hanging_after(page, 1)
    swipe(page, 120)
    hanging(page, 1)
    swipe(page, -120)  # forward again, before anyone new
    hanging(page, second)
    assert page.evaluate("history.state.at") == 1


def test_a_finger_that_scrolls_changes_nobody(visitor: Visitor) -> None:
    page = visitor.open("/?seed=1", **PHONE)
    hanging(page, 1)
    swipe(page, -60, -200)
    page.wait_for_function("() => scrollY > 50")
    assert hanging(page) == 1
    assert page.evaluate("history.state.at") == 0
    assert page.locator("#portrait").evaluate(TOUCH_ACTION) == "pan-y pinch-zoom"


TOUCH_ACTION = "e => getComputedStyle(e.closest('.hanging')).touchAction"
SMALL_TARGETS = """all => all.filter((e) => e.checkVisibility({ visibilityProperty: true }))
  .map((e) => [e.id || e.textContent.trim() || e.ariaLabel, e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44)
  .map(([name, box]) => `${name}: ${box.width} × ${box.height}`)"""


@pytest.mark.parametrize("scripted", [True, False])
def test_every_target_is_as_large_as_a_fingertip(visitor: Visitor, scripted: bool) -> None:
    phone: dict[str, Any] = {**PHONE, "viewport": {"width": 390, "height": 844}}
    page = visitor.blank(**phone, java_script_enabled=scripted)
    page.goto("/?seed=elvis")
    if scripted:
        hanging(page)
        page.click("#keep")
        page.fill("#name", "Ada")
        page.press("#name", "Enter")
        expect(page.locator("#name-open")).to_be_visible()
        page.evaluate("document.getElementById('share').hidden = false")
        expect(page.locator("#kept .thumb")).to_have_count(1)
    targets = page.locator("a, button, input, select, summary")
    assert targets.count() > 5
    assert targets.evaluate_all(SMALL_TARGETS) == []
    assert page.locator("body").evaluate("e => getComputedStyle(e).touchAction") == "manipulation"


SHARE = """
window.shared = [];
Object.defineProperty(navigator, "canShare", { value: (data) => FILES || !data.files?.length });
Object.defineProperty(navigator, "share", { value: async (data) => {
  window.shared.push({ ...data, files: (data.files ?? []).map((file) => [file.name, file.type, file.size]) });
  if ("OUTCOME") throw new DOMException("no", "OUTCOME");
} });
"""


def sharing(visitor: Visitor, outcome: str = "", *, files: bool = True) -> Page:
    """Open a page in a browser with a share sheet that ends in this way."""
    page = visitor.blank(permissions=["clipboard-read", "clipboard-write"])
    with page.add_init_script(SHARE.replace("OUTCOME", outcome).replace("FILES", str(files).lower())):
        page.goto("/?seed=42")
    hanging(page, 42)
    page.click("#share")
    page.wait_for_function("() => window.shared.length === 1")
    return page


@pytest.mark.parametrize("files", [True, False])
def test_a_face_is_shared_by_the_browsers_own_sheet(visitor: Visitor, files: bool) -> None:
    page = sharing(visitor, files=files)
    [shared] = page.evaluate("window.shared")
    assert shared["url"] == f"{visitor.server}/?seed=42"
    assert "42" in shared["title"]
    assert [file[:2] for file in shared["files"]] == ([["nobody-42.png", "image/png"]] if files else [])
    expect(page.locator("#copy-label")).to_have_text("Copy link")


def test_whoever_closes_the_share_sheet_hears_nothing_of_it(visitor: Visitor) -> None:
    page = sharing(visitor, "AbortError")
    page.click("#keep")
    expect(page.locator("#kept .thumb")).to_have_count(1)
    expect(page.locator("#copy-label")).to_have_text("Copy link")
    expect(page.locator("#notice-text")).to_be_empty()


@pytest.mark.parametrize("outcome", ["NotAllowedError", "DataError"])
def test_where_the_share_sheet_fails_the_link_is_copied(visitor: Visitor, outcome: str) -> None:
    page = sharing(visitor, outcome)
    expect(page.locator("#copy-label")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{visitor.server}/?seed=42"


def test_a_browser_without_a_share_sheet_offers_none(visitor: Visitor) -> None:
    page = visitor.open("/?seed=42")
    hanging(page, 42)
    expect(page.locator("#share")).to_be_hidden()
    expect(page.locator("#copy-link")).to_be_visible()
