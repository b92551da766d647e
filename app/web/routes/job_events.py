"""The events of a training job."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.exceptions import HTTPException

from app.jobs.service.event_feeds import EventFeeds
from app.jobs.service.events import EventLog
from app.jobs.service.views import Events
from app.web.caching import NO_STORE
from app.web.dependencies import Feeds, Jobs
from app.web.negotiation import preferred
from app.web.schemas.jobs import EventsQuery, JobId, LastEventId

router = APIRouter(prefix="/jobs", tags=["jobs"])

#: An event, as OpenAPI 3.2 (and FastAPI) describes one of a stream.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[1-9][0-9]*$"},
        "event": {"enum": ["state", "phase", "data", "progress", "snapshot", "warnings"]},
        "data": {"type": "string", "contentMediaType": "application/json", "contentSchema": {"type": "object"}},
    },
    "required": ["id", "event", "data"],
}
_MEDIA_TYPES = {"stream": "text/event-stream", "json": "application/json"}
#: Events of one answer as JSON.
_PAGE = 200
#: Seconds without an event after which the stream sends a comment, so that proxies do not cut it.
_SILENCE_SECONDS = 15.0


@router.get(
    "/{job_id}/events",
    response_model=Events,
    responses={
        200: {
            "description": "Server-sent events; with `Accept: application/json`, the events so far.",
            "content": {"text/event-stream": {"itemSchema": _EVENT}},
        },
        204: {"description": "The job has ended and you have all its events."},
    },
    summary="Follow the events of a job",
)
async def events(
    job_id: JobId,
    query: Annotated[EventsQuery, Query()],
    request: Request,
    jobs: Jobs,
    feeds: Feeds,
    last_event_id: LastEventId = None,
) -> Any:
    """Follow a job until it has ended.

    The events: `state`, `phase` (what the worker does with it), `data` (the real examples), `progress`, `snapshot`, and
    `warnings` (problems that keep the job from learning from now on; empty when they are over).

    A client that reconnects with `Last-Event-ID` gets the events that it missed, each once.
    """
    after = _last_event(last_event_id, query.after)
    log = await jobs.calls.run(EventLog, jobs, job_id, after)
    if after > log.last:
        raise HTTPException(422, f"expected an event that there is, at most {log.last}, got {after}")
    if preferred(request, _MEDIA_TYPES) == "json":
        return Response(await jobs.calls.run(log.page, _PAGE), media_type="application/json", headers=NO_STORE)
    if log.exhausted:
        return Response(status_code=204)
    headers = {**NO_STORE, "X-Accel-Buffering": "no"}
    if request.scope.get("head"):
        return Response(headers=headers, media_type="text/event-stream")
    feeds.check(jobs.caller)
    return StreamingResponse(_stream(log, feeds), media_type="text/event-stream", headers=headers)


async def _stream(log: EventLog, feeds: EventFeeds) -> AsyncIterator[bytes]:
    async with aclosing(log.follow(feeds, _SILENCE_SECONDS)) as news:
        async for event in news:
            if event is None:
                yield KEEPALIVE_COMMENT
            else:
                yield format_sse_event(data_str=event.data, event=event.kind, id=str(event.id))


def _last_event(header: str | None, after: int | None) -> int:
    if header is None:
        return after or 0
    if not header.isascii() or not header.isdigit() or len(header) > 18:
        raise HTTPException(422, f"Last-Event-ID: expected the id of an event, a whole number, got {header[:80]!r}")
    return int(header)
