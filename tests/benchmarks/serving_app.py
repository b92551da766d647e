"""The service with two answers to compare it with; ``python -m tests.benchmarks.serving_app PORT`` serves it.

``/constant`` is a plain FastAPI route of the same application that returns one constant PNG; ``/bare`` the same PNG
from a bare ASGI callable, the most that this server can do.
"""

import io
import sys

import uvicorn
from fastapi import FastAPI, Response
from PIL import Image
from starlette.types import Message, Receive, Scope, Send

from app.config import load_settings
from app.main import create_app
from app.web.connections import limited


def _constant_png() -> bytes:
    # Made without NumPy, which app has to be imported before: it says how many threads NumPy may use.
    buffer = io.BytesIO()
    Image.effect_noise((16, 16), 64).save(buffer, "PNG")
    return buffer.getvalue()


_PNG = _constant_png()
_START: Message = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"image/png"), (b"content-length", b"%d" % len(_PNG))],
}
_BODY: Message = {"type": "http.response.body", "body": _PNG}


class _WithBareAnswer:
    def __init__(self, app: FastAPI) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/bare":
            await send(_START)
            await send(_BODY)
        else:
            await self._app(scope, receive, send)


def main() -> None:
    app = create_app(load_settings())

    @app.get("/constant", response_class=Response)
    async def constant() -> Response:
        return Response(_PNG, media_type="image/png")

    # As app.web.server runs it.
    uvicorn.run(_WithBareAnswer(app), port=int(sys.argv[1]), http=limited(), access_log=False, log_level="warning")


if __name__ == "__main__":
    main()
