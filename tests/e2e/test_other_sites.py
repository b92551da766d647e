"""Faces on other people's pages: a site of another origin, in a real browser."""

import json
import threading
from collections.abc import Iterator
from functools import partial
from html import escape
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.conftest import WAIT_MS

pytestmark = pytest.mark.e2e

#: The pixels of the page's pictures, once all are there; null for those that are broken.
PICTURES = """async () => Promise.all([...document.images].map(async (image) => {
  await image.decode().catch(() => {});
  if (!image.naturalWidth) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  canvas.getContext("2d").drawImage(image, 0, 0);
  return canvas.toDataURL();
}))"""
#: The greys of the page's pictures, row by row.
GREYS = """async () => Promise.all([...document.images].map(async (image) => {
  await image.decode();
  const { naturalWidth: width, naturalHeight: height } = image;
  const context = new OffscreenCanvas(width, height).getContext("2d");
  context.drawImage(image, 0, 0);
  return [...context.getImageData(0, 0, width, height).data].filter((_, at) => at % 4 === 0);
}))"""
#: An answer as a script of the page sees it; the error's name where the browser keeps it back.
FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    const { status, headers } = answer;
    return { status, seed: headers.get("X-Seed"), etag: headers.get("ETag"), text: await answer.text() };
  } catch (error) { return { refused: error.name }; }
}"""


class _Quiet(SimpleHTTPRequestHandler):
    """A site that can be isolated from all others, where it says so in the path."""

    def log_message(self, *_: Any) -> None:
        pass

    def end_headers(self) -> None:
        if "isolated" in self.path:
            self.send_header("Cross-Origin-Opener-Policy", "same-origin")
            self.send_header("Cross-Origin-Embedder-Policy", "require-corp")
        super().end_headers()


class OtherSite:
    """Pages of another origin than the service."""

    def __init__(self, browser: Browser, folder: Path, address: str) -> None:
        self._browser = browser
        self._folder = folder
        self._address = address

    def open(self, body: str, name: str = "page.html", address: str | None = None) -> Page:
        """Put a page onto the site and open it.

        Args:
            body: HTML.
            name: of the file.
            address: of the site, by default its own; or of the file itself.
        """
        (self._folder / name).write_text(f"<!doctype html><meta charset=utf-8><title>Other</title>{body}")
        page = self._browser.new_context().new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"{address or self._address}/{name}")
        return page

    def as_file(self, body: str) -> Page:
        """Open a page from the disk, whose origin is null."""
        return self.open(body, address=self._folder.as_uri())


@pytest.fixture
def site(browser: Browser, tmp_path: Path) -> Iterator[OtherSite]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(tmp_path))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield OtherSite(browser, tmp_path, f"http://127.0.0.1:{server.server_address[1]}")
        for context in browser.contexts:
            context.close()
        server.shutdown()
        thread.join()


def test_three_pictures_on_one_page_show_three_faces(site: OtherSite, server: str) -> None:
    body = "".join(f'<img crossorigin src="{server}/sample?random={i}">' for i in (1, 2, 3))
    page = site.open(body)
    first = page.evaluate(PICTURES)
    page.reload()
    second = page.evaluate(PICTURES)

    assert None not in first + second
    assert len({*first, *second}) == 6  # three people, and after a reload three others


def test_what_a_page_adds_breaks_no_picture(site: OtherSite, server: str) -> None:
    paths = [
        f"{path}?{added}"
        for added in ("t=1", "_=3&_=4", "utm_source=a&fbclid=b", "cachebust=0.5", "1732567890")
        for path in ("/sample", "/avatar/ada")
    ]
    page = site.open("".join(f'<img crossorigin src="{escape(server + path)}">' for path in paths))
    pixels = page.evaluate(PICTURES)
    assert len(pixels) == len(paths)
    assert [path for path, shown in zip(paths, pixels, strict=True) if shown is None] == []


def test_a_page_may_read_a_picture_s_pixels(site: OtherSite, server: str) -> None:
    """Also one that the page has shown before without a wish to read it: the browser keeps that answer."""
    paths = [
        "/sample",
        "/sample?seed=7",
        "/samples?count=4",
        "/interpolate?from=1&to=2",
        "/avatar/ada?size=64",
        "/avatar/ada.svg",
    ]
    page = site.open("".join(f'<img src="{escape(server + path)}">' for path in paths))
    page.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
    page.evaluate(
        """(urls) => document.body.replaceChildren(...urls.map((url) => {
          const image = new Image();
          image.crossOrigin = "anonymous";
          image.src = url;
          return image;
        }))""",
        [server + path for path in paths],
    )
    for path, pixels in zip(paths, page.evaluate(PICTURES), strict=True):
        assert pixels is not None, path
        assert pixels.startswith("data:image/png"), path


def test_a_vector_avatar_is_crisp(site: OtherSite, server: str) -> None:
    """Each pixel of the screen has the grey of one square, without seams or blur in between."""
    widths = (160, 32, 24, 400)
    vectors = "".join(f'<img crossorigin src="{server}/avatar/ada.svg?s={width}">' for width in widths)
    page = site.open(f'{vectors}<img crossorigin src="{server}/avatar/ada">')
    *pictures, face = page.evaluate(GREYS)
    for width, drawn in zip(widths, pictures, strict=True):
        assert len(drawn) == width**2
        assert set(drawn) == set(face), width
        if width % 16 == 0:  # else some pixels belong to two squares alike
            assert drawn == [
                face[y * 16 // width * 16 + x * 16 // width] for y in range(width) for x in range(width)
            ], width


@pytest.mark.parametrize("from_disk", [False, True])
def test_a_script_of_another_site_may_use_faces_but_no_jobs(site: OtherSite, server: str, from_disk: bool) -> None:
    page = site.as_file("") if from_disk else site.open("")

    def fetch(path: str, **options: Any) -> Any:
        return page.evaluate(FETCH, [server + path, options])

    new = fetch("/sample")
    assert (new["status"], new["seed"].isdigit(), new["etag"]) == (200, True, None)
    known = fetch("/sample?seed=7")
    assert (known["status"], known["seed"]) == (200, "7")
    assert known["etag"] is not None
    again = fetch("/sample?seed=7", headers={"If-None-Match": known["etag"]}, cache="no-store")
    assert again["status"] == 304
    assert '"latent"' in fetch("/latent?seed=7")["text"]
    assert '"sha256"' in fetch("/info")["text"]
    latents = {"latents": [[0] * 16]}
    posted = fetch("/sample", method="POST", headers={"Content-Type": "application/json"}, body=json.dumps(latents))
    assert posted["status"] == 200
    wrong = fetch("/sample?trunction=1", headers={"X-Requested-With": "XMLHttpRequest"})
    assert (wrong["status"], "did you mean truncation?" in wrong["text"]) == (422, True)

    for path, options in (
        ("/jobs", {}),
        ("/jobs/0123456789abcdef", {"method": "DELETE"}),
        ("/jobs", {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": "{}"}),
    ):
        assert fetch(path, **options) == {"refused": "TypeError"}


def test_a_page_that_is_isolated_may_show_a_face(site: OtherSite, server: str) -> None:
    body = "".join(
        f'<img src="{server}{path}">' for path in ("/sample", "/sample?seed=7", "/samples?count=2", "/avatar/ada")
    )
    page = site.open(body, "isolated.html")
    assert page.evaluate("crossOriginIsolated")
    page.evaluate("() => Promise.all([...document.images].map((image) => image.decode()))")
