"""The lab where jobs need a key: it asks for one, and then is as usual."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Pages, Server, Visitor

pytestmark = pytest.mark.e2e

KEY = "nobody_" + 43 * "k"


@pytest.fixture
def visitor(pages: Pages, tmp_path: Path) -> Iterator[Visitor]:
    """Visit a service that needs a key and trains nothing."""
    running = Server(tmp_path, "uvicorn", "app.main:app", "--port", "0", NOBODY_API_KEYS=f"ada={KEY}")
    visitor = Visitor(pages, running.address)
    yield visitor
    visitor.leave()
    running.stop()
    assert visitor.complaints == []


def test_the_lab_asks_for_the_key(visitor: Visitor) -> None:
    page = visitor.open("/lab", failures_expected=True, unused=True)
    field = page.get_by_label("Key", exact=True)
    field.fill(KEY[1:])
    page.get_by_role("button", name="Use the key").click()
    expect(page.locator("#notice-text")).to_contain_text("not known here")
    field.fill(f" {KEY} ")
    with page.expect_navigation():
        page.get_by_role("button", name="Use the key").click()
    with page.expect_response("**/events*") as stream:
        page.click("#start")
    assert stream.value.status == 200, "the cookie goes with the events"
    expect(page.locator("#studio")).to_have_attribute("data-status", "queued")
    expect(field).to_be_hidden()
    assert KEY not in page.evaluate("document.cookie + JSON.stringify(localStorage)")
