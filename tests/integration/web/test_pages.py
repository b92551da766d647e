"""The pages as the server sends them: the face in the HTML, what a link's preview shows, and odd addresses."""

import base64
import hashlib
import html
import io
import re
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.web.routes import pages

#: Pages bring all that they need, and no other page shows them in a frame of its own.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'self'"
)


def pixels(png: bytes) -> bytes:
    """Decode a picture."""
    return Image.open(io.BytesIO(png)).tobytes()


def face_in(page: str) -> bytes:
    """Give the grey levels of the face in the HTML."""
    found = re.search(r'<img id="first-face" src="data:image/png;base64,([^"]+)"', page)
    assert found is not None
    return pixels(base64.b64decode(found[1]))


def seed_in(page: str) -> int:
    """Give the seed of the face in the HTML."""
    found = re.search(r'data-seed="([0-9]+)"', page)
    assert found is not None
    return int(found[1])


def said(page: str) -> str:
    """Give what the page says is wrong with its address."""
    found = re.search(r'<p id="notice-text">(.*?)</p>', page, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def meta(page: str, name: str) -> str:
    """Give what the HTML says about itself, to programs that show links."""
    found = re.search(rf'<meta (?:property|name)="{name}" content="([^"]*)">', page)
    assert found is not None, name
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("address", "same"),
    [
        ("seed=42", "seed=42"),
        ("seed=0", "seed=0"),
        ("seed=9007199254740991", "seed=9007199254740991"),
        ("seed=42&truncation=0.5", "seed=42&truncation=0.5"),
        ("seed=42&truncation=0", "seed=42&truncation=0"),
        ("seed=42&truncation=0.123456789012", "seed=42&truncation=0.123456789012"),
        ("seed=42&truncation=1e-8", "seed=42&truncation=1e-8"),
        ("seed=482%20113", "seed=482113"),  # as the page writes it
        ("seed=482%E2%80%AF113", "seed=482113"),
        ("seed=42&utm_source=newsletter&fbclid=x", "seed=42"),
        ("seed=42&seeds=43", "seed=42"),
        ("seed=41&seed=42", "seed=42"),
    ],
)
def test_a_permalink_comes_with_its_face(client: TestClient, address: str, same: str) -> None:
    page = client.get(f"/?{address}")
    assert page.status_code == 200
    assert face_in(page.text) == pixels(client.get(f"/sample?{same}").content)
    assert said(page.text) == ""


def test_each_visit_without_a_seed_brings_a_new_face_with_a_number_to_say_aloud(client: TestClient) -> None:
    seeds = [seed_in(client.get("/").text) for _ in range(20)]
    assert max(seeds) < 1_000_000
    assert len(set(seeds)) > 15
    page = client.get("/").text
    assert face_in(page) == pixels(client.get(f"/sample?seed={seed_in(page)}").content)


NO_SEEDS = [
    "",
    "elvis",
    "-1",
    "1.5",
    "1e3",
    "0x10",
    "9007199254740992",
    "9" * 5_000,
    "٣",
    "NaN",
    "\0",
    "$face",
    "{seed}",
]


@pytest.mark.parametrize("seed", NO_SEEDS)
def test_an_address_with_a_wrong_seed_is_answered_with_a_face_and_a_word(client: TestClient, seed: str) -> None:
    page = client.get(f"/?seed={quote(seed)}")
    assert page.status_code == 200
    assert said(page.text).startswith("seed: expected a whole number 0 … 9007199254740991, got “")
    assert len(said(page.text)) < 200
    assert seed_in(page.text) < 1_000_000
    assert len(set(face_in(page.text))) > 1


@pytest.mark.parametrize("truncation", ["", "2", "-0.1", "nan", "inf", "half", "0,5", "1e999"])
def test_an_address_with_a_wrong_truncation_is_answered_with_a_word(client: TestClient, truncation: str) -> None:
    page = client.get("/", params={"seed": "42", "truncation": truncation})
    assert page.status_code == 200
    assert said(page.text) == f"truncation: expected a number 0 … 1, got “{truncation}”; 1 is used."
    assert face_in(page.text) == pixels(client.get("/sample?seed=42").content)


@pytest.mark.parametrize("name", ["seed", "truncation"])
@pytest.mark.parametrize(
    "value",
    ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' onload='alert(1)", "&lt;script&gt;", "</p><b>"],
)
def test_markup_in_an_address_stays_text(client: TestClient, name: str, value: str) -> None:
    page = client.get("/", params={name: value})
    assert page.status_code == 200
    assert value not in page.text
    assert value in said(page.text)


@pytest.mark.parametrize("query", ["seed=%ff%fe", "seed=%", "=", "&&&", "seed", "?", "seed=%00", "a" * 4_000])
def test_any_query_gets_a_page(client: TestClient, query: str) -> None:
    assert client.get(f"/?{query}").status_code == 200


@pytest.mark.parametrize(
    ("address", "face"), [("/?seed=1234567", "seed=1234567"), ("/?seed=5&truncation=0.5", "seed=5&truncation=0.5")]
)
def test_the_preview_of_a_link_shows_its_face(client: TestClient, address: str, face: str) -> None:
    page = client.get(address, headers={"Host": "localhost:8000"}).text
    image = meta(page, "og:image")
    assert image.startswith("http://localhost:8000/sample?")
    answer = client.get(image.removeprefix("http://localhost:8000"))
    assert answer.headers["content-type"] == meta(page, "og:image:type") == "image/png"
    large = Image.open(io.BytesIO(answer.content))
    assert large.size == (int(meta(page, "og:image:width")), int(meta(page, "og:image:height")))
    assert large.width >= 512
    small = np.frombuffer(pixels(client.get(f"/sample?{face}").content), np.uint8).reshape(16, 16)
    factor = large.width // 16
    assert (np.asarray(large) == small.repeat(factor, 0).repeat(factor, 1)).all()  # crisp
    assert meta(page, "og:title") == f"No. {seed_in(page):,} – nobody".replace(",", "\u202f")
    assert meta(page, "og:url") == f"http://localhost:8000{address}"
    assert meta(page, "twitter:card") == "summary"
    assert html.unescape(re.findall("<title>(.*)</title>", page)[0]) == meta(page, "og:title")


def test_the_preview_of_the_page_itself_names_nobody(client: TestClient) -> None:
    page = client.get("/").text
    assert meta(page, "og:title") == "nobody – portraits of people who do not exist"
    assert f"seed={seed_in(page)}&" in meta(page, "og:image")


def test_behind_a_proxy_the_preview_has_the_address_that_visitors_see(client: TestClient) -> None:
    page = client.get("https://localhost/?seed=7").text  # as uvicorn reads X-Forwarded-Proto
    assert meta(page, "og:image").startswith("https://localhost/sample?seed=7&")


@pytest.mark.parametrize("path", ["/", "/lab"])
def test_a_page_is_filled_in_and_strict(client: TestClient, path: str) -> None:
    page = client.get(path)
    assert page.status_code == 200
    assert "$" not in page.text
    assert page.headers["content-security-policy"] == POLICY
    assert page.headers["cache-control"] == "no-cache"
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", page.text)
    for script in re.findall(r'<link rel="modulepreload" href="([^"]+)">', page.text):
        assert client.get(script).status_code == 200
    assert client.head(path).status_code == 200


def test_the_api_page_runs_only_its_own_scripts(client: TestClient) -> None:
    page = client.get("/docs")
    policy = page.headers["content-security-policy"]
    [inline] = re.findall("<script>(.*?)</script>", page.text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(inline.encode()).digest()).decode()
    assert policy == f"{POLICY}; script-src 'self' 'sha256-{digest}'"
    addresses = re.findall('(?:href|src)="([^"]+)"', page.text)
    assert len(addresses) > 5
    for address in addresses:
        assert client.get(address).status_code == 200, address
    assert client.head("/docs").status_code == 200


def test_every_script_is_found_once() -> None:
    scripts = pages.modules_of("js/face/main.js")
    assert scripts[0] == "js/face/main.js"
    assert len(set(scripts)) == len(scripts) <= 12
    assert all((pages.STATIC / script).is_file() for script in scripts)


def test_scripts_and_styles_are_compressed(client: TestClient) -> None:
    plain = client.get("/static/js/face/wall.js", headers={"Accept-Encoding": "identity"})
    small = client.get("/static/js/face/wall.js", headers={"Accept-Encoding": "gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert int(small.headers["content-length"]) < int(plain.headers["content-length"]) / 2
    assert small.text == plain.text
    again = client.get("/static/js/face/wall.js", headers={"If-None-Match": small.headers["etag"]})
    assert again.status_code == 304
