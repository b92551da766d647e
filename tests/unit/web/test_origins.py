"""Which requests are answered: to which names, and from whose pages."""

import asyncio
import json
import socket
from typing import Any

import pytest
from pydantic import ValidationError
from starlette.types import Message, Receive, Scope, Send

from app.config import Settings
from app.web.origins import OwnOrigins
from app.web.traffic import Traffic

Headers = list[tuple[str, str]]


async def _inside(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


def ask(
    headers: Headers,
    method: str = "GET",
    path: str = "/jobs",
    *,
    version: str = "1.1",
    server: tuple[str, int] | None = ("127.0.0.1", 8000),
    **settings: Any,
) -> tuple[int, dict[str, Any]]:
    """Return the status of the answer, and its body."""
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "http_version": version,
        "server": server,
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in headers],
    }

    async def receive() -> Message:
        return {"type": "http.request"}

    async def send(message: Message) -> None:
        sent.append(message)

    asyncio.run(OwnOrigins(_inside, Settings(**settings), Traffic())(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.0.0.1:8000", "127.0.0.1:1", "127.0.0.1:", "127.8.9.1", "localhost", "localhost:8000"),
        *("LocalHost:8000", "localhost.", "localhost.:8000", "faces.localhost", "127.0.0.1."),
        *("[::1]", "[::1]:8000", "[0:0::1]:8000", "[::ffff:127.0.0.1]:8000"),
    ],
)
def test_loopback_names_are_known_with_any_port(host: str) -> None:
    assert ask([("Host", host)])[0] == 200
    assert ask([("Host", host)], allowed_hosts="faces.example.org")[0] == 200  # health checks go on working


@pytest.mark.parametrize(
    "host",
    [
        *("evil.test", "evil.test:8000", "EVIL.test.", "127.0.0.1.evil.test", "localhost.evil.test", "notlocalhost"),
        *(
            "example.org",
            "sub.faces.example.org",
            "faces.example.org.evil.test",
            "10.0.0.7",
            "[fe80::1]:8000",
            "0.0.0.0",
        ),
        *("2130706433", "localhost..", "xn--lcalhost-01a"),
    ],
)
@pytest.mark.parametrize("path", ["/jobs", "/sample", "/", "/static/js/face.js", "/healthz"])
def test_a_name_that_is_not_ours_is_told_the_setting(host: str, path: str) -> None:
    for method in ("GET", "HEAD", "POST", "DELETE", "OPTIONS"):
        status, problem = ask([("Host", host)], method, path, allowed_hosts="faces.example.org")
        assert status == problem["status"] == 421
        assert "NOBODY_ALLOWED_HOSTS=" in problem["detail"]
        assert host.removesuffix(".").partition(":")[0].lower() in problem["detail"] or host.startswith("[")


@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "a b", "evil.test@127.0.0.1", "127.0.0.1:8000:8000", "127.0.0.1:port", "::1", "[::1", "127.0.0.1/x"),
        *("http://127.0.0.1", "127.0.0.1,evil.test", "b\u00fccher.example", "localhost\t", "127.0.0.1#", "*"),
    ],
)
def test_what_is_no_host_at_all_is_a_bad_request(host: str) -> None:
    status, problem = ask([("Host", host)])
    assert status == 400
    assert "expected the header Host as name or name:port" in problem["detail"]


@pytest.mark.parametrize("second", ["127.0.0.1:8000", "evil.test"])
def test_two_hosts_are_a_bad_request(second: str) -> None:
    both = [("Host", "127.0.0.1:8000"), ("Host", second)]
    assert ask(both)[0] == ask(both, version="1.0")[0] == ask(both[::-1])[0] == 400


def test_only_old_programs_may_leave_the_host_out() -> None:
    assert ask([], version="1.0")[0] == 200
    assert ask([])[0] == 400


@pytest.mark.parametrize(
    ("setting", "known"),
    [
        ("faces.example.org", ["faces.example.org", "Faces.Example.org:8443", "faces.example.org."]),
        (" a.test , B.test., ", ["a.test", "b.test"]),
        ("b\u00fccher.example", ["xn--bcher-kva.example"]),
        ("fe80::1", ["[fe80::1]", "[fe80:0::1]:80"]),
        ("[fe80::1]", ["[fe80::1]"]),
        ("10.1.2.3", ["10.1.2.3:8000"]),
        ("faces_web", ["faces_web:8000"]),
        ("*", ["evil.test", "10.0.0.7", "[fe80::1]", "faces_web"]),
    ],
)
def test_the_setting_makes_names_known(setting: str, known: list[str]) -> None:
    for host in known:
        assert ask([("Host", host)], allowed_hosts=setting)[0] == 200
        assert ask([("Host", host)])[0] == 421


@pytest.mark.parametrize("wrong", ["http://a.test", "a.test:8000", "a b", "*.a.test", "a..b", "a/b", "a.test;b.test"])
def test_a_setting_that_is_no_list_of_names_is_refused(wrong: str) -> None:
    with pytest.raises(ValidationError, match="expected host names or addresses with commas between, without scheme"):
        Settings(allowed_hosts=wrong)


def test_the_bound_address_is_known() -> None:
    assert ask([("Host", "10.0.0.7:8000")], host="10.0.0.7")[0] == 200
    assert ask([("Host", "10.0.0.8:8000")], host="10.0.0.7")[0] == 421
    assert ask([("Host", "faces.lan")], host="faces.lan")[0] == 200
    assert ask([("Host", "10.0.0.7")], host="faces.lan", server=("10.0.0.7", 8000))[0] == 200


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", ""])
def test_bound_to_all_addresses_each_of_them_is_known_but_no_foreign_name(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "Box.home.arpa")
    for host in ("192.168.1.5:8000", "172.17.0.2", "[2001:db8::1]:80", "box", "box.local:8000", "box.home.arpa"):
        assert ask([("Host", host)], host=bound)[0] == 200
    for host in ("evil.test", "evil.local", "box.evil.test", "192.168.1.5.evil.test"):
        assert ask([("Host", host)], host=bound)[0] == 421


OURS = ("Host", "127.0.0.1:8000")
FOREIGN = [
    [OURS, ("Origin", "http://evil.test")],
    [OURS, ("Origin", "null")],
    [OURS, ("Origin", "")],
    [OURS, ("Origin", "http://127.0.0.1:8001")],
    [OURS, ("Origin", "http://127.0.0.1")],
    [OURS, ("Origin", "http://localhost:8000")],
    [OURS, ("Origin", "http://127.0.0.1:8000.evil.test")],
    [OURS, ("Origin", "http://127.0.0.1:8000@evil.test")],
    [OURS, ("Origin", "file://")],
    [OURS, ("Origin", "chrome-extension://127.0.0.1:8000")],
    [OURS, ("Origin", "http://127.0.0.1:8000 http://evil.test")],
    [OURS, ("Origin", "http://127.0.0.1:8000"), ("Origin", "http://evil.test")],
    [OURS, ("Sec-Fetch-Site", "cross-site")],
    [OURS, ("Sec-Fetch-Site", "same-site")],
    [OURS, ("Sec-Fetch-Site", "something new")],
    [OURS, ("Origin", "http://127.0.0.1:8000"), ("Sec-Fetch-Site", "cross-site")],
    [OURS, ("Origin", "http://evil.test"), ("Sec-Fetch-Site", "same-origin")],
]
CHANGES = [
    *(("POST", path) for path in ("/jobs", "/jobs/1/cancel", "/jobs/1/fork", "/nothing", "/", "/healthz")),
    *((method, "/jobs/1") for method in ("PUT", "PATCH", "DELETE", "PURGE")),
]


@pytest.mark.parametrize("kind", [None, "text/plain", "multipart/form-data; boundary=x", "application/json"])
@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(value for _, value in headers[1:]) or "empty")
def test_a_page_of_another_origin_changes_nothing(headers: Headers, kind: str | None) -> None:
    for method, path in CHANGES:
        status, problem = ask([*headers, *([("Content-Type", kind)] if kind else [])], method, path)
        assert status == problem["status"] == 403
        assert "expected a change to come from this service's own pages" in problem["detail"]


@pytest.mark.parametrize("headers", FOREIGN, ids=lambda headers: " ".join(value for _, value in headers[1:]) or "empty")
def test_pages_of_other_origins_may_ask_for_faces_and_look(headers: Headers) -> None:
    for path in ("/sample", "/samples", "/interpolate", "/latent", "/info", "/avatar/ada", "/avatar/a/b"):
        assert ask(headers, "POST", path)[0] == 200
    for method in ("GET", "HEAD", "OPTIONS"):
        assert ask(headers, method)[0] == 200  # what they get, the browser keeps from them


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("127.0.0.1:8000", []),
        ("127.0.0.1:8000", [("Origin", "http://127.0.0.1:8000")]),
        ("127.0.0.1:8000", [("Origin", "http://127.0.0.1:8000"), ("Sec-Fetch-Site", "same-origin")]),
        ("127.0.0.1:8000", [("Sec-Fetch-Site", "none")]),
        ("LOCALHOST:8000", [("Origin", "http://localhost:8000")]),
        ("localhost.:8000", [("Origin", "http://localhost:8000")]),
        ("[::1]:8000", [("Origin", "http://[::1]:8000")]),
        ("127.0.0.1", [("Origin", "http://127.0.0.1")]),
        ("127.0.0.1:80", [("Origin", "http://127.0.0.1")]),
        # behind a proxy that speaks HTTPS, and passes the name on
        ("faces.example.org", [("Origin", "https://faces.example.org")]),
        ("faces.example.org:443", [("Origin", "https://faces.example.org")]),
        ("faces.example.org:8443", [("Origin", "https://faces.example.org:8443")]),
        # behind one that does not
        ("127.0.0.1:8000", [("Origin", "https://faces.example.org"), ("Sec-Fetch-Site", "same-origin")]),
    ],
)
def test_our_own_pages_and_programs_change_things(host: str, headers: Headers) -> None:
    for method, path in CHANGES:
        assert ask([("Host", host), *headers], method, path, allowed_hosts="faces.example.org")[0] == 200


def test_another_port_of_a_known_name_is_another_origin() -> None:
    for origin in ("http://faces.example.org:9000", "https://faces.example.org:9000"):
        for host in ("faces.example.org", "faces.example.org:8000", "127.0.0.1:8000"):
            headers = [("Host", host), ("Origin", origin)]
            assert ask(headers, "POST", allowed_hosts="faces.example.org")[0] == 403
    headers = [("Host", "faces.example.org:8000"), ("Origin", "http://faces.example.org")]
    assert ask(headers, "POST", allowed_hosts="faces.example.org")[0] == 403
    assert ask([("Host", "a.test"), ("Origin", "http://evil.test")], "POST", allowed_hosts="*")[0] == 403
