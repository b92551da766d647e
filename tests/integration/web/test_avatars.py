"""Faces of names, wherever a Gravatar may be shown: the ending is the format's, the name the rest."""

import io
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.faces.latents import seed_of_name

MD5 = "205e460b479e2e5b48aec07710c08d50"
SHA256 = "27205e5c51cb03f862138b22bcb5dc20f94a342e744ff6df1b8dc8af3c865109"
FORMATS = [("png", "PNG"), ("webp", "WEBP"), ("jpg", "JPEG"), ("jpeg", "JPEG"), ("gif", "GIF")]


def _picture(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return Image.open(io.BytesIO(answer.content))


def _grey(answer: Any) -> np.ndarray:
    return np.asarray(_picture(answer).convert("L")).astype(int)


def _face(client: TestClient, name: str) -> bytes:
    return client.get("/sample", params={"seed": seed_of_name(name)}).content


@pytest.mark.parametrize(
    "name",
    [
        *("ada", "Ада", "a/b c?d", "😀", "a..b", "x" * 256, MD5, SHA256, "..x", "/", "ada/"),
        *("a\nb", "ada\n", "\n", "a\r\nb"),
        *(
            "ada.lovelace",
            "a.b@c.org",
            "ada.",
            ".ada",
            "ada.p",
            "ada.pngs",
            "ada.bmp",
            "ada.txt",
            "png",
            "a.png.b",
            "ada png",
        ),
    ],
)
def test_a_name_has_one_face(client: TestClient, name: str) -> None:
    answer = client.get(f"/avatar/{quote(name, safe='')}")
    assert answer.headers["x-seed"] == str(seed_of_name(name))
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == _face(client, name)


def test_two_spellings_of_one_name_have_one_face(client: TestClient) -> None:
    composed, decomposed = client.get("/avatar/%C3%A9"), client.get("/avatar/e%CC%81.png")
    assert composed.content == decomposed.content


@pytest.mark.parametrize("name", ["ada", "a.b@c.org", MD5, "Ада", "x" * 256, "ada.png", "a/b", ".", "..", ""])
@pytest.mark.parametrize("ending", ["png", "PNG", "webp", "WebP", "jpg", "JPG", "jpeg", "gif", "svg", "SVG"])
def test_an_ending_is_no_part_of_the_name(client: TestClient, name: str, ending: str) -> None:
    answer = client.get(f"/avatar/{quote(name, safe='')}.{ending}")
    assert answer.status_code == 200
    assert answer.headers["x-seed"] == str(seed_of_name(name))
    if ending.lower() == "png":
        assert answer.content == _face(client, name)


@pytest.mark.parametrize("name", ["", ".png", "%2Epng"])
def test_nobody_has_a_face_too(client: TestClient, name: str) -> None:
    """Templates that put a name or a hash into the URL leave it empty for whoever has none."""
    answer = client.get(f"/avatar/{name}?s=32&d=mm&r=g")
    assert answer.headers["x-seed"] == str(seed_of_name(""))
    assert _picture(answer).size == (32, 32)


@pytest.mark.parametrize(("ending", "name"), FORMATS)
@pytest.mark.parametrize("query", ["", "?size=80", "?size=100&resample=lanczos", "?size=7", "?truncation=0.5"])
def test_an_ending_chooses_the_format(client: TestClient, ending: str, name: str, query: str) -> None:
    answer = client.get(f"/avatar/ada.{ending}{query}")
    picture = _picture(answer)
    plain = _grey(client.get(f"/avatar/ada{query}"))

    assert picture.format == name
    assert answer.headers["content-type"] == f"image/{name.lower()}"
    assert picture.size == plain.shape
    difference = np.abs(_grey(answer) - plain)
    if name == "JPEG":
        assert picture.mode == "L"
        assert difference.mean() < 2
    else:
        assert not difference.any()


@pytest.mark.parametrize("size", [16, 80, 1, 333, 2048])
def test_a_face_of_crisp_squares(client: TestClient, size: int) -> None:
    answer = client.get(f"/avatar/ada.svg?size={size}")
    root = ET.fromstring(answer.content)
    canvas = np.full((16, 16), -1)
    for rectangle in root:
        assert rectangle.tag == "{http://www.w3.org/2000/svg}rect"
        x, y, width, height = (int(rectangle.attrib[name]) for name in ("x", "y", "width", "height"))
        assert (canvas[y : y + height, x : x + width] == -1).all()  # no square is painted twice
        red, green, blue = bytes.fromhex(rectangle.attrib["fill"].removeprefix("#"))
        assert red == green == blue
        canvas[y : y + height, x : x + width] = red

    assert answer.headers["content-type"] == "image/svg+xml"
    np.testing.assert_array_equal(canvas, _grey(client.get("/avatar/ada")))
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == (str(size), str(size), "0 0 16 16")
    assert root.get("shape-rendering") == "crispEdges"
    assert len(answer.content) < 16_000


@pytest.mark.parametrize("name", [MD5, SHA256, f"{MD5}.jpg", f"{SHA256}.png", ""])
@pytest.mark.parametrize(
    "query",
    [
        *("s=80&d=identicon", "d=identicon&s=80", "size=80", "s=80&d=404&r=pg", "s=80&default=monsterid&rating=x"),
        *("s=80&d=https%3A%2F%2Fexample.org%2Fme.png", "s=80&d=mp&f=y", "size=80&forcedefault=y", "s=80&d=mm&d=retro"),
        *("s=80&d=", "s=80&d=initials&initials=AL", "s=80.0", "d=blank&s=80&ver=1732567890"),
    ],
)
def test_a_gravatar_address_works(client: TestClient, name: str, query: str) -> None:
    picture = _picture(client.get(f"/avatar/{name}?{query}"))
    assert picture.size == (80, 80)


@pytest.mark.parametrize(
    ("given", "size"),
    [
        *(
            ("1", 1),
            ("2", 2),
            ("15", 15),
            ("17", 17),
            ("100", 100),
            ("2048", 2048),
            ("2049", 2048),
            ("99999999999", 2048),
        ),
        *(("0", 1), ("-5", 1), ("62.5", 62), ("1e3", 1000), ("inf", 2048), ("", 16), (" 80", 80), ("080", 80)),
        *(("80px", 80), ("80.7em", 81), ("64x64", 64), ("5e2%", 500), ("-1px", 1), ("1e400", 2048)),
        *(("large", 16), ("px", 16), ("NaN", 16), ("undefined", 16), ("٣", 16), ("{size}", 16), (".", 16)),
    ],
)
@pytest.mark.parametrize("parameter", ["s", "size"])
def test_an_avatar_of_any_size(client: TestClient, parameter: str, given: str, size: int) -> None:
    answer = client.get("/avatar/ada", params={parameter: given})
    assert _picture(answer).size == (size, size)


def test_the_long_name_of_the_size_goes_before_the_short_one(client: TestClient) -> None:
    assert _picture(client.get("/avatar/ada?s=80&size=32")).size == (32, 32)


def test_a_tiny_avatar_shows_the_whole_face(client: TestClient) -> None:
    """Each of its pixels is the mean of those that it stands for, not one of them."""
    face = _grey(client.get("/avatar/ada"))
    means = face.reshape(8, 2, 8, 2).mean(axis=(1, 3))
    assert np.abs(_grey(client.get("/avatar/ada?s=8")) - means).max() <= 1


def test_formats_are_kept_apart_by_caches(client: TestClient) -> None:
    etags = {client.get(f"/avatar/ada{ending}").headers["etag"] for ending in ("", ".png", ".webp", ".svg")}
    assert len(etags) == 4
    svg = client.get("/avatar/ada.svg")
    assert client.get("/avatar/ada.svg", headers={"If-None-Match": svg.headers["etag"]}).status_code == 304


def test_other_pictures_still_refuse_sizes_out_of_range(client: TestClient) -> None:
    for url in ("/sample?size=8", "/sample?size=2048", "/samples?count=1&size=8"):
        assert client.get(url).status_code == 422


def test_the_api_page_lists_the_formats(client: TestClient) -> None:
    call = client.get("/openapi.json").json()["paths"]["/avatar/{name}"]["get"]
    assert list(call["responses"]["200"]["content"]) == [
        *("image/png", "image/webp", "image/jpeg", "image/gif", "image/svg+xml")
    ]
    assert "?s=80&d=identicon" in call["description"]
