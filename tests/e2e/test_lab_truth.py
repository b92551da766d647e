"""What the lab page says is what the service says: also later, also after an outage, also about unusual runs."""

import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import lab
from tests.e2e.conftest import Pages, Server, Visitor
from tests.e2e.lab import PHONE, SIMPLE, ask, stands

pytestmark = pytest.mark.e2e

#: Every state line that the page has shown.
REMEMBER = """() => {
  window.said = [];
  const line = document.getElementById("run-state");
  new MutationObserver(() => window.said.push(line.textContent)).observe(line, { childList: true });
}"""
#: Whether a canvas is dark at the right end of a circle, given as shares of its width and height.
DARK_AT = """(canvas, [x, y]) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const [left, top] = [Math.round(x * canvas.width) - 2, Math.round((1 - y) * canvas.height)];
  const { data } = copy.getImageData(left, top, 5, 3);
  return Array.from({ length: 15 }, (_, i) => data[4 * i] + data[4 * i + 1] + data[4 * i + 2]).some(sum => sum < 250);
}"""


def run_of(server: str, **settings: Any) -> dict[str, Any]:
    """Train something small."""
    return lab.trained(server, ask(server, "POST", "/jobs", SIMPLE | settings))


def chosen(page: Page) -> str:
    """Give the data that are chosen in the form."""
    return page.locator("#data input:checked").input_value()


def test_a_run_that_somebody_else_starts_or_deletes_comes_and_goes(visitor: Visitor) -> None:
    page = lab.everybodys(visitor.open("/lab", failures_expected=True))
    job = ask(visitor.server, "POST", "/jobs", SIMPLE | {"name": "of somebody else"})
    row = page.locator("#runs li").filter(has_text="of somebody else")
    expect(row).to_contain_text("trained", timeout=lab.TRAINING_MS)
    row.locator(".run-open").click()
    stands(page, "succeeded")
    ask(visitor.server, "DELETE", f"/jobs/{job['id']}")
    expect(row).to_have_count(0)
    expect(page.locator("#watch")).to_be_hidden()


def test_own_points_stay_own_points_in_the_form(visitor: Visitor) -> None:
    points = [[i % 7 / 7, i % 11 / 11] for i in range(300)]
    own = run_of(visitor.server, data={"points": points}, gen_shape=[2, 12, 2])
    fork = lab.trained(visitor.server, ask(visitor.server, "POST", f"/jobs/{own['id']}/fork", {"epochs": 2}))
    page = visitor.blank()
    for job in (own, fork):
        page.goto(f"/lab?job={job['id']}")
        stands(page, "succeeded")
        assert chosen(page) == "own"
        assert page.input_value("#gen_shape") == "2, 12, 2"
        said = page.locator("#own-said")
        expect(said).to_have_text("The 300 points in 2 dimensions of the run that is shown.")
        expect(page.locator("#origin")).to_be_visible(visible=job is fork)
        page.click("#more-settings summary")
        expect(page.locator("#size")).to_be_hidden()
        page.click("#start")  # with the same points, from step 0
        expect(page).not_to_have_url(re.compile(job["id"]))
        stands(page, "succeeded")
        again = ask(visitor.server, "GET", f"/jobs/{page.url[-16:]}")
        assert (again["data"], again["first_step"], again["step"]) == (own["data"], 0, again["steps"])
        page.locator("#data input[value=moons]").check(force=True)
        expect(said).to_be_hidden()
        expect(page.locator("#size")).to_be_visible()
    page = visitor.open("/lab?data=own&job=0123456789abcdef", failures_expected=True)
    expect(page.locator("#settings-error")).to_contain_text("neither are its points")
    assert chosen(page) == "own"


@pytest.mark.parametrize(
    ("settings", "fields"),
    [
        ({"data": {"name": "ring8", "size": 500, "noise": 0.03}}, {"data": "ring8", "size": "500", "noise": "0.03"}),
        ({"data": {"name": "circle", "noise": 0}, "seed": 7}, {"data": "circle", "noise": "0", "seed": "7"}),
        (
            {"model": "wgan_clip", "clip": 0.1, "latent_type": "uniform", "disc_iter": 3, "name": "mine"},
            {"model": "wgan_clip", "clip": "0.1", "latent_type": "uniform", "disc_iter": "3", "name": "mine"},
        ),
        (
            {"model": "wgan_gp", "lambda_gp": 3, "batch_size": 50, "steps_per_epoch": 7},
            {"model": "wgan_gp", "lambda_gp": "3", "batch_size": "50"},
        ),
    ],
)
def test_the_form_shows_the_run_and_start_repeats_it(
    visitor: Visitor, settings: dict[str, Any], fields: dict[str, str]
) -> None:
    job = run_of(visitor.server, **settings)
    page = visitor.open(f"/lab?model=wgan_gp&epochs=99&job={job['id']}")  # whatever else the address says
    stands(page, "succeeded")
    for name, value in fields.items():
        assert chosen(page) == value if name == "data" else page.input_value(f"#{name}") == value
    with page.expect_response("**/jobs") as answer:
        page.click("#start")
    again = answer.value.json()
    told = ("model", "data", "gen_shape", "latent_type", "epochs", "steps_per_epoch", "batch_size", "learning_rate")
    for name in (*told, "lambda_gp", "clip", "disc_iter", "seed", "name"):
        assert again[name] == job[name], name
    stands(page, "succeeded")


@pytest.mark.parametrize(
    "screen", [PHONE, {"viewport": {"width": 640, "height": 400}}, {"viewport": {"width": 1280, "height": 800}}]
)
def test_a_shared_link_opens_on_the_picture(visitor: Visitor, screen: dict[str, Any]) -> None:
    job = run_of(visitor.server)
    page = visitor.open(f"/lab?job={job['id']}", **screen)
    stands(page, "succeeded")
    expect(page.locator("#picture")).to_be_in_viewport(ratio=0.99)
    page.goto("/lab")
    expect(page.locator("#runs-empty")).to_be_visible()
    assert page.evaluate("scrollY") == 0


def test_seconds_of_compiling_are_called_so(visitor: Visitor) -> None:
    page = visitor.open("/lab?data=circle&gen_shape=3,7,9,2&epochs=2")  # which nobody has trained before
    page.evaluate(REMEMBER)
    page.click("#start")
    expect(page.locator("#run-pace")).to_contain_text("compiling: the training step", timeout=lab.TRAINING_MS)
    stands(page, "succeeded")
    said = page.evaluate("window.said")
    stages = [line.rpartition(" · ")[2] for line in said]
    assert stages[-1] == "trained"
    assert "compiling" in stages
    assert "training" not in stages[: stages.index("compiling")]


def test_a_saturated_run_says_that_nothing_is_learnt(visitor: Visitor) -> None:
    job = run_of(visitor.server, learning_rate=1, name="too fast")
    page = visitor.open(f"/lab?job={job['id']}")
    stands(page, "succeeded")
    warning = page.locator("#run-warning")
    expect(warning).to_contain_text("The discriminator is saturated since step")
    expect(warning).to_contain_text("try a smaller learning_rate")
    expect(warning).to_have_attribute("role", "status")
    expect(page.locator("#run-state")).to_have_text(re.compile("trained · saturated$"))
    lab.everybodys(page)
    expect(page.locator("#runs li").filter(has_text="too fast")).to_contain_text("trained · saturated")

    healthy = run_of(visitor.server, name="in good health")
    page.locator("#runs li").filter(has_text="in good health").locator(".run-open").click()
    expect(page.locator("#run-title")).to_have_text("in good health")
    assert healthy["warnings"] == {}
    expect(warning).to_be_hidden()
    expect(page.locator("#run-state")).to_have_text(re.compile("trained$"))


@pytest.mark.parametrize(("noise", "radius"), [(None, 0.15), (0.06, 0.18)])
def test_circles_are_three_sigma_and_what_covered_means_is_said(
    visitor: Visitor, noise: float | None, radius: float
) -> None:
    job = run_of(visitor.server, data={"name": "four_clouds", "noise": noise, "size": 300})
    page = visitor.open(f"/lab?job={job['id']}")
    stands(page, "succeeded")
    canvas = page.locator("#picture")
    expect(canvas).to_have_attribute("data-step", "100")
    for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        assert canvas.evaluate(DARK_AT, [x + radius, y])
    figures = page.locator("#figures")
    expect(figures).to_contain_text("modes covered")
    expect(figures).to_contain_text(f"{job['figures']['modes_fairly_covered']} of 4")
    expect(page.locator("#figures-help")).to_contain_text("at least a quarter of its part")
    expect(page.locator("#near")).to_contain_text("around a mode, dashed: not covered")


def test_without_modes_nothing_is_said_of_circles(visitor: Visitor) -> None:
    job = run_of(visitor.server)
    page = visitor.open(f"/lab?job={job['id']}")
    stands(page, "succeeded")
    expect(page.locator("#legend")).to_be_visible()
    expect(page.locator("#near")).to_be_hidden()
    expect(page.locator("#figures-help")).to_be_hidden()


@pytest.mark.parametrize("lost", ["snapshots", "real.json", "."])
def test_a_run_whose_files_were_deleted_shows_what_is_left(visitor: Visitor, shared_server: Server, lost: str) -> None:
    job = run_of(visitor.server)
    path = shared_server.data / "jobs" / job["id"] / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    page = visitor.open(f"/lab?job={job['id']}", failures_expected=True)
    stands(page, "succeeded")
    expect(page.locator("#losses div")).to_have_count(2)
    if lost == "real.json":
        expect(page.locator("#picture")).to_have_attribute("data-step", "100")
    else:
        expect(page.locator("#empty")).to_have_text("The pictures of this run are gone: its files were deleted.")
    ask(visitor.server, "DELETE", f"/jobs/{job['id']}")  # lists of others could not show a picture of it


@pytest.fixture
def guest(pages: Pages, own_server: Server) -> Iterator[Visitor]:
    """Visit a service that stops and starts again."""
    visitor = Visitor(pages, own_server.address)
    yield visitor
    visitor.leave()
    assert visitor.complaints == []


def test_after_a_restart_of_the_server_no_word_of_the_outage_is_left(guest: Visitor, own_server: Server) -> None:
    job = ask(guest.server, "POST", "/jobs", SIMPLE | {"epochs": 8_000, "name": "long"})
    page = lab.everybodys(guest.open(f"/lab?job={job['id']}", failures_expected=True, unused=True))
    stands(page, "running")
    expect(page.locator("#run-pace")).to_contain_text("steps/s", timeout=lab.TRAINING_MS)
    own_server.stop()
    silence = "The server cannot be reached."
    expect(page.locator("#runs-error")).to_have_text(silence)
    expect(page.locator("#run-pace")).to_contain_text("The connection is lost")
    page.click("#pause")
    expect(page.locator("#run-error")).to_have_text(silence)
    page.click("#save-history")
    expect(page.locator("#take-error")).to_have_text(silence)
    page.click("#start")
    expect(page.locator("#settings-error")).to_have_text(silence)
    own_server.start()

    expect(page.locator("#runs-error")).to_be_hidden()
    expect(page.locator("#run-pace")).to_contain_text("steps/s", timeout=lab.TRAINING_MS)
    for box in ("#run-error", "#take-error", "#settings-error"):
        expect(page.locator(box)).not_to_contain_text("cannot be reached")
    expect(page.get_by_text(silence)).to_have_count(0)
    page.click("#cancel")
    stands(page, "cancelled")
    expect(page.locator("#run-error")).to_be_hidden()
    expect(page.locator("#runs li").filter(has_text="long")).to_contain_text("cancelled")


def test_a_server_that_stands_still_is_missed_and_welcomed_back(
    visitor: Visitor, shared_server: Server, start: Callable[..., dict[str, Any]]
) -> None:
    job = start(**SIMPLE | {"epochs": 8_000, "name": "long"})
    page = lab.everybodys(visitor.open(f"/lab?job={job['id']}", failures_expected=True))
    stands(page, "running")
    page.click("#pause")  # meanwhile, it need not train
    stands(page, "paused")
    os.kill(shared_server.process.pid, signal.SIGSTOP)
    try:
        expect(page.locator("#run-pace")).to_contain_text("The connection is lost")
        expect(page.locator("#runs-error")).to_have_text("The server takes too long to answer.")
    finally:
        os.kill(shared_server.process.pid, signal.SIGCONT)
    expect(page.locator("#runs-error")).to_be_hidden()
    expect(page.locator("#run-pace")).to_contain_text("step")
    page.click("#cancel")
    stands(page, "cancelled")


def test_a_link_that_is_opened_during_an_outage_shows_its_run_afterwards(visitor: Visitor) -> None:
    job = run_of(visitor.server, data={"name": "moons"}, seed=9)
    page = visitor.blank(failures_expected=True)
    page.route(re.compile("/jobs"), lambda route: route.abort())
    page.goto(f"/lab?job={job['id']}")
    expect(page.locator("#notice-text")).to_have_text("The server cannot be reached.")
    page.unroute_all()
    stands(page, "succeeded")
    expect(page.locator("#notice-text")).to_have_text("")
    assert chosen(page) == "moons"
    assert page.input_value("#seed") == "9"
