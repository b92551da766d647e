"""Points of one's own on the lab page, and what its form says before a run is started."""

import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE, ask, stands
from tests.e2e.test_lab_page import choose, job_of

pytestmark = pytest.mark.e2e

#: Settings that learn quickly and do not hover.
STEADY = (
    "data=moons&model=wgan_gp&gen_shape=2,32,32,2&critic_activation=linear&lambda_gp=1&learning_rate=0.002&ema=0.98"
    "&epochs=4"
)
#: Drop a file on an element, as a file manager does.
DROP = """(element, [name, bytes]) => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([Uint8Array.from(bytes)], name));
  element.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


def own_page(visitor: Visitor, path: str = "/lab", **options: Any) -> Page:
    """Open the page, and choose points of one's own."""
    page = visitor.open(path, **options)
    page.locator("#data input[value=own]").check(force=True)
    expect(page.locator("#own")).to_be_visible()
    page.locator("#pad").scroll_into_view_if_needed()
    return page


def stroke(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw with the mouse; places are shares of the pad's sides, from the lower left."""
    page.locator("#pad").scroll_into_view_if_needed()
    box = page.locator("#pad").bounding_box()
    assert box
    places = [(box["x"] + x * box["width"], box["y"] + (1 - y) * box["height"]) for x, y in (start, end)]
    page.mouse.move(*places[0])
    page.mouse.down()
    page.mouse.move(*places[1], steps=8)
    page.mouse.up()


def said(page: Page) -> str:
    return page.locator("#own-said").inner_text()


def drop(place: Locator, name: str, content: bytes) -> None:
    place.evaluate(DROP, [name, list(content)])


def told(page: Page, job: str, kind: str) -> list[dict[str, Any]]:
    """Give what a run told by events of one kind."""
    answer = page.request.get(f"/jobs/{job}/events", headers={"Accept": "application/json"}).json()
    return [event["data"] for event in answer["events"] if event["event"] == kind]


def test_a_drawing_is_learnt(visitor: Visitor, server: str) -> None:
    page = own_page(visitor, f"/lab?{STEADY}")
    expect(page.locator("#undo")).to_be_disabled()
    page.click("#start")
    expect(page.locator("#own-error")).to_have_text("Draw, drop or paste points first.")
    stroke(page, (0.2, 0.2), (0.2, 0.8))
    one = said(page)
    assert re.fullmatch(r"\d+ points in 2 dimensions\.", one)
    stroke(page, (0.8, 0.2), (0.8, 0.8))
    two = said(page)
    page.click("#eraser")
    stroke(page, (0.8, 0.1), (0.8, 0.9))
    expect(page.locator("#own-said")).to_have_text(one)
    page.click("#eraser")
    page.click("#undo")
    expect(page.locator("#own-said")).to_have_text(two)
    page.click("#clear")
    expect(page.locator("#own-said")).to_have_text("No points yet.")
    page.click("#undo")
    page.fill("#data_name", "two lines")
    count = int(two.split()[0])
    assert page.input_value("#batch_size") == str(count)
    expect(page.locator("#sums")).to_contain_text(re.compile("^400 steps"))
    page.click("#start")
    stands(page, "succeeded")
    address = page.url
    job = ask(server, "GET", f"/jobs/{job_of(page)}")
    assert (job["data"]["name"], job["data"]["rows"], job["data"]["transform"]) == ("two lines", count, None)
    [data] = told(page, job["id"], "data")
    x, y = np.array(data["real"]).T
    assert (np.minimum(abs(x - 0.2), abs(x - 0.8)) < 0.03).all()
    assert 0.17 < y.min() < 0.23 < 0.77 < y.max() < 0.83
    far = [snapshot["figures"]["sliced_wasserstein"] for snapshot in told(page, job["id"], "snapshot")]
    assert far[-1] < far[0] / 3

    page.reload()
    stands(page, "succeeded")
    expect(page.locator("#own-said")).to_have_text(two)
    assert page.url == address
    page.click("#start")  # again: the same points, and so the same numbers
    expect(page).not_to_have_url(address)
    stands(page, "succeeded")
    again = ask(server, "GET", f"/jobs/{job_of(page)}")
    assert (again["data"], again["losses"]) == (job["data"], job["losses"])
    page.click("#clear")
    page.go_back()
    expect(page.locator("#own-said")).to_have_text(two)


def test_a_finger_draws(visitor: Visitor) -> None:
    page = own_page(visitor, **PHONE)
    box = page.locator("#pad").bounding_box()
    assert box
    before = page.evaluate("scrollY")
    touch = page.context.new_cdp_session(page)
    for kind, at in (("touchStart", 0.3), ("touchMove", 0.5), ("touchMove", 0.7), ("touchEnd", None)):
        places = [] if at is None else [{"x": box["x"] + 0.5 * box["width"], "y": box["y"] + at * box["height"]}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
    expect(page.locator("#own-said")).to_have_text(re.compile(r"^[3-9]\d points in 2 dimensions\.$"))
    assert page.evaluate("scrollY") == before


def test_numbers_are_written_and_kept(visitor: Visitor, server: str) -> None:
    page = own_page(visitor, failures_expected=True)
    for text, expected in (
        ("1, 2\n3, 4\n", "2 points in 2 dimensions."),
        ("1.5;2;-3e-2\n4;5;6", "2 points in 3 dimensions."),
        ("1\t2\n\n3\t4\n5\t6", "3 points in 2 dimensions."),
        ("7 8", "1 point in 2 dimensions."),
        ("4\n5\n1e6", "3 points in 1 dimension."),
        ("height,weight\n1,2\n3,4", "2 points in 2 dimensions. Columns height, weight."),  # the service reads tables
        ("1,5;2,5\n3,5;4,5", "2 points in 2 dimensions."),
    ):
        page.fill("#paste", text)
        page.locator("#paste").blur()
        expect(page.locator("#own-said")).to_have_text(expected)
    page.fill("#paste", "1,2\n3,many\n5,6")
    page.locator("#paste").blur()
    expect(page.locator("#own-error")).to_contain_text("line 2, column 2")
    assert page.input_value("#paste").startswith("1,2")  # to be mended

    many = "\n".join(f"{i % 17},{i / 1000}" for i in range(500))
    page.fill("#paste", many)
    page.locator("#paste").blur()
    expect(page).to_have_url(re.compile(r"kept=\w+$"))
    page.reload()
    expect(page.locator("#own-said")).to_have_text("500 points in 2 dimensions.")
    address = page.url
    for _ in range(9):  # the oldest go first
        page.fill("#paste", many + "\n1,1")
        page.locator("#paste").blur()
        expect(page.locator("#paste")).to_have_value("")
        page.reload()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('nobody-points-')).length") == 8
    page.goto(address)
    expect(page.locator("#own-said")).to_contain_text("in the browser that made it, not here")
    page.click("#start")
    expect(page.locator("#own-error")).to_contain_text("in the browser that made it, not here")


def test_files_are_looked_at_where_they_are_dropped(visitor: Visitor, server: str, tmp_path: Path) -> None:
    page = visitor.open("/lab", failures_expected=True)
    form = page.locator("#settings")
    drop(form, "bad.csv", b"a,b\n1,2\n3,x\n")
    expect(page.locator("#own-error")).to_contain_text("line 3, column 2")
    expect(page.locator("#own-error")).to_be_visible()
    drop(
        form, "people.csv", b"height,weight\n" + b"\n".join(b"%d,%d" % (150 + i % 40, 50 + i % 30) for i in range(120))
    )
    expect(page.locator("#own-said")).to_have_text("120 points in 2 dimensions. Columns height, weight.")
    assert page.input_value("#data_name") == "people"
    wide = io.BytesIO()
    np.save(wide, np.random.default_rng(0).random((300, 7)))
    (tmp_path / "wide.npy").write_bytes(wide.getvalue())
    page.set_input_files("#file", tmp_path / "wide.npy")
    expect(page.locator("#own-said")).to_have_text("300 points in 7 dimensions.")
    expect(page.locator("#gen_shape")).to_have_attribute("placeholder", "2, 10, 10, 7")
    page.click("#undo")
    expect(page.locator("#own-said")).to_contain_text("120 points")

    drawing = Image.new("L", (120, 120), 255)
    ImageDraw.Draw(drawing).ellipse((20, 20, 100, 100), fill=0)
    content = io.BytesIO()
    drawing.save(content, "PNG")
    drop(page.locator("#pad"), "a pond.png", content.getvalue())
    expect(page.locator("#own-said")).to_contain_text("100\u202f000 points in 2 dimensions.")
    dark = page.locator("#pad").evaluate("""canvas => {
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      return data.filter((value, i) => i % 4 === 3 && value > 0).length / data.length * 4;
    }""")
    assert 0.1 < dark < 0.7
    page.fill("#data_name", "my pond")
    choose(page, "epochs", "1")
    page.click("#start")
    stands(page, "succeeded")
    job = ask(server, "GET", f"/jobs/{job_of(page)}")
    assert (job["data"]["name"], job["data"]["rows"]) == ("my pond", 100_000)
    other = visitor.open("/" + page.url.split("/", 3)[3])
    expect(other.locator("#own-said")).to_have_text("The 100\u202f000 points in 2 dimensions of the run that is shown.")
    other.click("#start")
    expect(other).not_to_have_url(re.compile(job["id"]))
    stands(other, "succeeded")
    assert ask(server, "GET", f"/jobs/{job_of(other)}")["losses"] == job["losses"]


@pytest.mark.parametrize("model", ["wgan_gp", "wgan_clip"])
def test_nonsense_is_refused_at_its_field(visitor: Visitor, server: str, model: str) -> None:
    page = visitor.open(f"/lab?model={model}&data=moons", failures_expected=True)
    page.click("#more-settings summary")
    before = ask(server, "GET", "/jobs?limit=1")["jobs"]
    wrong = {
        "gen_shape": ["1, 10, 3", "1, 2", "1, ten, 2", "1, 99999, 2", "0, 10, 2"],
        "batch_size": ["0", "1001", "1.5"],
        "epochs": ["0", "20000"],
        "learning_rate": ["0", "7"],
        "size": ["0", "200000"],
        "noise": ["-1"],
        "ema": ["1"],
        "beta_1": ["1"],
        "final_rate": ["2"],
        "disc_iter": ["101"],
        "generator_gain": ["0"],
        "seed": ["-1"],
        **({"lambda_gp": ["-1"]} if model == "wgan_gp" else {"clip": ["0"]}),
    }
    for name, values in wrong.items():
        usual = page.input_value(f"#{name}")
        for value in values:
            page.fill(f"#{name}", value)
            error = page.locator(f"#{name}-error")
            expect(error).to_be_visible()  # already before it is sent
            expect(page.locator("#settings .error:visible")).to_have_count(1)
            page.click("#start")
            expect(page.locator(f"#{name}")).to_be_focused()
            expect(error).to_be_visible()
        page.fill(f"#{name}", usual)
        expect(page.locator("#settings .error:visible")).to_have_count(0)
    expect(page.locator("#sums")).to_contain_text("Generator: 152 weights (1–10–10–2). Discriminator: 151 weights")
    assert ask(server, "GET", "/jobs?limit=1")["jobs"] == before
