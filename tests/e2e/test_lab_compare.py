"""Runs side by side on the lab page, forks, and the other two GANs on the same data."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import lab
from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE, SIMPLE, ask, ended, everybodys, stands, until

pytestmark = pytest.mark.e2e

#: How many pixels of a canvas, between two shares of its width, have the colour of a custom property.
PIXELS = """(canvas, [name, from, to]) => {
  const { width, height } = canvas;
  const copy = new OffscreenCanvas(width, height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(from * width, 0, (to - from) * width, height);
  const wanted = parseInt(getComputedStyle(document.documentElement).getPropertyValue(name).trim().slice(1), 16);
  return Array.from({ length: data.length / 4 }, (_, i) => data[4 * i] << 16 | data[4 * i + 1] << 8 | data[4 * i + 2])
    .filter(colour => colour === wanted).length;
}"""
#: A tab that is hidden, or seen again.
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

QUALITY = "within 3 \N{GREEK SMALL LETTER SIGMA} of a mode"

Json = dict[str, Any]
Start = Callable[..., Json]


@pytest.fixture(scope="module")
def runs(server: str) -> list[Json]:
    """Train three GANs of different lengths on the same data."""
    clouds = {
        "model": "wgan_gp",
        "data": {"name": "four_clouds", "size": 400},
        "seed": 21,
    }  # a network that is compiled
    settings: list[Json] = [
        clouds | {"epochs": 2, "name": "long"},
        clouds | {"epochs": 1, "learning_rate": 0.0002, "name": "slow"},
        {**clouds, "model": "simple_gan", "epochs": 1, "name": "other GAN"},
    ]
    return [lab.trained(server, job) for job in [ask(server, "POST", "/jobs", body) for body in settings]]


def address(first: Json, *others: Json) -> str:
    """Give the address of runs side by side."""
    return f"/lab?job={first['id']}" + (f"&with={','.join(job['id'] for job in others)}" if others else "")


def with_of(page: Page) -> list[str]:
    """Give the ids of the runs that the shown one is compared with, by the address."""
    found = re.search("&with=([0-9a-f,]+)$", page.url)
    return found[1].split(",") if found else []


def steps(page: Page) -> list[str]:
    """Give the steps of all pictures."""
    found: list[str] = page.locator("#panels canvas").evaluate_all("all => all.map(one => one.dataset.step)")
    return found


def wait_for_steps(page: Page, *wanted: int) -> None:
    """Wait until these steps are shown."""
    for i, step in enumerate(wanted):
        expect(page.locator("#panels canvas").nth(i)).to_have_attribute("data-step", str(step))


def test_three_runs_are_compared_from_the_list(visitor: Visitor, runs: list[Json]) -> None:
    long, slow, other = runs
    page = everybodys(visitor.open(address(long)))
    stands(page, "succeeded")
    expect(page.locator("#compare")).to_be_hidden()
    for job in (slow, other):
        toggle = page.locator("#runs li").filter(has_text=job["name"]).get_by_role("button", name="Compare")
        expect(toggle).to_have_attribute("aria-pressed", "false")
        toggle.click()
        expect(toggle).to_have_attribute("aria-pressed", "true")
    assert with_of(page) == [slow["id"], other["id"]]
    wait_for_steps(page, 200, 100, 100)

    expect(page.locator(".head h3")).to_have_text(["A · long", "B · slow", "C · other GAN"])
    bold = [head.locator("b").all_inner_texts() for head in page.locator(".head").all()]
    assert bold == [["WGAN_GP", "2", "0.005"], ["WGAN_GP", "1", "0.0002"], ["Simple_GAN", "1", "0.005"]]
    expect(page.locator("#over figcaption")).to_have_text(["discriminator", "generator", "penalty"])
    discriminator = page.locator("#over canvas").first
    for colour in ("--real", "--made-line", "--third"):
        assert discriminator.evaluate(PIXELS, [colour, 0, 1]) > 20, colour
    assert page.locator("#over canvas").nth(2).evaluate(PIXELS, ["--third", 0, 1]) == 0  # Simple_GAN has no penalty

    # The table has the figures of the API, the best of them marked.
    figures = [ask(visitor.server, "GET", f"/jobs/{job['id']}")["figures"] for job in runs]
    shown: dict[str, list[str]] = {
        row.locator("th").inner_text(): row.locator("td").all_inner_texts()
        for row in page.locator("#table tbody tr").all()
    }
    for label, name, best in (
        ("modes covered", "modes_fairly_covered", max),
        (QUALITY, "high_quality", max),
        ("reverse KL of the modes", "reverse_kl", min),
    ):
        values = [one[name] for one in figures]
        known = [value for value in values if value is not None]
        marked = [value == best(known) and len(set(known)) > 1 for value in values]
        assert [text.endswith(" best") for text in shown[label]] == marked, (label, values, shown[label])
    assert shown[QUALITY][1].startswith(f"{100 * figures[1]['high_quality']:.1f} %")
    assert shown["steps trained"] == ["200", "100", "100"]
    assert not any("best" in text for text in shown["time"])  # of different lengths

    page.focus("#scrubber")
    page.keyboard.press("Home")
    wait_for_steps(page, 0, 0, 0)
    page.keyboard.press("ArrowRight")
    expect(page.locator("#shown-step")).not_to_have_text("step 0")
    at = int(page.locator("#shown-step").inner_text().removeprefix("step "))
    assert all(0 <= int(step) <= at for step in steps(page))
    assert str(at) in steps(page)

    page.get_by_role("button", name="Compare no longer: slow").click()
    assert with_of(page) == [other["id"]]
    expect(page.locator(".head h3")).to_have_text(["A · long", "B · other GAN"])
    page.locator("#runs li").filter(has_text="other GAN").locator(".run-open").click()  # it becomes the first
    expect(page.locator("#run-title")).to_have_text("other GAN")
    assert with_of(page) == [long["id"]]
    page.get_by_role("button", name="Compare no longer: other GAN").click()
    expect(page.locator("#run-title")).to_have_text("long")
    expect(page.locator("#compare")).to_be_hidden()
    page.go_back()
    expect(page.locator(".head h3")).to_have_text(["A · other GAN", "B · long"])


def test_a_link_compares_the_runs_that_are_left_and_all_are_played(visitor: Visitor, runs: list[Json]) -> None:
    gone = {"id": "0123456789abcdef"}
    page = visitor.blank(failures_expected=True, unused=True)
    page.clock.install()
    page.goto(address(runs[0], gone, runs[2]))
    expect(page.locator("#notice-text")).to_contain_text("Not all runs of this comparison are here any more")
    expect(page.locator(".head")).to_have_count(2)
    assert with_of(page) == [runs[2]["id"]]
    wait_for_steps(page, 200, 100)
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 5)
    page.click("#replay")
    page.clock.run_for(1000)
    at = int(page.locator("#shown-step").inner_text().removeprefix("step "))
    assert 0 < at < 200
    assert all(0 < int(step) <= at for step in steps(page))
    page.clock.run_for(20_000)
    assert steps(page) == ["200", "100"]


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_all_of_a_comparison(visitor: Visitor, runs: list[Json], width: int) -> None:
    page = visitor.open(address(*runs), **PHONE | {"viewport": {"width": width, "height": 844}})
    wait_for_steps(page, 200, 100, 100)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    boxes = [one.bounding_box() for one in page.locator("#panels canvas, #over canvas, #table td, .head button").all()]
    assert all(box and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    pictures = [one.bounding_box() for one in page.locator("#panels canvas").all()]
    assert all(box and box["width"] == pytest.approx(box["height"], abs=1) and box["width"] > 100 for box in pictures)


def test_the_other_two_gans_learn_the_same_points(visitor: Visitor) -> None:
    points = [[i % 7 / 7, i % 11 / 11] for i in range(300)]
    own = ask(visitor.server, "POST", "/jobs", SIMPLE | {"data": {"points": points, "name": "my points"}, "seed": 4})
    lab.trained(visitor.server, own)
    page = visitor.open(address(own))
    stands(page, "succeeded")
    page.click("#others")
    expect(page.locator(".head h3")).to_have_count(3)
    others = [ended(visitor.server, {"id": one}) for one in with_of(page)]
    assert [job["model"] for job in others] == ["wgan_clip", "wgan_gp"]
    same = ("data", "seed", "gen_shape", "epochs", "steps_per_epoch", "batch_size", "learning_rate", "latent_type")
    for job in others:
        assert {name: job[name] for name in same} == {name: own[name] for name in same}
        assert (job["status"], job["preset"], job["first_step"]) == ("succeeded", None, 0)
    wait_for_steps(page, 100, 100, 100)
    assert [head.locator("b").all_inner_texts() for head in page.locator(".head").all()] == [
        ["Simple_GAN"],
        ["WGAN_clip"],
        ["WGAN_GP"],
    ]
    page.goto(address(own))
    stands(page, "succeeded")
    page.click("#others")  # they are there already
    expect(page.locator(".head h3")).to_have_count(3)
    assert with_of(page) == [job["id"] for job in others]


def test_a_fork_goes_on_from_the_line_of_its_parent(visitor: Visitor, runs: list[Json]) -> None:
    parent = runs[0]
    page = visitor.open(address(parent), failures_expected=True)
    stands(page, "succeeded")
    wait_for_steps(page, parent["steps"])
    step = next(one for one in parent["checkpoints"] if 0 < one < 100)
    page.focus("#scrubber")
    while (shown := page.locator("#picture").get_attribute("data-step") or "0") and int(shown) >= 100:
        page.keyboard.press("ArrowLeft")
        expect(page.locator("#picture")).not_to_have_attribute("data-step", shown)
    page.click("#fork")
    expect(page.locator("#fork-text")).to_contain_text("A fork goes on from step ")
    expect(page.locator("#fork-note")).to_be_focused()
    expect(page.locator("#start")).to_have_text("Start the fork")
    assert page.locator("#gen_shape").evaluate("one => one.closest('[inert]') !== null")
    page.click("#no-fork")
    expect(page.locator("#start")).to_have_text("Start training")
    assert page.locator("[inert]").count() == 0

    page.click("#fork")
    page.fill("#learning_rate", "7")
    page.click("#start")
    expect(page.locator("#learning_rate-error")).to_contain_text("got 7")
    page.fill("#learning_rate", "0.0001")
    page.fill("#epochs", "3")
    page.click("#start")
    expect(page.locator(".head h3")).to_have_count(2)
    assert with_of(page) == [parent["id"]]
    fork = ended(visitor.server, {"id": re.findall("job=([0-9a-f]+)", page.url)[0]})
    assert (fork["status"], fork["parent"]["id"], fork["learning_rate"], fork["steps"]) == (
        "succeeded",
        parent["id"],
        0.0001,
        300,
    )
    assert step <= fork["first_step"] < 100
    assert fork["batch_size"] == parent["batch_size"]
    wait_for_steps(page, 300, 200)
    expect(page.locator(".head").first).to_contain_text(f"fork at step {fork['first_step']}")
    page.focus("#scrubber")
    page.keyboard.press("Home")
    expect(page.locator("#empty")).to_have_text(f"It begins at step {fork['first_step']}.")

    # Alone, its losses begin with those of its parent.
    page.goto(address(fork))
    stands(page, "succeeded")
    plot = page.locator("#plot")
    expect(plot).to_be_visible()
    until(lambda: plot.evaluate(PIXELS, ["--made-line", 0.13, 0.2]) > 0)
    assert plot.evaluate(PIXELS, ["--made-line", 0.8, 1]) > 0


def test_what_trains_is_followed_on_one_connection_while_the_page_is_seen(
    visitor: Visitor, server: str, runs: list[Json], start: Start
) -> None:
    training = [start(**SIMPLE | {"epochs": 5_000, "seed": seed}) for seed in (31, 32)]
    page = visitor.blank()
    streams: list[str] = []
    page.on("request", lambda request: streams.append(request.url) if request.resource_type == "eventsource" else None)
    page.goto(address(training[0], training[1], runs[1]))
    expect(page.locator("#panels canvas")).to_have_count(3)
    for picture in page.locator("#panels canvas").all():
        expect(picture).to_have_attribute("data-step", re.compile("^[1-9]"), timeout=lab.TRAINING_MS)
    assert all(training[0]["id"] in url for url in streams)  # a browser has six connections for all its tabs

    page.evaluate(HIDE, True)
    page.evaluate("() => new Promise(requestAnimationFrame)")  # what had come is drawn
    before = steps(page)
    reached = ask(server, "GET", f"/jobs/{training[0]['id']}")["step"]
    until(lambda: ask(server, "GET", f"/jobs/{training[0]['id']}")["step"] > reached + 500)
    assert steps(page)[0] == before[0]
    page.evaluate(HIDE, False)
    until(lambda: all(int(now) > int(then) for now, then in zip(steps(page)[:2], before[:2], strict=True)))
    for job in training:
        ask(server, "POST", f"/jobs/{job['id']}/cancel")
    stands(page, "cancelled")
