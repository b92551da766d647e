"""The lab page while both workers are busy and more runs wait than its list shows."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e import lab
from tests.e2e.conftest import Visitor
from tests.e2e.lab import ask

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def busy(server: str) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """Keep both workers training while fifteen runs wait."""

    def submit(**settings: Any) -> dict[str, Any]:
        job: dict[str, Any] = ask(
            server, "POST", "/jobs", {"model": "simple_gan", "data": {"name": "circle"}, **settings}
        )
        return job

    running = [submit(epochs=10_000, name=f"running {i}") for i in range(2)]
    # A process that is cancelled while it compiles is killed, and the next one has to load TensorFlow.
    lab.until(lambda: all(ask(server, "GET", f"/jobs/{job['id']}")["step"] > 0 for job in running))
    waiting = [submit(epochs=1, seed=i, name=f"waiting {i}") for i in range(15)]
    yield {"running": running, "waiting": waiting}
    for job in [*reversed(waiting), *running]:
        ask(server, "POST", f"/jobs/{job['id']}/cancel")


def test_the_place_in_the_queue_counts_down(visitor: Visitor, busy: dict[str, list[dict[str, Any]]]) -> None:
    last = busy["waiting"][-1]
    page = visitor.open(f"/lab?job={last['id']}")
    pace = page.locator("#run-pace")
    expect(pace).to_contain_text("· 14 before it")
    expect(pace).to_contain_text("· starts in about ")
    for job in busy["waiting"][:5]:
        ask(visitor.server, "POST", f"/jobs/{job['id']}/cancel")
    expect(pace).to_contain_text("· 9 before it")


def test_running_jobs_lead_the_list_however_many_wait(visitor: Visitor, busy: dict[str, list[dict[str, Any]]]) -> None:
    page = lab.everybodys(visitor.open("/lab"))
    titles = page.locator("#runs .run-title")
    expect(titles.nth(0)).to_have_text("running 1", timeout=lab.TRAINING_MS)
    expect(titles.nth(1)).to_have_text("running 0", timeout=lab.TRAINING_MS)
    expect(titles.nth(2)).to_have_text("waiting 14")
    page.click("#more-runs")
    expect(titles.filter(has_text=re.compile("^waiting 0$"))).to_have_count(1)
    expect(titles.filter(has_text="running")).to_have_count(2)


def test_the_run_that_is_shown_is_in_the_list_however_old(
    visitor: Visitor, busy: dict[str, list[dict[str, Any]]]
) -> None:
    old = busy["waiting"][0]
    page = lab.everybodys(visitor.open(f"/lab?job={old['id']}"))
    expect(page.locator("#runs [aria-current] .run-title")).to_have_text("waiting 0")
