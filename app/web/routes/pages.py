"""The pages. They are templates: what depends on the visit is filled in here, escaped."""

import base64
import hashlib
import re
import secrets
from functools import cache
from html import escape
from pathlib import Path
from string import Template
from typing import NamedTuple
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.types import Scope

from app import ROOT
from app.faces import imaging
from app.faces.latents import MAX_SEED, latents_of_seeds
from app.web.dependencies import Draw
from app.web.model_served import ModelServed

STATIC = ROOT / "static"

#: The page draws its seeds below this: numbers that one can say aloud.
SAYABLE_SEEDS = 1_000_000
#: Pixels of the picture that other programs show beside a link.
_PREVIEW_SIZE = 1024
#: Characters of a wrong value that are repeated to the reader.
_MAX_ECHO = 40

_ASK_FIRST = {"Cache-Control": "no-cache"}
_HEADERS = {
    # The page brings all that it needs, and nothing else may run in it. No other page may show it in a frame of its
    # own, where a visitor could be led to press buttons that start or delete jobs.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'self'",
    **_ASK_FIRST,
}
_IMPORT = re.compile(r'\bfrom "(\.{1,2}/[^"]+)"')

router = APIRouter(include_in_schema=False)


class _Place(NamedTuple):
    """What an address of the face page says."""

    seed: int
    truncation: float
    named: bool  # whether the address has a seed, and not the page
    complaint: str  # what is wrong with the address

    @property
    def face(self) -> dict[str, str]:
        """The face as query parameters."""
        face = {"seed": str(self.seed)}
        return face if self.truncation == 1.0 else {**face, "truncation": _plain(self.truncation)}


@router.get("/")
async def face_page(request: Request, draw: Draw, model: ModelServed) -> HTMLResponse:
    """Serve the page with a face in it: the one that the address names, else a new one."""
    place = _read_place(request.query_params.get("seed"), request.query_params.get("truncation"))
    [png] = imaging.pngs(await draw(latents_of_seeds([place.seed]) * np.float32(place.truncation)))
    number = f"{place.seed:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
    base = str(request.base_url)
    picture = "/sample?" + urlencode({**place.face, "size": _PREVIEW_SIZE, "resample": "nearest"})
    return _page(
        "/",
        "index.html",
        "js/face/main.js",
        title=f"No. {number} – nobody" if place.named else "nobody – portraits of people who do not exist",
        url=base + ("?" + urlencode(place.face) if place.named else ""),
        preview=base.rstrip("/") + picture,
        preview_size=str(_PREVIEW_SIZE),
        picture=picture,
        face="data:image/png;base64," + base64.b64encode(png).decode(),
        weights=model.generator.id,
        seed=str(place.seed),
        number=number,
        truncation=_plain(place.truncation),
        permalink="/?" + urlencode(place.face),
        complaint=place.complaint,
    )


@router.get("/lab")
async def lab_page() -> HTMLResponse:
    """Serve the page on which GANs are trained and watched."""
    return _page("/lab", "lab.html", "js/lab/main.js", complaint="")


@router.get("/docs")
async def api_page() -> HTMLResponse:
    """Serve Swagger UI: every call of ``/openapi.json``, to read and to try."""
    return _api_page()


def _page(path: str, name: str, script: str, **values: str) -> HTMLResponse:
    """Put a page's head and body into the frame of all pages, and fill in what depends on the visit, escaped.

    Args:
        path: its address.
        name: its file.
        script: its first module; by ``$modules``, the browser asks for all others at the same time.
        values: what is filled in.
    """
    head, body = (STATIC / name).read_text().split("<body>\n")
    template = (STATIC / "page.html").read_text().replace("$head", head).replace("$body", body)
    modules = "\n\t".join(f'<link rel="modulepreload" href="/static/{module}">' for module in modules_of(script))
    filled = {key: escape(value) for key, value in values.items()}
    return HTMLResponse(Template(template).substitute(filled, modules=modules, nav=_nav(path)), headers=_HEADERS)


def _nav(path: str) -> str:
    """Return the links to all pages, of which one is the current one."""
    return (STATIC / "nav.html").read_text().replace(f'"{path}"', f'"{path}" aria-current="page"')


@cache
def _api_page() -> HTMLResponse:
    """Put our masthead into FastAPI's page, and allow its one inline script by its hash."""
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="API – nobody",
        swagger_js_url="/static/swagger/swagger-ui-bundle.js",
        swagger_css_url="/static/swagger/swagger-ui.css",
        swagger_favicon_url="/static/favicon.svg",
        swagger_ui_parameters={"tryItOutEnabled": True, "displayRequestDuration": True},
    )
    html = bytes(page.body).decode()
    top = (STATIC / "docs.html").read_text().replace("$nav", _nav("/docs"))
    html = html.replace("<html>", '<html lang="en">').replace("<body>", "<body>\n" + top)
    html = re.sub(r'<div id="swagger-ui">\s*</div>', '<main id="swagger-ui"></main>', html)
    [script] = re.findall("<script>(.*?)</script>", html, re.DOTALL)
    allowed = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"{_HEADERS['Content-Security-Policy']}; script-src 'self' 'sha256-{allowed}'"
    return HTMLResponse(html, headers={**_HEADERS, "Content-Security-Policy": policy})


@cache
def modules_of(script: str) -> tuple[str, ...]:
    """Return a script and all that it imports, as paths below ``static``."""
    folder = STATIC.resolve()
    found = [folder / script]
    for module in found:  # which grows
        imported = [(module.parent / name).resolve() for name in _IMPORT.findall(module.read_text())]
        found += [path for path in dict.fromkeys(imported) if path not in found]
    return tuple(Path(path).relative_to(folder).as_posix() for path in found)


def _read_place(seed: str | None, truncation: str | None) -> _Place:
    """Read what an address says. Whatever is wrong with it, there is a face."""
    complaints = []
    number, share = _read_seed(seed or ""), _read_truncation(truncation or "")
    if seed is not None and number is None:
        complaints.append(f"seed: expected a whole number 0 … {MAX_SEED}, got {_echo(seed)}; here is someone else.")
    if truncation is not None and share is None:
        complaints.append(f"truncation: expected a number 0 … 1, got {_echo(truncation)}; 1 is used.")
    return _Place(
        secrets.randbelow(SAYABLE_SEEDS) if number is None else number,
        1.0 if share is None else share,
        number is not None,
        " ".join(complaints),
    )


def _read_seed(text: str) -> int | None:
    digits = "".join(text.split())  # as the page writes it: 482 113
    seed = int(digits) if re.fullmatch("[0-9]{1,16}", digits) else -1
    return seed if 0 <= seed <= MAX_SEED else None


def _read_truncation(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return abs(value) if 0.0 <= value <= 1.0 else None  # abs: −0 is 0


def _plain(number: float) -> str:
    return str(number).removesuffix(".0")


def _echo(text: str) -> str:
    return f"“{text if len(text) <= _MAX_ECHO else text[:_MAX_ECHO] + '…'}”"


class PageFiles(StaticFiles):
    """Styles and scripts. Browsers ask each time whether they changed: a page never mixes two versions."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve one file."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        response = await super().get_response(path, scope)
        response.headers.update(_ASK_FIRST)
        return response
