"""The face page, in a real browser against a real server."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.e2e.conftest import Visitor

pytestmark = pytest.mark.e2e

ADDRESS = re.compile(r"/\?seed=(\d+)$")
PHONE: dict[str, Any] = {
    "viewport": {"width": 360, "height": 740},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
READ_PIXELS = """canvas => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i]);
}"""
COUNT_PICTURES_UNTIL_SEED = """async seed => {
  const canvas = document.getElementById("face");
  const pictures = new Set();
  while (document.getElementById("portrait").dataset.seed !== seed) {
    pictures.add(canvas.toDataURL());
    await new Promise(requestAnimationFrame);
  }
  return pictures.size;
}"""


def hanging(page: Page, seed: int | None = None) -> int:
    """Wait until a face (this one) hangs still; give its seed."""
    portrait = page.locator("#portrait" if seed is None else f'#portrait[data-seed="{seed}"]')
    expect(portrait).to_have_attribute("data-state", "still")
    expect(portrait).to_have_attribute("data-seed", re.compile(r"^\d+$"))
    return int(portrait.get_attribute("data-seed") or -1)


def hanging_after(page: Page, former: int) -> int:
    """Wait until another face hangs; give its seed."""
    expect(page.locator("#portrait")).not_to_have_attribute("data-seed", str(former))
    return hanging(page)


def shown(page: Page, canvas: str = "#face") -> list[int]:
    """Give the grey levels on a canvas."""
    pixels: list[int] = page.locator(canvas).evaluate(READ_PIXELS)
    return pixels


def picture(content: bytes) -> Image.Image:
    """Decode a picture."""
    return Image.open(io.BytesIO(content))


def served(page: Page, path: str) -> list[int]:
    """Give the grey levels of a face as the server has it."""
    return list(picture(page.request.get(path).body()).tobytes())


def refuse(status: int, body: str, kind: str = "application/problem+json") -> Callable[[Route], None]:
    """Make a route handler that answers with an error."""
    return lambda route: route.fulfill(status=status, body=body, content_type=kind)


def saved(page: Page, link: str) -> tuple[str, Image.Image]:
    """Click a link that saves a picture; give the file's name and the picture."""
    with page.expect_download() as download:
        page.click(link)
    return download.value.suggested_filename, picture(download.value.path().read_bytes())


def test_a_face_hangs_crisp_when_the_page_opens(visitor: Visitor) -> None:
    page = visitor.open()
    seed = hanging(page)
    expect(page).to_have_url(re.compile(rf"/\?seed={seed}$"))
    assert shown(page) == served(page, f"/sample?seed={seed}")
    assert len(set(shown(page))) > 16
    canvas = page.locator("#face")
    assert canvas.evaluate("c => [c.width, c.height]") == [16, 16]
    assert canvas.evaluate("c => getComputedStyle(c).imageRendering") == "pixelated"
    assert canvas.evaluate("c => [c.clientWidth % 16, c.clientHeight - c.clientWidth]") == [0, 0]
    assert canvas.evaluate("c => c.clientWidth") >= 240


@pytest.mark.parametrize("key", ["Space", "ArrowRight"])
def test_a_key_brings_someone_new(visitor: Visitor, key: str) -> None:
    page = visitor.open()
    first = hanging(page)
    page.keyboard.press(key)
    second = hanging_after(page, first)
    assert shown(page) == served(page, f"/sample?seed={second}")
    expect(page).to_have_url(ADDRESS)
    expect(page.locator("#status")).to_contain_text("No.")


def test_a_click_brings_someone_new(visitor: Visitor) -> None:
    page = visitor.open()
    first = hanging(page)
    page.click("#portrait")
    second = hanging_after(page, first)
    page.keyboard.press("Space")  # the focus is on the portrait now: one key press is still one face
    third = hanging_after(page, second)
    page.click("#next")
    hanging_after(page, third)
    assert page.evaluate("history.state.at") == 3


def test_a_tap_brings_someone_new(visitor: Visitor) -> None:
    page = visitor.open(**PHONE)
    first = hanging(page)
    page.tap("#portrait")
    hanging_after(page, first)


def test_a_key_held_down_does_not_flood_the_history(visitor: Visitor) -> None:
    page = visitor.open()
    hanging(page)
    for _ in range(20):
        page.keyboard.down("ArrowRight")  # all but the first are repeats
    page.keyboard.up("ArrowRight")
    hanging(page)
    assert page.evaluate("history.state.at") < 10


def test_a_permalink_shows_its_face_and_history_works(visitor: Visitor) -> None:
    page = visitor.open("/?seed=123")
    hanging(page, 123)
    first = shown(page)
    assert first == served(page, "/sample?seed=123")
    page.keyboard.press("ArrowRight")
    second = hanging_after(page, 123)

    page.go_back()
    hanging(page, 123)
    assert shown(page) == first
    page.go_forward()
    hanging(page, second)
    page.keyboard.press("ArrowLeft")
    hanging(page, 123)
    page.keyboard.press("ArrowRight")  # forward again, before anyone new
    hanging(page, second)
    page.reload()
    hanging(page, second)
    page.click("#back")
    hanging(page, 123)
    page.keyboard.press("ArrowLeft")  # there is nothing before: the page stays
    expect(page.locator("#status")).to_have_text("This is the first face.")
    expect(page).to_have_url(re.compile(r"/\?seed=123$"))


@pytest.mark.parametrize("seed", ["elvis", "9007199254740992", ""])
def test_a_permalink_to_no_seed_says_so_and_shows_someone(visitor: Visitor, seed: str) -> None:
    page = visitor.open(f"/?seed={seed}")
    hanging(page)
    expect(page.locator("#notice-text")).to_contain_text(f"got “{seed}”")
    expect(page).to_have_url(ADDRESS)


def test_the_largest_seed_stays_exact(visitor: Visitor) -> None:
    page = visitor.open("/?seed=9007199254740991")
    hanging(page, 2**53 - 1)
    assert shown(page) == served(page, "/sample?seed=9007199254740991")


def test_the_link_is_copied(visitor: Visitor) -> None:
    page = visitor.open("/?seed=7&truncation=0.5", permissions=["clipboard-read", "clipboard-write"])
    hanging(page, 7)
    page.click("#copy-link")
    expect(page.locator("#copy-label")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{visitor.server}/?seed=7&truncation=0.5"


def test_the_link_is_copied_without_a_clipboard(visitor: Visitor) -> None:
    page = visitor.blank()
    with page.add_init_script("Object.defineProperty(navigator, 'clipboard', { value: undefined })"):
        page.goto("/?seed=7")
    hanging(page, 7)
    page.click("#copy-link")
    expect(page.locator("#copy-label")).to_have_text("Copied")
    expect(page.locator("#copy-link")).to_be_focused()


def test_the_picture_is_saved_at_the_chosen_size(visitor: Visitor) -> None:
    page = visitor.open("/?seed=42")
    hanging(page, 42)
    page.select_option("#download-size", "128")
    name, face = saved(page, "#download")
    assert name == "nobody-42-128.png"
    small = picture(page.request.get("/sample?seed=42").body())
    assert face.tobytes() == small.resize((128, 128), Image.Resampling.NEAREST).tobytes()


def test_a_morph_plays_and_ends_on_its_target(visitor: Visitor) -> None:
    page = visitor.open("/?seed=1")
    hanging(page, 1)
    page.click("#morph")
    expect(page.locator("#portrait")).to_have_attribute("data-state", "moving")
    target = str(page.locator("#strip").get_attribute("src")).partition("to=")[2].partition("&")[0]
    assert page.evaluate(COUNT_PICTURES_UNTIL_SEED, target) > 5
    assert hanging(page) == int(target)
    assert shown(page) == served(page, f"/sample?seed={target}")
    expect(page).to_have_url(re.compile(rf"/\?seed={target}$"))
    name, gif = saved(page, "#strip-gif")
    assert name == f"nobody-1-{target}.gif"
    assert (gif.size, getattr(gif, "n_frames", 1)) == ((256, 256), 20)


def test_a_morph_gives_way_to_the_next_wish(visitor: Visitor) -> None:
    page = visitor.open("/?seed=1")
    hanging(page, 1)
    page.click("#morph")
    expect(page.locator("#portrait")).to_have_attribute("data-state", "moving")
    page.keyboard.press("ArrowRight")
    seed = hanging_after(page, 1)
    assert shown(page) == served(page, f"/sample?seed={seed}")
    assert page.evaluate("history.state.at") == 1


def test_less_motion_where_it_is_asked_for(visitor: Visitor) -> None:
    page = visitor.open("/?seed=1", reduced_motion="reduce")
    hanging(page, 1)
    target = str(page.locator("#strip").get_attribute("src")).partition("to=")[2].partition("&")[0]
    counting = f"({COUNT_PICTURES_UNTIL_SEED})('{target}')"
    pictures = page.evaluate(f"() => {{ document.getElementById('morph').click(); return {counting}; }}")
    assert pictures <= 2
    assert shown(page) == served(page, f"/sample?seed={hanging(page)}")


def test_the_gallery_hangs_whom_one_picks_and_grows(visitor: Visitor) -> None:
    page = visitor.open()
    first = hanging(page)
    thumbs = page.locator("#gallery button")
    expect(thumbs).to_have_count(24)
    page.click("#more")
    expect(thumbs).to_have_count(48)
    thumbs.nth(30).click()
    seed = hanging_after(page, first)
    expect(thumbs.nth(30)).to_have_attribute("data-seed", str(seed))
    assert shown(page, "#gallery li:nth-child(31) canvas") == served(page, f"/sample?seed={seed}")
    expect(thumbs.nth(30)).to_have_attribute("aria-current", "true")
    expect(page.locator("#gallery [aria-current]")).to_have_count(1)
    expect(page.locator("#portrait")).to_be_in_viewport(ratio=1)


def test_favourites_outlive_a_reload(visitor: Visitor) -> None:
    page = visitor.open("/?seed=5&truncation=0.5")
    hanging(page, 5)
    page.click("#keep")
    expect(page.locator("#keep")).to_have_attribute("aria-pressed", "true")
    page.goto("/?seed=6")
    hanging(page, 6)
    expect(page.locator("#keep")).to_have_attribute("aria-pressed", "false")
    kept = page.locator("#kept button")
    expect(kept).to_have_count(1)
    expect(page.locator("#kept-empty")).to_be_hidden()
    kept.click()
    hanging(page, 5)
    assert shown(page) == served(page, "/sample?seed=5&truncation=0.5")
    page.click("#keep")
    expect(kept).to_have_count(0)
    page.reload()
    hanging(page, 5)
    expect(page.locator("#kept-empty")).to_be_visible()


@pytest.mark.parametrize("stored", ["{", '[1, null, {"seed": "7"}, {"seed": -1, "truncation": 1}]'])
def test_a_spoilt_store_of_favourites_does_no_harm(visitor: Visitor, stored: str) -> None:
    page = visitor.blank()
    with page.add_init_script(f"localStorage.setItem('nobody.kept', {stored!r})"):
        page.goto("/?seed=6")
    hanging(page, 6)
    expect(page.locator("#kept button")).to_have_count(0)
    page.click("#keep")
    expect(page.locator("#kept button")).to_have_count(1)


def ask_for_name(page: Page, name: str) -> list[int]:
    """Ask for the face of a name; give its grey levels."""
    page.fill("#name", name)
    with page.expect_response(lambda answer: "/avatar/" in answer.url) as answer:
        page.press("#name", "Enter")
    assert answer.value.ok
    expect(page.locator("#name-caption")).to_contain_text(name)
    return shown(page, "#name-face")


def test_a_name_always_has_the_same_face(visitor: Visitor) -> None:
    page = visitor.open()
    hanging(page)
    ada = ask_for_name(page, "Ada Lovelace")
    assert ada == served(page, "/avatar/Ada%20Lovelace")
    assert ask_for_name(page, "Grace Hopper") != ada
    assert ask_for_name(page, "Ada Lovelace") == ada
    page.click("#name-open")
    expect(page.locator("#portrait")).to_have_attribute("data-state", "still")
    page.wait_for_function("() => document.title.length > 10 && history.state.at === 1")
    hanging(page)
    assert shown(page) == ada


def test_odd_names_have_faces_too(visitor: Visitor) -> None:
    page = visitor.open()
    hanging(page)
    names = ["a/b", "50 % & more? #1", "Ж 😀", "<b>bold</b>", "../sample", ".", "..", "ada", "ada.png", "ada.svg"]
    faces = {tuple(ask_for_name(page, name)) for name in names}
    assert len(faces) == len(names)


def test_a_name_that_no_address_can_carry_is_refused_politely(visitor: Visitor) -> None:
    page = visitor.open()
    hanging(page)
    page.locator("#name").evaluate("(field) => { field.value = '\\ud83d'; }")  # half of an emoji
    page.press("#name", "Enter")
    expect(page.locator("#notice-text")).to_contain_text("half a character")


def test_truncation_zero_is_the_average_face(visitor: Visitor) -> None:
    page = visitor.open("/?seed=3")
    hanging(page, 3)
    wild = shown(page)
    page.focus("#truncation")
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile(r"\?seed=3&truncation=0$"))
    hanging(page, 3)
    expect(page.locator("#truncation-value")).to_have_text("0.00")
    answer = page.request.post("/sample", data={"latents": [[0] * 16]}, headers={"Accept": "application/json"})
    average = [level for row in answer.json()["pixels"][0] for level in row]
    assert shown(page) == average != wild
    page.click("#next")
    hanging_after(page, 3)
    assert shown(page) == average
    page.reload()
    hanging(page)
    assert shown(page) == average
    assert page.input_value("#truncation") == "0"


PROBLEM = '{"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": "seed: expected luck"}'


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (refuse(422, PROBLEM), "seed: expected luck"),
        (refuse(503, PROBLEM.replace("luck", "patience")), "expected patience"),
        (refuse(500, "<h1>oops</h1>", "text/html"), "The server answered with an error (500)."),
        (refuse(200, "not a picture", "image/png"), "The server sent something that is not a face."),
        (lambda route: route.abort(), "The server cannot be reached."),
    ],
)
def test_an_error_is_said_and_can_be_tried_again(
    visitor: Visitor, answer: Callable[[Route], None], message: str
) -> None:
    page = visitor.blank(failures_expected=True)
    page.route("**/sample?*", answer)
    page.goto("/?seed=9")
    assert hanging(page, 9) == 9  # it came with the page
    page.click("#next")
    expect(page.locator("#notice-text")).to_contain_text(message)
    expect(page.locator("#notice")).to_have_attribute("aria-live", "polite")
    assert hanging(page) == 9
    assert shown(page) == served(page, "/sample?seed=9")
    page.unroute("**/sample?*")
    page.click("#notice-retry")
    seed = hanging_after(page, 9)
    expect(page.locator("#notice-text")).to_be_empty()
    assert shown(page) == served(page, f"/sample?seed={seed}")


def test_an_error_leaves_the_last_face_in_place(visitor: Visitor) -> None:
    page = visitor.open("/?seed=9", failures_expected=True)
    hanging(page, 9)
    page.route("**/interpolate?*", refuse(422, PROBLEM))
    page.click("#morph")
    expect(page.locator("#notice-text")).to_have_text("seed: expected luck")
    assert hanging(page) == 9
    assert shown(page) == served(page, "/sample?seed=9")
    with page.expect_response("**/interpolate?*"):
        page.click("#strip-gif")
    expect(page.locator("#notice-text")).to_have_text("seed: expected luck")


def test_offline_is_said_and_overcome(visitor: Visitor) -> None:
    page = visitor.open("/?seed=9", failures_expected=True, unused=True)
    hanging(page, 9)
    page.context.set_offline(True)
    page.fill("#name", "Ada")
    page.press("#name", "Enter")
    expect(page.locator("#notice-text")).to_contain_text("You are offline.")
    expect(page.locator("#notice-retry")).to_be_visible()
    page.context.set_offline(False)  # the page notices, and tries again
    expect(page.locator("#name-caption")).to_contain_text("Ada is no.")
    expect(page.locator("#notice-retry")).to_be_hidden()


def test_the_keyboard_reaches_everything_in_order(visitor: Visitor) -> None:
    page = visitor.open("/?seed=9")
    hanging(page, 9)
    focused = "() => document.activeElement.id || document.activeElement.getAttribute('href') || 'thumb'"
    order = []
    for _ in range(43):
        page.keyboard.press("Tab")
        order.append(page.evaluate(focused))
        assert page.evaluate("() => getComputedStyle(document.activeElement).outlineWidth") == "3px", order[-1]
    pages = ["/", "/", "/lab", "/docs"]
    head = ["portrait", "back", "next", "morph", "keep", "copy-link", "download", "download-size", "truncation"]
    assert order == [*pages, *head, "strip-gif", *["thumb"] * 24, "more", "name", *order[-3:]]
    assert order[-2:] == ["/docs", "/info"]

    page.focus("#keep")
    page.keyboard.press("Space")  # a button keeps its own meaning
    expect(page.locator("#kept button")).to_have_count(1)
    assert hanging(page) == 9
    page.focus("#gallery button")
    page.keyboard.press("Enter")
    hanging_after(page, 9)
    page.focus("#name")
    page.keyboard.type("a b")
    assert page.input_value("#name") == "a b"


def test_everything_has_a_name(visitor: Visitor) -> None:
    page = visitor.open("/?seed=9")
    hanging(page, 9)
    expect(page.get_by_role("heading", level=1)).to_have_accessible_name("nobody")
    expect(page.locator("#portrait")).to_have_accessible_name("Portrait no. 9. Show someone new.")
    controls = page.locator("a, button, input, select")
    names = controls.evaluate_all(
        "all => all.filter(e => !e.hidden && !(e.ariaLabel || e.labels?.length || e.textContent.trim())).length"
    )
    assert names == 0
    assert page.locator("img:not([alt])").count() == 0


@pytest.mark.parametrize("width", [320, 360, 768])
def test_no_screen_is_too_narrow(visitor: Visitor, width: int) -> None:
    page = visitor.open(viewport={"width": width, "height": 740}, has_touch=True)
    hanging(page)
    ask_for_name(page, "A" * 80)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widest = page.locator("button, a, input, select, canvas, img").evaluate_all(
        "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    )
    assert widest <= width
    page.evaluate("scrollTo(0, 0)")
    expect(page.locator("#next")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_colour_scheme(visitor: Visitor, scheme: Any) -> None:
    page = visitor.open(color_scheme=scheme)
    hanging(page)
    levels = page.evaluate(
        "['backgroundColor', 'color'].map(p => Number(getComputedStyle(document.body)[p].match(/\\d+/)[0]))"
    )
    paper, ink = levels
    assert paper < 50 < 200 < ink if scheme == "dark" else ink < 50 < 200 < paper


def test_a_strict_content_security_policy_stops_nothing(visitor: Visitor) -> None:
    def guarded(route: Route) -> None:
        answer = route.fetch()
        policy = "default-src 'self'; img-src 'self' blob: data:"
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page = visitor.blank()
    page.route(re.compile(r"/\?seed="), guarded)
    page.goto("/?seed=4")
    hanging(page, 4)
    assert ask_for_name(page, "Ada")
    assert saved(page, "#download")[1].size == (512, 512)


def test_figures_are_shown_where_they_were_measured(visitor: Visitor) -> None:
    page = visitor.blank()
    page.route("**/info", lambda route: route.fulfill(json={"weights": {"quality": {"frechet": 0.6543, "notes": "x"}}}))
    page.goto("/")
    expect(page.locator("#quality")).to_have_text("Fréchet distance0.65")
    page.route("**/info", lambda route: route.fulfill(json={"weights": {"quality": None}}))
    page.reload()
    hanging(page)
    expect(page.locator("#quality")).to_be_hidden()
    expect(page.locator("footer")).to_contain_text("These people do not exist.")
