"""New weights under load: each answer belongs to one model, none is lost, and the old model goes."""

import base64
import gc
import hashlib
import http.client
import itertools
import json
import os
import socket
import threading
import time
import weakref
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.config import Settings
from app.faces import imaging, portraits
from app.faces.engine import FacesUnavailableError
from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from app.main import create_app
from app.web.connections import limited
from app.web.reloading import read_report
from models import WeightsError
from tests.conftest import PATIENCE
from tests.integration.conftest import write_weights

SWAPS = 20


class Answer(NamedTuple):
    """What tells answers of two models apart."""

    status: int
    etag: str | None
    body: str


@contextmanager
def _listening(app: FastAPI) -> Iterator[str]:
    """Serve an application on a port, on a thread; yield host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=limited(), log_config=None, access_log=False, server_header=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _answer(status: int, etag: str | None, body: bytes) -> Answer:
    if status == 404:  # its body also has an id of its own
        body = json.loads(body)["detail"].encode()
    return Answer(status, etag, hashlib.sha256(body).hexdigest())


def _ask(address: str, requests: Iterator[tuple[str, str]], stop: threading.Event) -> list[tuple[Any, ...]]:
    """Ask until the end, and return for each request: path, what the client knew, answer, seed and bytes of a face."""
    answers = []
    connection = http.client.HTTPConnection(address, timeout=PATIENCE)
    while not stop.is_set():
        path, known = next(requests)
        connection.request("GET", path, headers={"If-None-Match": known} if known else {})
        got = connection.getresponse()
        body, headers = got.read(), got.headers
        answers.append((path, known, _answer(got.status, headers["ETag"], body), headers["X-Seed"], body))
    connection.close()
    return answers


def test_twenty_swaps_under_load_mix_nothing_and_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portraits, "STOCK", 256)
    monkeypatch.setattr(portraits, "LOW_STOCK", 128)
    folders = [tmp_path / "a", tmp_path / "b"]
    for seed, folder in enumerate(folders):
        folder.mkdir()
        write_weights(folder, seed)
    generators = [FaceGenerator(folder) for folder in folders]
    names = [generator.id for generator in generators]
    paths = [
        *("/info", "/?seed=7", "/samples?seed=1&count=200", "/avatar/ada", "/latent?seed=5", "/sample?seed=5&size=32"),
        *(f"/sample?seed={seed}" for seed in range(5)),
        *(f"/sample?seed=6&weights={name}" for name in names),
        *(f"/avatar/ada.webp?weights={name}" for name in names),
    ]

    app = create_app(Settings(weights=folders[0], data=tmp_path))
    with ExitStack() as stack:
        address = stack.enter_context(_listening(app))
        alone = [
            stack.enter_context(TestClient(create_app(Settings(weights=folder)), base_url=f"http://{address}"))
            for folder in folders
        ]

        def allowed(path: str, known: str) -> set[Answer]:
            got = [client.get(path, headers={"If-None-Match": known} if known else {}) for client in alone]
            return {_answer(one.status_code, one.headers.get("etag"), one.content) for one in got}

        asked = [(path, "") for path in paths]
        asked += [(path, etag) for path in paths for one in alone if (etag := one.get(path).headers.get("etag"))]
        expected = {request: allowed(*request) for request in asked}
        assert sum(len(answers) == 2 for answers in expected.values()) > len(asked) / 2, "models must differ"

        faces, reloader = app.state.faces, app.state.reloader
        order = itertools.cycle(reversed(generators))
        monkeypatch.setattr(faces, "_load", lambda: next(order))
        loop = faces.engine._tasks[0].get_loop()
        old, stop = [], threading.Event()
        with ThreadPoolExecutor(4) as threads:
            mixed = [itertools.cycle([*asked[i::4], ("/sample", ""), ("/sample?random=1", "")]) for i in range(4)]
            clients = [threads.submit(_ask, address, requests, stop) for requests in mixed]
            try:
                for swap in range(1, SWAPS + 1):
                    old.append(weakref.ref(faces.model))
                    loop.call_soon_threadsafe(reloader.ask)
                    _until(lambda swap=swap: reloader.done == swap)  # type: ignore[misc]
                    assert faces.model.generator is generators[swap % 2]
            finally:
                stop.set()
            answers = [answer for client in clients for answer in client.result()]
        assert (reloader.done, reloader.failed) == (SWAPS, 0)
        _until(lambda: gc.collect() >= 0 and not any(model() for model in old))

    new = defaultdict(list)
    seen = defaultdict(set)
    for path, known, answer, seed, body in answers:
        if (path, known) in expected:
            assert answer in expected[path, known], (path, known, answer)
            seen[path, known].add(answer)
        else:
            assert answer.status == 200
            new[int(seed)].append(body)
    assert max(map(len, seen.values())) == 2, "the load met both models"
    assert all(len(bodies) == 1 for bodies in new.values()), "no new face is given twice"
    pictures = [imaging.pngs(generator(latents_of_seeds(list(new)))) for generator in generators]
    for [body], *possible in zip(new.values(), *pictures, strict=True):
        assert body in possible


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (WeightsError("x.h5: found no such file"), "x.h5: found no such file"),
        (MemoryError(), "MemoryError"),
        (FacesUnavailableError("the generator failed: no faces today"), "no faces today"),
    ],
)
def test_after_a_fault_the_old_weights_stay_and_it_is_said_why(
    error: Exception,
    reason: str,
    weights: Path,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = create_app(Settings(weights=weights, data=tmp_path))
    faces, reloader = app.state.faces, app.state.reloader
    model = faces.model

    def fail(*_: Any) -> Any:
        raise error

    if isinstance(error, FacesUnavailableError):  # sound weights that can nevertheless not draw
        monkeypatch.setattr(faces, "_load", lambda: fail)
    else:
        monkeypatch.setattr(faces, "_load", fail)
    with TestClient(app) as client:
        assert client.portal is not None
        before = client.get("/sample?seed=1")
        for attempt in (1, 2):
            client.portal.call(reloader.ask)
            _until(lambda attempt=attempt: reloader.failed == attempt)  # type: ignore[misc]
        _until(lambda: read_report(tmp_path, os.getpid()) is not None)
        report = read_report(tmp_path, os.getpid())
        after = client.get("/sample?seed=1")
        assert (after.content, after.headers["etag"]) == (before.content, before.headers["etag"])
        assert client.get("/sample").status_code == 200
    assert faces.model is model
    assert report is not None
    assert report.sha256 == model.generator.sha256
    assert reason in report.error
    assert [record.levelname for record in caplog.records if model.generator.id in record.getMessage()] == ["ERROR"] * 2


def test_many_requests_for_new_weights_at_once_are_one(weights: Path, tmp_path: Path) -> None:
    app = create_app(Settings(weights=weights, data=tmp_path))
    with TestClient(app) as client:
        reloader = app.state.reloader

        def ask() -> None:
            for _ in range(100):
                reloader.ask()

        assert client.portal is not None
        client.portal.call(ask)
        _until(lambda: read_report(tmp_path, os.getpid()) is not None)
        page = client.get("/?seed=3").text
        face = base64.b64encode(client.get("/sample?seed=3").content).decode()
        assert face in page
        assert reloader.done == 1
