"""A client of the jobs API."""

import json
import re
import time
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import quote

import httpx

Json = dict[str, Any]

#: The service sends something at least every 15 seconds while it streams.
_TIMEOUT = httpx.Timeout(30, connect=10)
#: Until the first byte of a film there may be many frames to draw, on a busy machine, and films of others before.
_DOWNLOAD_TIMEOUT = httpx.Timeout(300, connect=10)
#: How long to reconnect to a broken stream, and the pauses between attempts, in seconds.
_RECONNECT_SECONDS = 60.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 4.0


class ServiceError(Exception):
    """The service refused the request, or none answered; the message is for the user."""


class _UnreachableError(ServiceError):
    """A retry may succeed."""


class Event(NamedTuple):
    """An event of a job; ``id`` counts from 1."""

    id: int
    kind: str
    data: Json


class JobsClient:
    """The jobs of one service; a context manager.

    Args:
        url: of the service.
        transport: stands in for the network in tests.
        key: for a service that needs one; empty for none.

    Raises:
        ServiceError: this cannot be a key.
    """

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None, key: str = "") -> None:
        if not re.fullmatch("[!-~]*", key):
            raise ServiceError("NOBODY_API_KEY: expected a key as nobody keys add printed it, got other characters")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = url.rstrip("/")
        self._http = httpx.Client(timeout=_TIMEOUT, transport=transport, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def submit(self, job: Json, file: Path | None, key: str | None) -> Json:
        """Submit a job, with its examples in ``file`` if given, and return it.

        Raises:
            ServiceError: the service refused, or none answered.
            OSError: the file cannot be read.
        """
        headers = {} if key is None else {"Idempotency-Key": key}
        if file is None:
            return self._json("POST", "/jobs", json=job, headers=headers)
        with open(file, "rb") as points:
            fields = {"job": json.dumps(job)}
            return self._json("POST", "/jobs", data=fields, files={"data": (file.name, points)}, headers=headers)

    def page(
        self, statuses: list[str], limit: int, after: str | None, owner: str | None = None, search: str | None = None
    ) -> Json:
        """Return a page of ``jobs``, newest first, and ``next``: the ``after`` of the next page."""
        given = {"after": after, "owner": owner, "search": search}
        others = {name: value for name, value in given.items() if value is not None}
        return self._json("GET", "/jobs", params={"status": statuses, "limit": limit} | others)

    def get(self, job_id: str) -> Json:
        """Return a job."""
        return self._json("GET", _path(job_id))

    def ask(self, job_id: str, action: str, body: Json | None = None) -> Json:
        """Cancel, pause, resume or step a job, and return it."""
        return self._json("POST", _path(job_id, action), json=body)

    def fork(self, job_id: str, changes: Json) -> Json:
        """Start a job from a checkpoint of another one, and return it."""
        return self._json("POST", _path(job_id, "fork"), json=changes)

    def rename(self, job_id: str, name: str | None) -> Json:
        """Give a job another name, or none, and return it."""
        return self._json("PATCH", _path(job_id), json={"name": name})

    def delete(self, job_id: str) -> None:
        """Delete a job that has ended."""
        self._request("DELETE", _path(job_id))

    def download(self, job_id: str, what: str) -> bytes:
        """Return ``weights``, ``picture.png``, ``film``, ``history`` or ``script`` of a job."""
        return self._request("GET", _path(job_id, what), timeout=_DOWNLOAD_TIMEOUT).content

    def events(self, job_id: str) -> Iterator[Event]:
        """Yield every event of a job once, past and future ones, until it has ended.

        A broken stream is resumed where it broke.

        Raises:
            ServiceError: the service refused the request, or has not answered for a minute.
        """
        last, pause, heard = 0, _FIRST_PAUSE, time.monotonic()
        while True:
            known = last
            try:
                for event in self._stream(job_id, known):
                    if event is None:
                        return
                    if event.id > last:
                        last = event.id
                        yield event
                    pause, heard = _FIRST_PAUSE, time.monotonic()
                if last > known:
                    continue
            except _UnreachableError:
                if time.monotonic() - heard > _RECONNECT_SECONDS:
                    raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _stream(self, job_id: str, last: int) -> Iterator[Event | None]:
        """Yield the events after ``last`` until the stream ends; None after the last event of an ended job."""
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
        try:
            with self._http.stream("GET", self._url + _path(job_id, "events"), headers=headers) as response:
                if response.status_code == HTTPStatus.NO_CONTENT:
                    yield None
                    return
                if not response.is_success:
                    response.read()
                _check(response)
                if not response.headers.get("Content-Type", "").startswith("text/event-stream"):
                    raise self._not_nobody()
                yield from _parsed(response.iter_lines())
        except httpx.HTTPError as error:
            raise self._unreachable(error) from None

    def _json(self, method: str, path: str, **arguments: Any) -> Json:
        response = self._request(method, path, **arguments)
        try:
            content = response.json()
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise self._not_nobody()
        return content

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            response = self._http.request(method, self._url + path, **arguments)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise self._unreachable(error) from None
        _check(response)
        return response

    def _not_nobody(self) -> ServiceError:
        return ServiceError(
            f"the server at {self._url} is no nobody service; name the right one with --url or NOBODY_URL"
        )

    def _unreachable(self, error: Exception) -> ServiceError:
        if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
            return ServiceError(f"expected a URL such as http://127.0.0.1:8000, got {self._url!r}")
        reason = "it took too long" if isinstance(error, httpx.TimeoutException) else str(error) or "it hung up"
        return _UnreachableError(
            f"no service answers at {self._url} ({reason}); start one with `nobody serve`, or name it with "
            "--url or NOBODY_URL"
        )


def _path(job_id: str, *rest: str) -> str:
    return "/".join(("/jobs", quote(job_id, safe=""), *rest))


def _check(response: httpx.Response) -> None:
    """Check that a response has a status of success.

    Raises:
        ServiceError: it has not.
    """
    if response.is_success:
        return
    try:
        detail = str(response.json()["detail"])
    except (ValueError, LookupError, TypeError):
        detail = f"the service answered {response.status_code} {response.reason_phrase}"
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        detail += " (this command sends the key in NOBODY_API_KEY)"
    if wait := response.headers.get("Retry-After"):
        detail += f" (try again in {wait} s)"
    raise (_UnreachableError if response.is_server_error else ServiceError)(detail)


def _parsed(lines: Iterator[str]) -> Iterator[Event]:
    """Parse server-sent events; skip comments and events without an id."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            fields[name] = f"{fields['data']}\n{value}" if name == "data" and name in fields else value
            continue
        if "data" in fields and fields.get("id", "").isdecimal():
            yield Event(int(fields["id"]), fields.get("event", "message"), json.loads(fields["data"]))
        fields = {}
