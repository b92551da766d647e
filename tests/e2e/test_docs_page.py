"""The page of the API, in a real browser against a real server."""

import json
import re
import shlex
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.conftest import Visitor

pytestmark = pytest.mark.e2e

NUMBER = {"type": "number"}
PROBLEM = {
    "$defs": {"Fault": {"type": "object", "properties": {"where": {"type": "string"}}}},
    "type": "object",
    "properties": {"detail": {"type": "string"}, "faults": {"type": "array", "items": {"$ref": "#/$defs/Fault"}}},
}
#: Another service's API, with what ours does not have (yet).
OTHER: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Other <b>bold</b>", "version": "7", "description": "Says `so`.\n\n- one\n- two"},
    "tags": [{"name": "jobs", "description": "Long work."}],
    "paths": {
        "/jobs": {
            "post": {
                "tags": ["jobs"],
                "summary": "Begin <i>now</i>",
                "parameters": [
                    {"name": "X-Key", "in": "header", "schema": {"type": "string"}},
                    {"name": "rate", "in": "query", "required": True, "schema": {**NUMBER, "exclusiveMinimum": 2}},
                    {"name": "only", "in": "query", "schema": {"type": "array", "items": {"enum": ["a", "b"]}}},
                    {"name": "wait", "in": "query", "schema": {"type": ["boolean", "null"]}},
                ],
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Job"}}},
                },
                "responses": {
                    "202": {
                        "description": "Begun.",
                        "headers": {"Location": {"description": "Where it is.", "schema": {"type": "string"}}},
                        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Tree"}}},
                    },
                    "4XX": {"description": "No.", "content": {"application/problem+json": {"schema": PROBLEM}}},
                },
            },
        },
        "/jobs/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "delete": {"tags": ["jobs"], "responses": {"204": {"description": "Gone."}}},
        },
        "/jobs/{id}/events": {
            "get": {
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"const": "a"}}],
                "responses": {"200": {"description": "News.", "content": {"text/event-stream": {}}}},
            },
        },
        "/jobs/generator.h5": {
            "get": {
                "tags": ["jobs"],
                "responses": {"200": {"description": "A file.", "content": {"application/x-hdf5": {}}}},
            },
        },
    },
    "components": {
        "schemas": {
            "Job": {"oneOf": [{"$ref": "#/components/schemas/Ring"}, {"$ref": "#/components/schemas/Grid"}]},
            "Ring": {
                "title": "Ring",
                "type": "object",
                "properties": {"kind": {"const": "ring"}, "modes": {"type": "integer", "minimum": 2}},
                "required": ["kind", "modes"],
            },
            "Grid": {"title": "Grid", "type": "object", "properties": {"side": {"type": "integer", "default": 5}}},
            "Tree": {
                "type": "object",
                "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
            },
        },
    },
}


def call(page: Page, operation: str) -> Locator:
    """Find the section of a call, by the method and path that stand above it."""
    heading = page.locator("h3").filter(has_text=re.compile(rf"^{re.escape(operation)}$"))
    return page.locator("section.operation").filter(has=heading)


def send(section: Locator) -> Locator:
    """Send the form of a call; give the line that says how it went."""
    section.get_by_role("button", name="Send").click()
    return section.locator("form .status")


def curl(section: Locator) -> list[str]:
    """Split the call's curl line as a shell does."""
    return shlex.split(section.locator(".curl code").inner_text())


def open_other(visitor: Visitor) -> Page:
    """Open the page on the other service's description."""
    page = visitor.blank()
    page.route("**/openapi.json", lambda route: route.fulfill(json=OTHER))
    page.goto("/docs")
    expect(call(page, "POST /jobs")).to_be_visible()
    return page


def answer(page: Page, path: str, **content: Any) -> list[Any]:
    """Answer requests to a path in the server's stead; give the list that will hold them."""
    seen: list[Any] = []

    def reply(route: Route) -> None:
        seen.append(route.request)
        route.fulfill(**content)

    page.route(path, reply)
    return seen


def test_every_call_of_the_document_is_shown(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    document = page.request.get("/openapi.json").json()
    calls = {f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item}
    expect(page.locator("section.operation h3")).to_have_count(len(calls))
    assert {" ".join(text.split()) for text in page.locator("h3").all_inner_texts()} == calls
    for name in calls:
        expect(page.get_by_role("navigation", name="Calls").get_by_role("link", name=name, exact=True)).to_be_visible()
    expect(page).to_have_title(f"API – {document['info']['title']}")
    expect(page.locator("#edition")).to_have_text(f"{document['info']['title']} {document['info']['version']}")
    expect(page.get_by_role("link", name="openapi.json")).to_have_attribute("href", "/openapi.json")
    expect(page.get_by_role("link", name="Faces")).to_have_attribute("href", "/")


def test_every_parameter_has_a_row_and_a_control(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    document = page.request.get("/openapi.json").json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            section = call(page, f"{method.upper()} {path}")
            expect(section).to_have_count(1)
            for parameter in operation.get("parameters", []):
                row = section.get_by_role("row").filter(has=page.get_by_text(parameter["name"], exact=True))
                control = section.get_by_label(parameter["name"], exact=True)
                assert row.count() >= 1, (path, parameter["name"])
                assert control.count() == 1, (path, parameter["name"])
                default = parameter["schema"].get("default")
                if isinstance(default, int):
                    expect(control).to_have_attribute("placeholder", str(default))
    size = call(page, "GET /sample").get_by_label("size", exact=True)
    assert size.evaluate("e => [e.type, e.min, e.max, e.step]") == ["number", "16", "1024", "1"]
    resample = call(page, "GET /sample").get_by_label("resample", exact=True)
    assert resample.locator("option").all_inner_texts() == ["nearest (default)", "bilinear", "bicubic", "lanczos"]


def test_a_face_can_be_tried(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    section = call(page, "GET /sample")
    section.get_by_label("seed").fill("42")
    expect(send(section)).to_contain_text("200")
    picture = section.locator(".answer img")
    expect(picture).to_be_visible()
    assert picture.evaluate("i => [i.naturalWidth, i.naturalHeight, i.clientWidth, i.clientHeight]") == [
        16,
        16,
        256,
        256,
    ]
    assert picture.evaluate("i => getComputedStyle(i).imageRendering") == "pixelated"
    expect(section.locator(".answer .table")).to_contain_text("X-Seed")
    with page.expect_download() as download:
        section.get_by_role("link", name="Save sample.png").click()
    assert download.value.path().read_bytes() == page.request.get("/sample?seed=42").body()


def test_a_refusal_is_put_in_words(visitor: Visitor) -> None:
    page = visitor.open("/docs", failures_expected=True)
    section = call(page, "GET /sample")
    section.get_by_label("seed").fill("-1")
    expect(send(section)).to_contain_text("422")
    detail = page.request.get("/sample?seed=-1").json()["detail"]
    expect(section.locator(".answer .box")).to_contain_text(detail)
    section.get_by_label("seed").fill("1")  # and the next answer takes its place
    expect(send(section)).to_contain_text("200")
    expect(section.locator(".answer .box")).to_have_count(0)


def test_the_prefilled_body_works(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    section = call(page, "POST /sample")
    body = json.loads(section.get_by_role("textbox", name="Body").input_value())
    expect(send(section)).to_contain_text("200")
    expect(section.locator(".answer img")).to_be_visible()
    command = curl(section)
    assert command[:4] == ["curl", "-o", "sample.png", f"{visitor.server}/sample"]
    assert json.loads(command[command.index("--data-raw") + 1]) == body
    section.get_by_label("Answer as").select_option("application/json")
    expect(send(section)).to_contain_text("200")
    pixels = json.loads(section.locator(".answer pre").inner_text())["pixels"]
    assert [len(pixels), len(pixels[0])] == [len(body["latents"]), 16]
    assert "Accept: application/json" in curl(section)


def test_a_body_that_is_not_json_is_noticed(visitor: Visitor) -> None:
    page = visitor.open("/docs", failures_expected=True)
    section = call(page, "POST /sample")
    section.get_by_role("textbox", name="Body").fill("{it's")
    expect(section.get_by_text("The body is not JSON")).to_be_visible()
    assert curl(section)[-1] == "{it's"
    expect(send(section)).to_contain_text(re.compile(r"^4\d\d "))  # the service has its say all the same


def test_what_is_no_number_is_noticed(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    section = call(page, "GET /sample")
    section.get_by_label("seed").press_sequentially("1e")
    expect(section.get_by_text("seed is not a number")).to_be_visible()
    section.get_by_label("seed").press_sequentially("3")
    expect(section.get_by_text("seed is not a number")).to_have_count(0)
    assert curl(section)[-1] == f"{visitor.server}/sample?seed=1e3"


def test_the_curl_line_follows_the_form(visitor: Visitor) -> None:
    page = visitor.open("/docs", permissions=["clipboard-read", "clipboard-write"])
    section = call(page, "GET /interpolate")
    section.get_by_label("from", exact=True).fill("3")
    section.get_by_label("steps").fill("5")
    section.get_by_label("format").select_option("gif")
    expected = f"{visitor.server}/interpolate?from=3&to=2&steps=5&format=gif"
    assert curl(section) == ["curl", "-o", "interpolate.gif", expected]
    section.get_by_role("button", name="Copy").click()
    expect(section.get_by_role("button", name="Copied")).to_be_visible()
    assert shlex.split(page.evaluate("navigator.clipboard.readText()")) == curl(section)
    expect(send(section)).to_contain_text("200")
    expect(section.get_by_role("link", name="Save interpolate.gif")).to_be_visible()


def test_any_text_can_be_part_of_a_path(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    section = call(page, "GET /avatar/{name}")
    name = section.get_by_label("name", exact=True)
    assert name.input_value() != ""
    name.fill("a/b?c'd ä")
    assert curl(section)[-1].startswith(f"{visitor.server}/avatar/a%2Fb%3Fc")
    expect(send(section)).to_contain_text("200")
    name.fill("")
    expect(section.get_by_text("name is missing")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    section.get_by_role("button", name="Send").click()
    assert asked == []


def test_the_keyboard_is_enough(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    section = call(page, "GET /sample")
    section.locator("h3 a").focus()
    reached = []
    for _ in range(7):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.textContent"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    assert sorted(reached) == sorted(["size", "resample", "truncation", "seed", "weights", "Copy", "Send"])
    page.keyboard.press("Enter")
    expect(section.locator(".answer img")).to_be_visible()
    assert page.evaluate("document.activeElement.textContent") == "Send"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_without_sideways_scrolling(visitor: Visitor, scheme: str) -> None:
    page = visitor.open("/docs", viewport={"width": 360, "height": 740}, color_scheme=scheme)
    section = call(page, "POST /sample")
    expect(send(section)).to_contain_text("200")
    wide = call(page, "GET /interpolate")
    expect(send(wide)).to_contain_text("200")
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert wide.locator(".answer img").evaluate("i => i.getBoundingClientRect().right") <= 360


def test_a_link_to_a_call_leads_there(visitor: Visitor) -> None:
    page = visitor.open("/docs")
    href = call(page, "GET /info").locator("h3 a").get_attribute("href")
    page = visitor.open(f"/docs{href}")
    expect(call(page, "GET /info")).to_be_in_viewport()


def test_without_javascript_the_document_is_linked(visitor: Visitor) -> None:
    page = visitor.open("/docs", java_script_enabled=False)
    expect(page.get_by_role("main").get_by_role("link", name="openapi.json")).to_have_attribute("href", "/openapi.json")


@pytest.mark.parametrize("broken", [{"status": 503, "body": "x"}, {"body": "<p>"}, {"body": "[]"}, {"json": {}}])
def test_a_missing_document_is_said_and_can_be_asked_for_again(visitor: Visitor, broken: dict[str, Any]) -> None:
    page = visitor.blank(failures_expected=True)
    page.route("**/openapi.json", lambda route: route.fulfill(**broken))
    page.goto("/docs")
    expect(page.get_by_role("alert")).to_contain_text("The description of the API cannot be shown.")
    page.unroute("**/openapi.json")
    page.get_by_role("button", name="Try again").click()
    expect(call(page, "GET /sample")).to_be_visible()
    expect(page.get_by_role("alert")).to_be_hidden()


def test_another_document_is_shown_as_well(visitor: Visitor) -> None:
    page = open_other(visitor)
    expect(page.locator("#edition")).to_have_text("Other <b>bold</b> 7")  # text stays text
    expect(page.locator("#description li")).to_have_text(["one", "two"])
    post = call(page, "POST /jobs")
    expect(post.get_by_text("Begin <i>now</i>")).to_be_visible()
    expect(post.get_by_role("row").filter(has_text="rate")).to_contain_text("number, > 2")
    expect(post.get_by_role("row").filter(has_text="modes")).to_contain_text("integer, ≥ 2")
    expect(post.get_by_role("row").filter(has_text="Grid")).to_be_visible()
    assert json.loads(post.get_by_role("textbox", name="Body").input_value()) == {"kind": "ring", "modes": 2}
    expect(page.locator("#errors")).to_contain_text("faults[].where")
    assert page.locator("h2").all_inner_texts() == ["jobs", "other", "Errors"]


def test_a_job_can_be_begun_and_deleted(visitor: Visitor) -> None:
    page = open_other(visitor)
    begun = answer(page, "**/jobs?*", status=202, json={}, headers={"Location": "/jobs/7"})
    post = call(page, "POST /jobs")
    post.get_by_label("X-Key").fill("it's")
    post.get_by_label("only").fill("a, b")
    post.get_by_label("wait").select_option("true")
    expect(send(post)).to_contain_text("202")
    expect(post.get_by_role("link", name="/jobs/7")).to_be_visible()
    assert begun[0].url.endswith("&only=a&only=b&wait=true")
    assert begun[0].headers["x-key"] == "it's"
    assert {"X-Key: it's", begun[0].url} <= set(curl(post))

    gone = answer(page, "**/jobs/7", status=204)
    delete = call(page, "DELETE /jobs/{id}")
    expect(delete.get_by_text("id is missing")).to_have_count(0)  # nobody has asked for anything yet
    delete.get_by_label("id", exact=True).fill("7")
    assert curl(delete) == ["curl", "-X", "DELETE", f"{visitor.server}/jobs/7"]
    expect(send(delete)).to_contain_text("204")
    expect(delete.get_by_text("The answer has no body.")).to_be_visible()
    assert [request.method for request in gone] == ["DELETE"]


def test_files_and_events_come_as_what_they_are(visitor: Visitor) -> None:
    page = open_other(visitor)
    answer(page, "**/generator.h5", body=b"\x89HDF", content_type="application/x-hdf5")
    file = call(page, "GET /jobs/generator.h5")
    assert curl(file)[1:3] == ["-o", "generator.h5"]
    expect(send(file)).to_contain_text("4 bytes")
    with page.expect_download() as download:
        file.get_by_role("link", name="Save generator.h5").click()
    assert download.value.path().read_bytes() == b"\x89HDF"

    answer(page, "**/events", body="data: 1\n\ndata: 2\n\n", content_type="text/event-stream")
    events = call(page, "GET /jobs/{id}/events")
    assert curl(events)[:2] == ["curl", "-N"]
    expect(send(events)).to_contain_text("the stream has ended")
    expect(events.locator(".answer pre")).to_contain_text("data: 2")


def test_a_call_can_be_stopped(visitor: Visitor) -> None:
    page = open_other(visitor)
    page.route("**/jobs/7", lambda route: None)
    section = call(page, "DELETE /jobs/{id}")
    section.get_by_label("id", exact=True).fill("7")
    status = send(section)
    expect(status).to_have_text("Waiting …")
    section.get_by_role("button", name="Stop").click()
    expect(status).to_have_text("Stopped.")
    expect(section.get_by_role("button", name="Stop")).to_be_hidden()
