"""Pictures on other people's pages: what they add to a URL does no harm, and a slip is named."""

import pytest
from fastapi.testclient import TestClient

ADDED = [
    *(
        "t=1",
        "random=2",
        "_=3",
        "v=4",
        "r=6",
        "w=7",
        "h=8",
        "ts=9",
        "rand=0.123",
        "cb=1",
        "nocache=1",
        "time=now",
    ),
    *(
        "cachebust=1",
        "utm_source=a&utm_medium=b",
        "fbclid=x%3Dy",
        "1732567890123",
        "&",
        "=",
        "t",
        "t=",
        "%ff=%ff",
        "a[]=1",
    ),
    *("t=1&t=2", "_=1&_=1&_=2", "random=1&random=1", "random=", "random=%20", "random=1&t=2"),
]
PICTURES = [
    "/sample",
    "/samples?count=2",
    "/sample?seed=7",
    "/samples?count=2&seed=7",
    "/interpolate?from=1&to=2&steps=3",
    "/latent?seed=7",
    "/avatar/ada",
]


def _with(url: str, added: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}{added}"


@pytest.mark.parametrize("url", PICTURES)
@pytest.mark.parametrize("added", ADDED)
def test_what_pages_add_to_a_url_does_no_harm(client: TestClient, url: str, added: str) -> None:
    plain, answer = client.get(url), client.get(_with(url, added))
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == plain.headers["cache-control"]
    if plain.headers["cache-control"] == "no-store":
        assert answer.content != plain.content
    else:
        assert answer.content == plain.content


@pytest.mark.parametrize("url", [url for url in PICTURES if "avatar" not in url])  # there it is Gravatar's size
def test_an_s_does_no_harm(client: TestClient, url: str) -> None:
    assert client.get(_with(url, "s=5&s=x")).status_code == 200


def test_every_url_with_a_number_shows_a_new_face(client: TestClient) -> None:
    answers = [client.get(f"/sample?{name}={i}") for name in ("random", "t") for i in (1, 2, 3, 1, 2, 3)]
    assert {answer.headers["cache-control"] for answer in answers} == {"no-store"}
    assert len({answer.headers["x-seed"] for answer in answers}) == len(answers)
    assert len({answer.content for answer in answers}) == len(answers)


def test_latents_of_ones_own_may_have_additions_too(client: TestClient) -> None:
    assert client.post("/sample?t=1&t=2", json={"latents": [[0.0] * 16]}).status_code == 200


@pytest.mark.parametrize(
    ("url", "slip", "meant"),
    [
        ("/sample?trunction=0.5", "trunction", "truncation"),
        ("/sample?Seed=1", "Seed", "seed"),
        ("/sample?sed=1", "sed", "seed"),
        ("/sample?random=1&sizes=32", "sizes", "size"),
        ("/sample?seed=1&weight=0123456789ab", "weight", "weights"),
        ("/samples?colums=3", "colums", "columns"),
        ("/samples?conut=3&conut=4", "conut", "count"),
        ("/interpolate?from=1&to=2&FPS=3", "FPS", "fps"),
        ("/interpolate?from=1&to=2&setps=3", "setps", "steps"),
        ("/latent?seed=1&seeds=2", "seeds", "seed"),
        ("/avatar/ada?siez=32", "siez", "size"),
        ("/jobs?limt=3", "limt", "limit"),
    ],
)
def test_a_slip_is_refused_and_the_right_name_said(client: TestClient, url: str, slip: str, meant: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 422
    assert answer.json()["detail"] == f"query.{slip}: there is no such parameter here; did you mean {meant}?"


@pytest.mark.parametrize("url", ["/jobs?t=1", "/jobs?random=1&random=2"])
def test_jobs_refuse_what_they_do_not_know(client: TestClient, url: str) -> None:
    answer = client.get(url)
    assert answer.status_code == 422
    assert "there is no such parameter here; /docs lists those that there are" in answer.json()["detail"]


def test_the_api_page_says_how_to_show_several_faces(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert "/sample?random=1" in document["paths"]["/sample"]["get"]["description"]
    assert "/samples?random=1" in document["paths"]["/samples"]["get"]["description"]


@pytest.mark.parametrize("url", PICTURES)
def test_thousands_of_parameters_are_not_read(client: TestClient, url: str) -> None:
    """To look for slips among them took a tenth of a second, in which nobody else was answered."""
    few, many = ("&".join(f"steep{i}=1" for i in range(count)) for count in (90, 101))
    start = url + ("&" if "?" in url else "?")
    assert client.get(start + few).status_code == 200
    answer = client.get(start + many)
    assert answer.status_code == 422
    assert answer.json()["detail"] == "query: expected at most 100 parameters in the URL"
