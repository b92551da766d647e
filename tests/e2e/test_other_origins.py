"""What pages of other origins can do with a service that only their reader can reach: look at faces, and no more."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e import lab

pytestmark = pytest.mark.e2e

JOB = '{"model": "simple_gan", "data": {"name": "circle"}, "epochs": 1, "steps_per_epoch": 1}'

#: Each sends what a page may send without asking first, and gives the kind of answer that the page was shown.
ATTEMPTS = {
    "a form with a file": """async ([url, job]) => {
        const body = new FormData();
        body.append("job", job);
        body.append("data", new Blob(["0.1,0.2\\n".repeat(300)]), "data.csv");
        return (await fetch(`${url}/jobs`, {method: "POST", body, mode: "no-cors"})).type;
    }""",
    "plain text": """async ([url, body]) => (await fetch(`${url}/jobs`,
        {method: "POST", body, mode: "no-cors"})).type""",
    "no body": """async ([url]) => (await fetch(`${url}/jobs/1/cancel`, {method: "POST", mode: "no-cors"})).type""",
    "a page that hides its origin": """async ([url, body]) => (await fetch(`${url}/jobs`,
        {method: "POST", body, mode: "no-cors", referrerPolicy: "no-referrer"})).type""",
}


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><p>elsewhere")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[int]:
    """Serve a page of somebody else, and give its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as pages:
        threading.Thread(target=pages.serve_forever, daemon=True).start()
        yield pages.server_address[1]
        pages.shutdown()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(bypass_csp=True)  # pages of others have policies of their own
    yield context.new_page()
    context.close()


def _jobs(server: str) -> int:
    with urllib.request.urlopen(f"{server}/jobs?limit=100") as answer:
        return len(json.load(answer)["jobs"])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "evil.test"])
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_page_of_another_origin_starts_no_job(host: str, name: str, server: str, elsewhere: int, page: Page) -> None:
    before = _jobs(server)
    service = f"http://{name}:{urlsplit(server).port}"
    page.goto(f"http://{host}:{elsewhere}/")
    for attempt, code in ATTEMPTS.items():
        with page.expect_response(lambda response: response.url.startswith(service)) as answer:
            assert page.evaluate(code, [service, JOB]) == "opaque", attempt
        assert answer.value.status == 403, attempt
    with page.expect_response(lambda response: response.url.startswith(service)) as answer:
        page.evaluate(
            """([url, job]) => {
                document.body.innerHTML = `<form method="post" enctype="multipart/form-data" action="${url}/jobs">
                    <input name="job"></form>`;
                document.forms[0].job.value = job;
                document.forms[0].submit();
            }""",
            [service, JOB],
        )
    assert answer.value.status == 403
    assert _jobs(server) == before


def test_a_page_of_another_origin_may_ask_for_faces_and_reads_no_jobs(server: str, elsewhere: int, page: Page) -> None:
    page.goto(f"http://localhost:{elsewhere}/")
    with page.expect_response(f"{server}/sample") as answer:
        page.evaluate(
            "url => fetch(`${url}/sample`, {method: 'POST', body: '{}', mode: 'no-cors'}).then(() => null)", server
        )
    assert answer.value.status not in (403, 421)
    assert page.evaluate("url => fetch(`${url}/jobs`).then(() => 'read', () => 'kept from it')", server) == (
        "kept from it"
    )


def test_a_name_that_somebody_points_at_this_machine_is_no_name_of_the_service(server: str, page: Page) -> None:
    """DNS rebinding: to the browser, the page and the service are now of one origin."""
    before = _jobs(server)
    answer = page.goto(f"http://evil.test:{urlsplit(server).port}/")
    assert answer is not None
    assert answer.status == 421
    assert "NOBODY_ALLOWED_HOSTS=evil.test" in answer.text()
    for options in ({}, {"method": "POST", "body": JOB, "headers": {"Content-Type": "application/json"}}):
        status = page.evaluate("options => fetch('/jobs', options).then(answer => answer.status)", options)
        assert status == 421
    assert _jobs(server) == before


def test_the_service_s_own_page_starts_a_job(server: str, page: Page) -> None:
    # A process that is cancelled while it compiles is killed, and the next one has to load TensorFlow.
    lab.trained(server, lab.ask(server, "POST", "/jobs", json.loads(JOB)))
    for name in ("127.0.0.1", "localhost", "faces.localhost"):
        page.goto(f"http://{name}:{urlsplit(server).port}/lab")
        job = page.evaluate(
            """async body => {
                const headers = {"Content-Type": "application/json"};
                return await (await fetch("/jobs", {method: "POST", body, headers})).json();
            }""",
            JOB,
        )
        assert job["status"] in ("queued", "running")  # it may be taken before its POST is answered
        answer = page.evaluate(
            "id => fetch(`/jobs/${id}/cancel`, {method: 'POST'}).then(answer => answer.status)", job["id"]
        )
        assert answer in (202, 409)  # it may have ended
        lab.ended(server, job)
