"""The lab page, in a real browser against a real server and its worker."""

import io
import re
import zipfile
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e import lab
from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE, SIMPLE, TRAINING_MS, ask, everybodys, stands

pytestmark = pytest.mark.e2e

JOB_IN_ADDRESS = re.compile(r"[?&]job=([0-9a-f]{16})$")
#: How many pixels of a canvas have the colour of a custom property, and how many colours there are.
COLOURS = """(canvas, name) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  const wanted = parseInt(getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1), 16);
  const rgb = at => data[at] << 16 | data[at + 1] << 8 | data[at + 2];
  const colours = Array.from({ length: data.length / 4 }, (_, i) => rgb(4 * i));
  return [colours.filter(colour => colour === wanted).length, new Set(colours).size];
}"""


@pytest.fixture(scope="module")
def trained(server: str) -> dict[str, Any]:
    """Train a GAN for the tests that look at one; the data have five dimensions."""
    settings = {"model": "wgan_gp", "data": {"name": "four_clouds", "size": 400}, "epochs": 2, "seed": 11}
    return lab.trained(server, ask(server, "POST", "/jobs", settings))


def start(page: Page, **settings: str) -> str:
    """Fill the form in and start a run; give its id."""
    for name, value in settings.items():
        choose(page, name, value)
    page.click("#start")
    expect(page).to_have_url(JOB_IN_ADDRESS)
    expect(page.locator("#watch")).to_be_visible()
    return job_of(page)


def choose(page: Page, name: str, value: str) -> None:
    """Choose a setting."""
    if name == "data":
        page.locator(f"#data input[value={value}]").check(force=True)
        return
    if not page.locator(f"#{name}").is_visible():
        page.click("#more-settings summary")
    if name in ("model", "latent_type"):
        page.select_option(f"#{name}", value)
    else:
        page.fill(f"#{name}", value)


def job_of(page: Page) -> str:
    """Give the id of the run in the address."""
    found = JOB_IN_ADDRESS.search(page.url)
    assert found, page.url
    return found[1]


def look_at(visitor: Visitor, job: dict[str, Any], **options: Any) -> Page:
    """Open the page on a run that has ended, and wait until all of it is there."""
    page = visitor.open(f"/lab?job={job['id']}", **options)
    stands(page, job["status"])
    expect(page.locator("#picture")).to_have_attribute("data-step", str(job["step"]))
    return page


def pictures(page: Page) -> int:
    """Count the pictures that have come."""
    return int(page.locator("#scrubber").get_attribute("max") or 0) + 1


def step(page: Page) -> int:
    """Give the step whose picture is shown."""
    return int(page.locator("#picture").get_attribute("data-step") or -1)


def row(page: Page, job: str) -> Locator:
    """Find a run in the list by the address that it leads to; the one that is shown is marked."""
    assert job_of(page) == job
    return page.locator("#runs li").filter(has=page.locator("[aria-current]"))


def test_a_run_is_started_and_watched_to_its_end(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    expect(page.locator("#empty")).to_contain_text("start the training")
    expect(page.locator("#watch")).to_be_hidden()
    job = start(page, model="simple_gan", data="circle", seed="5", epochs="4")
    assert re.search(r"/lab\?data=circle&seed=5&epochs=4&job=", page.url)
    expect(page.locator("#run-title")).to_have_text("Simple_GAN, circle")

    stands(page, "succeeded")
    expect(page.locator("#picture")).to_have_attribute("data-step", "400")
    made, colours = page.locator("#picture").evaluate(COLOURS, "--made")
    assert made > 100
    assert colours > 50
    expect(page.locator("#axes")).to_be_hidden()  # a circle has two coordinates
    line, _ = page.locator("#plot").evaluate(COLOURS, "--made-line")
    assert line > 20
    expect(page.locator("#losses div")).to_have_count(2)
    expect(page.locator("#figures")).to_contain_text("sliced Wasserstein distance")
    expect(page.locator("#progress")).to_have_js_property("value", 400)
    expect(page.locator("#run-pace")).to_contain_text("step 400 of 400 · took")
    expect(page.locator("#status")).to_have_text("Simple_GAN, circle: trained, step 400 of 400.")
    expect(page.locator("#picture")).to_have_accessible_name(
        re.compile(r"Step 400 of 400; 400 generated points over 400")
    )
    expect(row(page, job)).to_contain_text("seed 5")
    expect(row(page, job)).to_contain_text("trained")


def test_a_reload_catches_up_and_the_run_can_be_steered(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    job = start(page, model="simple_gan", data="circle", epochs="10000")
    stands(page, "running")
    expect(page.locator("#film")).to_be_visible(timeout=TRAINING_MS)
    expect(page.locator("#run-pace")).to_contain_text("left")
    before, reached = pictures(page), step(page)

    page.reload()
    stands(page, "running")
    page.wait_for_function("step => Number(document.getElementById('picture').dataset.step) >= step", arg=reached)
    assert pictures(page) >= before
    assert page.input_value("#epochs") == "10000"

    page.click("#pause")
    stands(page, "paused")
    expect(page.locator("#pause")).to_be_hidden()
    expect(page.locator("#resume")).to_be_focused()
    expect(row(page, job)).to_contain_text("paused")
    page.click("#resume")
    stands(page, "running")
    page.click("#cancel")
    stands(page, "cancelled")
    for button in ("#pause", "#resume", "#cancel"):
        expect(page.locator(button)).to_be_hidden()
    expect(page.locator("#run-state")).to_contain_text("cancelled")
    expect(row(page, job)).to_contain_text("cancelled at step")


def test_a_wrong_setting_is_shown_beside_its_field(visitor: Visitor) -> None:
    page = visitor.open("/lab", failures_expected=True)
    choose(page, "gen_shape", "2, 10, 10, 3")
    page.click("#start")
    error = page.locator("#gen_shape-error")
    expect(error).to_contain_text("expected it to end with the 5 coordinates of an example, got [2, 10, 10, 3]")
    expect(error).to_have_attribute("role", "alert")
    expect(page.locator("#gen_shape")).to_be_focused()
    expect(page.locator("#gen_shape")).to_have_attribute("aria-invalid", "true")
    page.fill("#gen_shape", "2, ten, 5")
    expect(error).to_have_count(0)
    page.click("#start")
    expect(error).to_have_text("Expected whole numbers with commas, such as 1, 10, 10, 2, got “ten”.")
    page.fill("#gen_shape", "")
    page.fill("#size", "100000000")
    page.fill("#learning_rate", "7")
    page.click("#start")
    expect(page.locator("#learning_rate-error")).to_contain_text("got 7")
    expect(page.locator("#size-error")).to_contain_text("got 100000000")
    expect(page.locator("#settings .error:visible")).to_have_count(2)
    page.click("#usual")
    expect(page.locator("#settings .error:visible")).to_have_count(0)
    assert page.input_value("#size") == "1000"
    expect(page.locator("#watch")).to_be_hidden()


def test_a_full_queue_is_said_beside_the_button_and_a_repetition_starts_one_run(visitor: Visitor) -> None:
    page = visitor.open("/lab", failures_expected=True)
    keys: list[str | None] = []

    def refuse(route: Route) -> None:
        if route.request.method != "POST" or route.request.url.endswith("/check"):
            return route.abort() if len(keys) == 1 else route.fallback()
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) == 1:
            return route.abort()
        problem = {"title": "Too Many Requests", "status": 429, "detail": "expected at most 100 jobs to wait"}
        return route.fulfill(status=429, json=problem, content_type="application/problem+json")

    page.route(re.compile("/jobs"), refuse)
    page.click("#start")
    expect(page.locator("#settings-error")).to_have_text("The server cannot be reached.")
    page.click("#start")
    expect(page.locator("#settings-error")).to_have_text("expected at most 100 jobs to wait")
    page.fill("#seed", "3")
    with page.expect_response("**/jobs"):
        page.click("#start")
    assert keys[0] == keys[1] != keys[2]


def test_a_reason_stands_until_it_is_known_to_be_past(visitor: Visitor) -> None:
    """Whoever was away is back with the next answer. A full disk, or a service that trains nothing, is not."""
    page = visitor.open("/lab", failures_expected=True)
    box, status = page.locator("#settings-error"), 0

    def refuse(route: Route) -> None:
        if route.request.method == "POST" and not route.request.url.endswith("/check"):
            problem = {"title": "No", "status": status, "detail": f"because of {status}"}
            route.fulfill(status=status, json=problem)
        else:
            route.fallback()

    page.route(re.compile("/jobs"), refuse)
    for status in (502, 501, 503, 507, 504):
        page.click("#start")
        if status in (502, 503, 504):
            expect(box).to_have_text("The server can be reached again; please try once more.")
            continue
        expect(box).to_have_text(f"because of {status}")
        with page.expect_response(re.compile(r"/jobs\?.*limit=")):
            pass
        expect(box).to_have_text(f"because of {status}")


def test_settings_are_in_the_address(visitor: Visitor) -> None:
    page = visitor.open("/lab?model=wgan_clip&data=moons&seed=7&clip=0.5&epochs=3")
    assert page.input_value("#model") == "wgan_clip"
    assert page.locator("#data input:checked").input_value() == "moons"
    expect(page.locator("#gen_shape")).to_have_attribute("placeholder", "1, 10, 10, 2")
    page.click("#more-settings summary")
    expect(page.locator("#clip")).to_be_visible()
    expect(page.locator("#lambda_gp")).to_be_hidden()
    page.fill("#epochs", "16")
    expect(page).to_have_url(re.compile(r"/lab\?model=wgan_clip&data=moons&seed=7&clip=0.5$"))
    page.select_option("#model", "simple_gan")  # which has nothing to clip
    expect(page).to_have_url(re.compile(r"/lab\?data=moons&seed=7$"))
    page.click("#roll")
    expect(page).not_to_have_url(re.compile(r"seed=7(&|$)"))
    page.reload()
    assert page.input_value("#seed") == (re.findall(r"seed=(\d+)", page.url) or ["0"])[0]


def test_a_link_to_a_run_that_is_gone_says_so_and_keeps_its_settings(visitor: Visitor) -> None:
    page = visitor.open("/lab?data=moons&job=0123456789abcdef", failures_expected=True)
    expect(page.locator("#settings-error")).to_contain_text("This run is no longer here.")
    assert page.locator("#data input:checked").input_value() == "moons"
    expect(page.locator("#empty")).to_contain_text("start the training")


def test_the_pictures_of_a_run_can_be_looked_through(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = look_at(visitor, trained)
    expect(page.locator("#axes")).to_have_value("0 1")
    expect(page.locator("#figures")).to_contain_text("modes covered")
    assert pictures(page) > 10
    last = page.locator("#picture").evaluate("canvas => canvas.toDataURL()")
    page.focus("#scrubber")
    page.keyboard.press("Home")
    expect(page.locator("#picture")).to_have_attribute("data-step", "0")
    expect(page.locator("#shown-step")).to_have_text("step 0")
    expect(page.locator("#scrubber")).to_have_attribute("aria-valuetext", "step 0")
    assert page.locator("#picture").evaluate("canvas => canvas.toDataURL()") != last
    page.keyboard.press("ArrowRight")
    expect(page.locator("#picture")).not_to_have_attribute("data-step", "0")
    page.keyboard.press("End")
    expect(page.locator("#picture")).to_have_attribute("data-step", "200")
    assert page.locator("#picture").evaluate("canvas => canvas.toDataURL()") == last

    page.clock.install()
    page.click("#replay")
    page.clock.run_for(1000)
    expect(page.locator("#replay")).to_have_text("Stop")
    assert 0 < step(page) < 200
    page.click("#replay")
    page.clock.run_for(100)
    expect(page.locator("#replay")).to_have_text("Replay")
    assert 0 < step(page) < 200


def test_less_motion_where_it_is_asked_for(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = visitor.blank(unused=True, reduced_motion="reduce")
    page.clock.install()
    page.goto(f"/lab?job={trained['id']}")
    expect(page.locator("#picture")).to_have_attribute("data-step", "200")
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 5)
    page.evaluate("""() => {
      globalThis.changes = 0;
      new MutationObserver(all => changes += all.length)
        .observe(document.getElementById("picture"), { attributeFilter: ["data-step"] });
    }""")
    page.click("#replay")
    page.clock.run_for(1500)
    assert 1 <= page.evaluate("changes") <= 4


def test_weights_picture_film_and_history_are_taken_along(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = look_at(visitor, trained)
    content: dict[str, bytes] = {}
    for what in ("weights", "picture", "film", "history"):
        with page.expect_download() as download:
            page.click(f"#save-{what}")
        assert download.value.suggested_filename.startswith(f"nobody-{trained['id']}.")
        content[what] = download.value.path().read_bytes()
    assert set(zipfile.ZipFile(io.BytesIO(content["weights"])).namelist()) >= {"generator.h5", "discriminator.h5"}
    assert Image.open(io.BytesIO(content["picture"])).format == "PNG"
    film = Image.open(io.BytesIO(content["film"]))
    assert (film.format, getattr(film, "n_frames", 1) > 10) == ("GIF", True)
    lines = content["history"].decode().split()
    assert lines[0] == "step,discr_loss,gen_loss,gp"
    assert len(lines) == 201


def test_what_cannot_be_taken_along_is_said(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = look_at(visitor, trained, failures_expected=True)
    page.route("**/weights", lambda route: route.fulfill(status=409, json={"detail": "no weights yet"}))
    page.click("#save-weights")
    expect(page.locator("#take-error")).to_have_text("no weights yet")


def test_the_link_is_copied(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = look_at(visitor, trained, permissions=["clipboard-read", "clipboard-write"])
    page.click("#copy-link")
    expect(page.locator("#copy-label")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_runs_are_listed_opened_and_deleted(visitor: Visitor, trained: dict[str, Any]) -> None:
    ask(visitor.server, "POST", "/jobs", {**SIMPLE, "name": "to be deleted"})
    page = everybodys(look_at(visitor, trained))
    rows = page.locator("#runs li")
    first = rows.filter(has_text="to be deleted")
    expect(first).to_contain_text("trained", timeout=TRAINING_MS)  # the list follows what runs
    expect(rows.first).to_contain_text("to be deleted")
    first.locator(".run-open").click()
    expect(page.locator("#run-title")).to_have_text("to be deleted")
    expect(first.locator(".run-open")).to_have_attribute("aria-current", "true")
    assert page.input_value("#model") == "simple_gan"  # its settings are in the form now
    job = job_of(page)
    page.go_back()
    expect(page.locator("#run-title")).to_have_text("WGAN_GP, four clouds")
    with page.expect_response("**/history?*"):  # the last thing that the page asks about it
        page.go_forward()
    expect(page.locator("#run-title")).to_have_text("to be deleted")

    first.get_by_role("checkbox").check()
    page.click("#delete-selected")
    expect(first).to_have_count(0)
    expect(page.locator("#watch")).to_be_hidden()
    expect(page).not_to_have_url(JOB_IN_ADDRESS)
    page.goto("/")
    lab.until(lambda: job not in [one["id"] for one in ask(visitor.server, "GET", "/jobs?limit=100")["jobs"]])


def test_an_empty_list_says_how_to_begin_and_a_long_one_goes_on(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = visitor.blank()
    page.route("**/jobs?*", lambda route: route.fulfill(json={"jobs": [], "next": None}))
    page.goto("/lab")
    expect(page.locator("#runs-empty")).to_contain_text("Start training")
    jobs = [
        {**trained, "weights_step": None, "id": f"{i:016}", "name": f"run {i}", "created": f"{2099 - i}-01-01"}
        for i in range(14)
    ]

    def answer(route: Route) -> None:
        query = parse_qs(urlsplit(route.request.url).query)
        first = 1 + [job["id"] for job in jobs].index(query["after"][0]) if "after" in query else 0
        last = first + int(query["limit"][0])
        found = [] if "status" in query else jobs[first:last]
        route.fulfill(json={"jobs": found, "next": found[-1]["id"] if found and last < len(jobs) else None})

    page.route("**/jobs?*", answer)
    page.reload()
    expect(page.locator("#runs li")).to_have_count(12)
    expect(page.locator("#runs-empty")).to_be_hidden()
    page.click("#more-runs")
    expect(page.locator("#runs li").nth(13)).to_contain_text("run 13")
    expect(page.locator("#more-runs")).to_be_hidden()
    with page.expect_response("**/jobs?limit=14*"):
        pass  # and so it stays
    expect(page.locator("#runs li")).to_have_count(14)


def test_a_failure_is_shown_with_its_reason(visitor: Visitor, trained: dict[str, Any]) -> None:
    failed = {**trained, "status": "failed", "error": "the losses became NaN at step 3; try a smaller learning_rate"}
    page = visitor.blank()
    page.route(f"**/jobs/{trained['id']}", lambda route: route.fulfill(json=failed))
    page.goto(f"/lab?job={trained['id']}")
    expect(page.locator("#run-error")).to_have_text(failed["error"])


def test_a_broken_connection_is_said_and_overcome(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = visitor.blank(failures_expected=True)
    page.route("**/events?*", lambda route: route.fulfill(status=503, json={"detail": "not now"}))
    page.goto(f"/lab?job={trained['id']}")
    expect(page.locator("#run-pace")).to_contain_text("The connection is lost")
    page.unroute("**/events?*")
    expect(page.locator("#picture")).to_have_attribute("data-step", "200")
    expect(page.locator("#run-pace")).to_contain_text("step 200 of 200")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_screen_is_too_narrow(visitor: Visitor, trained: dict[str, Any], width: int) -> None:
    page = look_at(visitor, trained, viewport={"width": width, "height": 844})
    page.click("#more-settings summary")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    widest = page.locator("button, a, input, select, canvas").evaluate_all(
        "all => Math.max(...all.map(e => e.getBoundingClientRect().right))"
    )
    assert widest <= width


def test_on_a_phone_the_picture_comes_into_view_and_is_crisp(visitor: Visitor) -> None:
    page = visitor.open("/lab", **PHONE)
    start(page, model="simple_gan", data="moons", epochs="1")
    expect(page.locator("#picture")).to_be_in_viewport(ratio=0.9)
    assert page.locator("#picture").evaluate("c => c.width === 2 * c.clientWidth && c.height === 2 * c.clientHeight")
    stands(page, "succeeded")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_follows_the_colour_scheme(visitor: Visitor, trained: dict[str, Any], scheme: Any) -> None:
    page = look_at(visitor, trained, color_scheme=scheme)
    assert page.locator("#picture").evaluate(COLOURS, "--made")[0] > 100
    page.emulate_media(color_scheme="dark" if scheme == "light" else "light")
    page.wait_for_function(f"() => ({COLOURS})(document.getElementById('picture'), '--made')[0] > 100")


def test_everything_has_a_name_and_the_keyboard_reaches_it(visitor: Visitor, trained: dict[str, Any]) -> None:
    page = look_at(visitor, trained)
    controls = page.locator("a, button, input:not([type=hidden]), select, progress:not([aria-hidden]), canvas")
    nameless = controls.evaluate_all(
        """all => all
          .filter(e => !(e.ariaLabel || e.labels?.length || e.textContent.trim() || e.hasAttribute("aria-labelledby")))
          .map(e => e.outerHTML)"""
    )
    assert nameless == []
    expect(page.get_by_role("heading", level=1)).to_have_accessible_name("Lab")
    order = []
    for _ in range(30 + page.locator(".story, .term:visible").count()):
        page.keyboard.press("Tab")
        order.append(page.evaluate("() => document.activeElement.id || document.activeElement.name || 'other'"))
    assert page.locator(".story").count() > 5
    ids = [name for name in order if name != "other"]
    seen = ["see-real", "see-generated", "see-scores", "see-manifold", "see-gradient", "axes"]
    assert ids[:5] == ["model", "data", "seed", "roll", "start"]
    assert ids[5:18] == [*seen, "replay", "scrubber", "slow", "fork", "copy-link", "others", "train-own"]
    assert ids[18:21] == ["save-picture", "save-film", "save-history"]


def test_every_axis_of_losses_has_numbers_that_differ_and_fit(visitor: Visitor) -> None:
    ends = [
        [4, 4],
        [4, 4 + 1e-9],
        [0, 0],
        [-1, -1],
        [-1e-30, 1e-30],
        [3.9, 4.1],
        [-3e38, 3e38],
        [0, 5e-324],
        [1e9, 1e9],
    ]
    found = visitor.open("/lab").evaluate(
        """async ends => {
          const { span, ticks } = await import("/static/js/lab/stretches.js");
          const { short } = await import("/static/js/lab/words.js");
          return ends.map(ends => ticks(...span([ends.map(mean => ({ mean }))])).map(short));
        }""",
        ends,
    )
    for pair, labels in zip(ends, found, strict=True):
        assert 2 <= len(labels) <= 6, (pair, labels)
        assert len(set(labels)) == len(labels), (pair, labels)
        assert max(map(len, labels)) <= 9, (pair, labels)


def test_the_pages_lead_to_each_other(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    for name, path in (("API", "/docs"), ("Faces", "/"), ("Lab", "/lab")):
        page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True).click()
        expect(page).to_have_url(re.compile(rf"{path}(\?.*)?$"))


def test_without_javascript_there_is_a_way_on(visitor: Visitor) -> None:
    page = visitor.open("/lab", java_script_enabled=False)
    expect(page.locator("noscript p")).to_contain_text("The lab needs JavaScript.")
