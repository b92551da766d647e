"""The API page: Swagger UI in a real browser against a real server."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Visitor
from tests.e2e.lab import PHONE

pytestmark = pytest.mark.e2e


def opened(page: Page, method: str, path: str) -> Locator:
    """Unfold a call and return it."""
    call = page.locator(f".opblock-{method.lower()}").filter(has=page.locator(f'[data-path="{path}"]'))
    call.locator(".opblock-summary-control").click()
    return call


def fill(call: Locator, name: str, value: str) -> None:
    """Fill in a parameter, or a field of a form."""
    call.locator(f'tr[data-param-name="{name}"], tr[data-property-name="{name}"]').locator("input, textarea").fill(
        value
    )


def send(call: Locator, status: int) -> Locator:
    """Send a call, check the status of its answer and return the answer."""
    call.get_by_role("button", name="Execute").click()
    answer = call.locator(".live-responses-table tbody tr").first
    expect(answer.locator(".response-col_status")).to_have_text(re.compile(rf"^{status}"))
    return answer


def test_every_call_is_listed(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    document = page.request.get("/openapi.json").json()
    listed = page.locator(".opblock-summary-path").evaluate_all("paths => paths.map(path => path.dataset.path)")
    assert sorted(listed) == sorted(path for path, calls in document["paths"].items() for _ in calls)
    expect(page.get_by_role("heading", name="Errors")).to_have_count(0)  # every reference is found


@pytest.mark.parametrize(("options", "scheme"), [({}, "light"), (PHONE, "dark")])
def test_the_page_fits_follows_the_colour_scheme_and_leads_back(
    visitor: Visitor, options: dict[str, Any], scheme: str
) -> None:
    page = visitor.open("/docs", **options, color_scheme=scheme)
    expect(page.locator(".opblock").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    level = page.locator(".info p").first.evaluate("text => Number(getComputedStyle(text).color.match(/\\d+/)[0])")
    assert (level > 128) == (scheme == "dark")
    page.get_by_role("link", name="Faces", exact=True).click()
    expect(page.locator("#portrait")).to_be_visible()


def test_a_picture_is_asked_for_and_shown(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    call = opened(page, "GET", "/sample")
    fill(call, "seed", "7")
    fill(call, "size", "64")
    picture = send(call, 200).locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async image => { await image.decode(); return image.naturalWidth; }") == 64


def test_a_refusal_is_shown(visitor: Visitor) -> None:
    page = visitor.open("/docs", failures_expected=True)
    call = opened(page, "GET", "/sample")
    fill(call, "weights", "000000000000")
    expect(send(call, 404)).to_contain_text('"detail": "expected weights=')


def test_a_job_is_sent_as_json_and_as_a_file_and_read_back(visitor: Visitor, tmp_path: Path) -> None:
    page = visitor.open("/docs")
    call = opened(page, "POST", "/jobs")
    expect(send(call, 202)).to_contain_text('"name": "four_clouds"')

    call.get_by_label("Request content type").select_option("multipart/form-data")
    points = tmp_path / "points.csv"
    points.write_text("0,1\n1,0\n" * 50)
    fill(call, "job", '{"model": "wgan_gp", "batch_size": 50}')
    call.locator("input[type=file]").set_input_files(points)
    answer = send(call, 202)
    expect(answer).to_contain_text('"rows": 100')
    found = re.search(r"/jobs/([0-9a-f]{16})", answer.inner_text())  # its Location
    assert found is not None

    cancel = opened(page, "POST", "/jobs/{job_id}/cancel")
    fill(cancel, "job_id", found[1])
    send(cancel, 202)
    events = opened(page, "GET", "/jobs/{job_id}/events")
    fill(events, "job_id", found[1])
    expect(send(events, 200)).to_contain_text('"status": "queued"')
