"""Runs on the lab page are kept, found, named, shared, deleted and taken along."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import SIMPLE, TRAINING_MS, ask, stands, trained, until

pytestmark = pytest.mark.e2e

#: How many pixels of a canvas are painted.
PAINTED = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, i) => i % 4 === 3 && value > 0).length;
}"""


def owner_of(page: Page) -> str:
    """Give what stands for a page's browser."""
    found: str = page.evaluate("localStorage.getItem('nobody-owner')")
    return found


def runs_of(server: str, owner: str, *names: str, **settings: Any) -> list[dict[str, Any]]:
    """Train something small for an owner, a run for each name."""
    jobs = [ask(server, "POST", "/jobs", SIMPLE | settings | {"owner": owner, "name": name}) for name in names]
    return [trained(server, job) for job in jobs]


def row(page: Page, name: str) -> Locator:
    """Find a run in the list."""
    return page.locator("#runs li", has=page.locator(".run-title", has_text=re.compile(f"^{re.escape(name)}$")))


def test_runs_are_named_found_and_seen_by_keyboard_alone(visitor: Visitor, server: str) -> None:
    page = visitor.open("/lab", failures_expected=True)
    owner = owner_of(page)
    runs_of(server, owner, "the first")
    _, last = runs_of(server, owner, "the second", "the third", seed=3)
    runs_of(server, "somebody else", "of others")
    expect(row(page, "the third")).to_contain_text("trained", timeout=TRAINING_MS)
    expect(row(page, "of others")).to_have_count(0)

    # What differs from the run below is bold, and each has a picture of what it makes.
    expect(row(page, "the second").locator("b")).to_have_text(["seed 3"])
    expect(row(page, "the third").locator("b")).to_have_count(0)
    expect(row(page, "the third").locator(".run-facts")).to_have_text("Simple_GAN · circle · seed 3 · epochs 1")
    for name in ("the first", "the third"):
        row(page, name).scroll_into_view_if_needed()
        expect(row(page, name).locator("canvas")).to_be_visible()
        assert row(page, name).locator("canvas").evaluate(PAINTED) > 50

    page.get_by_role("button", name="Rename the third").focus()
    page.keyboard.press("Enter")
    field = page.get_by_role("textbox", name="New name of the third")
    expect(field).to_be_focused()
    page.keyboard.type("x")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Rename the third")).to_be_focused()
    page.keyboard.press("Enter")
    assert field.input_value() == "the third"
    page.route(f"**/jobs/{last['id']}", lambda route: route.fulfill(status=422, json={"detail": "name: too odd"}))
    page.keyboard.type("<b>Größe</b>")
    page.keyboard.press("Enter")
    error = row(page, "the third").get_by_role("alert")
    expect(error).to_have_text("name: too odd")
    assert field.input_value() == "<b>Größe</b>"  # nothing is lost
    page.unroute_all()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Rename <b>Größe</b>")).to_be_focused()
    assert ask(server, "GET", f"/jobs/{last['id']}")["name"] == "<b>Größe</b>"

    page.focus("#search")
    page.keyboard.type("GRÖSSE simple")
    expect(page.locator("#runs li")).to_have_count(1)
    expect(page.locator("#status")).to_have_text("1 runs found.")
    page.keyboard.type(" of nobody")
    expect(page.locator("#runs-unfound")).to_be_visible()
    page.fill("#search", "")
    expect(page.locator("#runs li")).to_have_count(3)
    expect(page.locator("#runs-unfound")).to_be_hidden()

    # Without a name, it is called what it is.
    row(page, "<b>Größe</b>").get_by_role("button", name="Rename").click()
    page.get_by_role("textbox", name="New name of").fill("")
    page.focus("#search")  # which saves, too
    expect(row(page, "Simple_GAN, circle")).to_have_count(1)


def test_several_runs_are_deleted_unless_that_is_undone(visitor: Visitor, server: str) -> None:
    page = visitor.blank(unused=True)
    page.clock.install()
    page.goto("/lab")
    owner = owner_of(page)
    jobs = runs_of(server, owner, "one", "two", "three")
    kept = {job["name"]: job["id"] for job in jobs}
    page.goto(f"/lab?job={kept['two']}")
    stands(page, "succeeded")
    expect(row(page, "three")).to_be_visible()
    page.clock.pause_at(page.evaluate("Date.now()") / 1000 + 1)  # however slow this machine is

    def left() -> set[str]:
        return {job["name"] for job in ask(server, "GET", f"/jobs?owner={owner}")["jobs"]}

    def delete(*names: str) -> None:
        for name in names:
            page.get_by_role("checkbox", name=f"Select {name}", exact=True).check()
        expect(page.locator("#selection-text")).to_have_text(f"{len(names)} selected")
        page.click("#delete-selected")
        expect(page.locator("#selection-text")).to_have_text(f"{len(names)} deleted")
        expect(page.locator("#runs li")).to_have_count(3 - len(names))

    delete("one", "two")
    page.clock.run_for(100)
    expect(page.locator("#watch")).to_be_hidden()  # the run that was shown is among them
    expect(page.locator("#undo-delete")).to_be_focused()
    with page.expect_response("**/jobs?*"):
        page.evaluate("dispatchEvent(new Event('online'))")  # the list is brought up to date
    expect(page.locator("#runs li")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#runs li")).to_have_count(3)
    expect(page.locator("#selection")).to_be_hidden()
    assert left() == {"one", "two", "three"}

    delete("one")
    with page.expect_response(lambda answer: answer.request.method == "DELETE"):
        page.clock.run_for(10_500)
    expect(page.locator("#selection")).to_be_hidden()
    assert left() == {"two", "three"}
    page.clock.resume()
    page.reload()
    expect(page.locator("#runs li")).to_have_count(2)

    page.get_by_role("checkbox", name="Select two", exact=True).focus()
    page.keyboard.press("Space")
    page.focus("#delete-selected")
    page.keyboard.press("Enter")
    expect(row(page, "two")).to_have_count(0)
    page.goto("/")  # who leaves has made up their mind
    until(lambda: left() == {"three"})


def test_a_link_opens_the_same_run_for_others_to_look_at(
    visitor: Visitor, server: str, start: Callable[..., dict[str, Any]]
) -> None:
    mine = visitor.open("/lab?data=circle&model=simple_gan&epochs=1&seed=21")
    mine.click("#start")
    stands(mine, "succeeded")
    long = start(**SIMPLE | {"epochs": 5_000, "owner": owner_of(mine), "name": "long"})
    until(lambda: ask(server, "GET", f"/jobs/{long['id']}")["step"] > 0)

    other = visitor.open(mine.url, unused=True, permissions=["clipboard-read", "clipboard-write"])
    stands(other, "succeeded")
    content = []
    for page in (mine, other):
        with page.expect_download() as download:
            page.click("#save-history")
        content.append(download.value.path().read_bytes())
    assert content[0] == content[1]
    assert len(content[0].splitlines()) == 101
    assert other.input_value("#seed") == "21"
    expect(other.locator("#foreign")).to_contain_text("Somebody else’s run")
    expect(mine.locator("#foreign")).to_be_hidden()
    expect(other.locator("#runs li")).to_have_count(0)
    assert owner_of(mine) not in other.content()

    # As a program, for everybody.
    with other.expect_download() as download:
        other.click("#save-script")
    assert "gan = build(settings, real, seed)" in download.value.path().read_text()
    other.click("#copy-command")
    expect(other.locator("#copy-command")).to_have_text("Copied")
    assert other.evaluate("navigator.clipboard.readText()").startswith(f"curl {server}/jobs -H ")

    steering = ["#pause", "#resume", "#cancel", "#step", "#half-step"]
    other.goto(f"/lab?job={long['id']}")
    stands(other, "running")
    expect(other.locator("#foreign")).to_be_visible()
    for button in steering:
        expect(other.locator(button)).to_be_hidden()
    other.select_option("#whose", "all")
    expect(other.locator("#foreign")).to_be_hidden()
    expect(row(other, "long")).to_contain_text("somebody else’s")
    expect(other.locator("#runs li").first).to_contain_text("long")  # what runs comes first
    other.reload()
    stands(other, "running")
    assert other.input_value("#whose") == "all"  # it is remembered
    other.click("#cancel")
    stands(other, "cancelled")
    other.select_option("#whose", "mine")
    expect(other.locator("#runs li")).to_have_count(0)

    with other.expect_response("**/jobs") as answer:
        other.click("#train-own")
    own = answer.value.json()
    assert (own["owner"], own["epochs"]) == (owner_of(other), 5_000)
    stands(other, "running")
    expect(other.locator("#foreign")).to_be_hidden()
    other.click("#cancel")
    stands(other, "cancelled")
