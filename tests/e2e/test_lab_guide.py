"""What the lab page explains: its words, what the numbers say, and what went wrong."""

import gzip
import json
import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.e2e import lab
from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE, SIMPLE, ask, stands
from tests.e2e.record_example import PATH

pytestmark = pytest.mark.e2e

#: What is said at each picture of a run.
CAPTIONS = """async id => {
  const { Run } = await import("/static/js/lab/run.js");
  const { captionsOf } = await import("/static/js/lab/captions.js");
  const get = async (path) => (await fetch(`/jobs/${id}${path}`, { headers: { accept: "application/json" } })).json();
  const run = new Run(await get(""));
  for (let after = 0, news = true; news; ) {
    const { events } = await get(`/events?after=${after}`);
    // What the service says of the job as a whole is newer.
    for (const { event, data } of events) if (!["state", "warnings"].includes(event)) run.hear(event, data);
    after = events.at(-1)?.id;
    news = events.length > 0;
  }
  return run.frames.map((_, i) => captionsOf(run, i).join(" "));
}"""


# --- words -----------------------------------------------------------------------------------------------------------


def test_every_word_is_explained_to_touch_and_keyboard(visitor: Visitor) -> None:
    page = visitor.open("/lab")
    page.click("#more-settings summary")
    words = page.locator(".term:visible")
    card = page.locator("#term")
    assert words.count() > 12
    for word in words.all():
        word.click()
        expect(card).to_be_visible()
        assert len(card.inner_text()) > 40
        page.keyboard.press("Escape")

    epochs, steps = (page.locator(f"label[for={name}] + .term") for name in ("epochs", "steps_per_epoch"))
    expect(epochs).to_have_accessible_name("What is meant by “Epoch”?")
    epochs.focus()
    page.keyboard.press("Enter")
    expect(card).to_be_focused()  # so it is read out
    expect(card).to_have_accessible_name("Epoch")
    page.keyboard.press("Escape")
    expect(card).to_be_hidden()
    expect(epochs).to_be_focused()
    page.keyboard.press("Enter")
    steps.press("Enter")  # the other one takes its place
    expect(card).to_have_accessible_name("Step")
    expect(card).to_be_visible()

    phone = visitor.open("/lab", **PHONE)
    phone.locator("label[for=seed] + .term").tap()
    inside(phone, "#term")
    phone.locator("#title").tap()
    expect(phone.locator("#term")).to_be_hidden()


def inside(page: Page, selector: str) -> None:
    """Check that something lies within the window."""
    expect(page.locator(selector)).to_be_in_viewport(ratio=1)


# --- what the numbers say --------------------------------------------------------------------------------------------

#: Stories that take some seconds; the others take a minute or more, and ``nobody toys`` measures them.
STORIES = ["ring8_least_squares", "ring8_clipping", "ring8_penalty", "circle_exercise", "four_clouds_exercise"]
RUNS: dict[str, dict[str, Any]] = {
    **{name: {"preset": name} for name in STORIES},
    "moons": {"preset": "ring8_penalty", "data": {"name": "moons", "size": 10_000}, "generator_gain": 1, "epochs": 4},
    "tight": {"preset": "ring8_clipping", "clip": 0.02, "epochs": 3},
    "fast": SIMPLE | {"learning_rate": 1},
}
#: For each sentence a run of which it is said at some picture, and one of which it never is.
SAID = [
    ("all scores at ±1, nothing is learnt any more", "ring8_clipping", "ring8_penalty"),
    ("Untrained: the points lie where chance has put them.", "fast", None),
    ("of 8 modes: collapse", "ring8_least_squares", "ring8_penalty"),
    ("The discriminator is far ahead", "ring8_least_squares", "circle_exercise"),
    ("All 8 modes are found, and few points lie elsewhere.", "ring8_penalty", "ring8_least_squares"),
    ("All 8 modes are found, but many points still lie between them.", "ring8_penalty", "ring8_clipping"),
    ("its landscape is one slope", "tight", "ring8_clipping"),
    ("the penalty has yet to get hold of it", "moons", "circle_exercise"),
    ("The distance still falls.", "moons", "fast"),
    ("The penalty holds the slope near 1.", "ring8_penalty", "tight"),
    ("Losses hover: that is what equilibrium looks like", "circle_exercise", "fast"),
]


@pytest.fixture(scope="module")
def trained(server: str) -> dict[str, dict[str, Any]]:
    """Train the runs."""
    jobs = {name: ask(server, "POST", "/jobs", settings) for name, settings in RUNS.items()}
    return {name: lab.trained(server, job) for name, job in jobs.items()}


@pytest.fixture(scope="module")
def small(server: str) -> dict[str, Any]:
    """Train something small to look at."""
    return lab.trained(server, ask(server, "POST", "/jobs", SIMPLE))


@pytest.fixture(scope="module")
def said(server: str, browser: Browser, trained: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Let the page say what the numbers of each run say, picture by picture."""
    page = browser.new_page(base_url=server)
    page.goto("/docs")  # a page that may load our modules, and loads none of them itself
    found = {name: page.evaluate(CAPTIONS, job["id"]) for name, job in trained.items()}
    page.close()
    return found


@pytest.mark.parametrize(("sentence", "one", "other"), SAID)
def test_a_sentence_is_said_where_it_is_true(
    said: dict[str, list[str]], sentence: str, one: str, other: str | None
) -> None:
    assert any(sentence in text for text in said[one])
    if other is None:  # of every run, but only at its first picture
        assert [sentence in text for text in said[one]] == [True, *[False] * (len(said[one]) - 1)]
    else:
        assert not any(sentence in text for text in said[other])


def test_what_is_said_does_not_flicker(said: dict[str, list[str]]) -> None:
    for texts in said.values():
        alone = sum(before == after != text for before, text, after in zip(texts, texts[1:], texts[2:], strict=False))
        assert alone <= len(texts) / 10, texts


def test_sentences_about_the_end(visitor: Visitor, small: dict[str, Any]) -> None:
    """Networks that a request may ask for do not diverge; so the service's word is changed."""
    job, diverged = small, "gen_loss became nan at step 3; try a smaller learning_rate"
    for changes, text in (
        ({"status": "failed", "error": diverged}, "Diverged: a loss is no longer a number"),
        ({"warnings": {"generator_constant": "… since step 20"}}, "one and the same point of all random numbers"),
    ):
        page = visitor.open("/docs")
        answers(page, job | changes)
        texts = page.evaluate(CAPTIONS, job["id"])
        assert text in texts[-1]
        assert text not in texts[0]


def answers(page: Page, job: dict[str, Any]) -> None:
    """Let the service say this of a job."""
    page.route("**/jobs?*", lambda route: route.fulfill(json={"jobs": [job], "next": None}))
    page.route(f"**/jobs/{job['id']}", lambda route: route.fulfill(json=job))


# --- stories ---------------------------------------------------------------------------------------------------------


def test_stories_reach_what_their_texts_say(trained: dict[str, dict[str, Any]], said: dict[str, list[str]]) -> None:
    figures = {name: job["figures"] for name, job in trained.items()}
    assert figures["ring8_least_squares"]["modes_fairly_covered"] <= 6
    assert figures["ring8_least_squares"]["high_quality"] > 0.8
    assert "discriminator_saturated" in trained["ring8_clipping"]["warnings"]
    assert trained["ring8_clipping"]["losses"]["discr_loss"] == pytest.approx(0, abs=1e-3)
    assert figures["ring8_penalty"]["modes_fairly_covered"] == 8
    assert figures["ring8_penalty"]["high_quality"] > 0.9
    losses = trained["circle_exercise"]["losses"]
    assert (losses["discr_loss"], losses["gen_loss"]) == (pytest.approx(2, abs=0.3), pytest.approx(1, abs=0.3))
    assert figures["circle_exercise"]["sliced_wasserstein"] > 0.03  # it never closes to a ring
    assert figures["four_clouds_exercise"]["high_quality"] < 0.9


# --- what went wrong -------------------------------------------------------------------------------------------------

AGAIN = "Start again with "
REMEDIES = [
    ("discr_loss became nan at step 3; try a smaller learning_rate", "learning rate 0.0005", {"learning_rate": 5e-4}),
    (
        "the job took more than 1,024 MiB of memory; take a smaller network",
        "half as wide layers and half the batch",
        {"gen_shape": [1, 5, 5, 2], "batch_size": 100},
    ),
    ("the job trained for 60 seconds, the most a job may; …", "fewer steps", {"epochs": 1, "steps_per_epoch": 45}),
    ("the worker failed unexpectedly (OSError); its log says why", "", {"learning_rate": 0.005, "epochs": 1}),
]


@pytest.mark.parametrize(("error", "remedy", "changes"), REMEDIES)
def test_a_failed_run_says_what_to_change_and_does_it(
    visitor: Visitor, small: dict[str, Any], error: str, remedy: str, changes: dict[str, Any]
) -> None:
    job = small | {"status": "failed", "error": error, "step": 50}
    page = visitor.blank()
    answers(page, job)
    page.goto(f"/lab?job={job['id']}")
    expect(page.locator("#run-error")).to_have_text(error)
    expect(page.locator("#remedy")).to_have_text(AGAIN + remedy if remedy else "Start again")
    with page.expect_response(
        lambda answer: answer.url.endswith("/jobs") and answer.request.method == "POST"
    ) as answer:
        page.unroute("**/jobs?*")
        page.click("#remedy")
    again = answer.value.json()
    assert {name: again[name] for name in changes} == changes
    assert (again["data"], again["seed"], again["model"]) == (job["data"], job["seed"], job["model"])
    stands(page, "succeeded")
    expect(page.locator("#remedy")).to_be_hidden()


def answer_to(request: Request) -> Any:
    """Give what the service answered."""
    answer = request.response()
    assert answer is not None
    return answer.json()


# --- at first sight --------------------------------------------------------------------------------------------------


def test_an_example_plays_until_a_run_is_started(visitor: Visitor) -> None:
    asked: list[str] = []
    page = visitor.blank()
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/lab")
    captions, picture = page.locator("#captions"), page.locator("#picture")
    expect(captions).to_contain_text("An example that was trained earlier")
    expect(page.locator("#studio")).to_have_attribute("data-status", "example")
    expect(picture).to_have_attribute("data-step", re.compile("[1-9]"))
    expect(page.locator("#replay")).to_have_text("Stop")
    expect(picture).to_have_attribute("data-step", "2000")  # and that is the end
    expect(page.locator("#replay")).to_have_text("Replay")
    expect(captions).to_contain_text("All 8 modes are found")
    expect(page.locator("#figures")).to_contain_text("8 of 8")
    expect(page.locator("#watch")).to_be_hidden()
    assert not any(re.search("/jobs/.*(events|history)", url) for url in asked)

    page.locator("#data input[value=circle]").check(force=True)
    page.click("#more-settings summary")
    page.fill("#epochs", "1")
    page.click("#start")
    stands(page, "succeeded")
    expect(captions).not_to_contain_text("An example")


def test_the_example_stands_still_where_less_motion_is_asked_for(visitor: Visitor) -> None:
    page = visitor.open("/lab", reduced_motion="reduce")
    expect(page.locator("#picture")).to_have_attribute("data-step", "2000")
    expect(page.locator("#replay")).to_have_text("Replay")


def test_the_recorded_example_is_a_story() -> None:
    recorded = json.loads(gzip.decompress(PATH.read_bytes()))
    last = recorded["snapshots"][-1]
    assert last["figures"]["modes_fairly_covered"] == 8
    assert recorded["job"]["steps"] == last["step"] == 2_000
    assert len({len(picture["points"]) for picture in recorded["snapshots"]}) == 1


# --- while one waits -------------------------------------------------------------------------------------------------


def test_what_is_waited_for_moves_and_counts(visitor: Visitor) -> None:
    page = visitor.open("/lab?data=circle&gen_shape=2,6,7,2&epochs=1")  # which nobody has trained before
    page.evaluate("""() => {
      const [pace, progress] = ["run-pace", "progress"].map((id) => document.getElementById(id));
      window.paces = [];
      const note = () => window.paces.push([pace.textContent, progress.matches(":indeterminate")]);
      new MutationObserver(note).observe(pace, { childList: true });
    }""")
    page.click("#start")
    stands(page, "succeeded")
    paces = page.evaluate("window.paces")
    waits = [text for text, moves in paces if moves]
    assert any(re.search(r"compiling: .* · \d+ s$", text) for text in waits)
    assert not any("steps/s" in text for text in waits)
    expect(page.locator("#progress")).to_have_js_property("value", 100)
