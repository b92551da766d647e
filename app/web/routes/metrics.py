"""Metrics for Prometheus."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse

from app.web.caching import NO_STORE
from app.web.dependencies import FacesServed, Figures, Reloads, TrafficSeen

router = APIRouter(tags=["service"])

_EXAMPLE = """\
# HELP nobody_http_requests_total Requests that were answered.
# TYPE nobody_http_requests_total counter
nobody_http_requests_total{method="GET",route="/sample",status="200"} 1042.0
"""


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"description": "The metrics.", "content": {"text/plain": {"example": _EXAMPLE}}}},
    summary="Say what is going on",
)
async def metrics(
    request: Request, traffic: TrafficSeen, faces: FacesServed, reloads: Reloads, figures: Figures
) -> Response:
    """Give the metrics of this process and of all jobs to Prometheus.

    `docs/operations.md` explains each. The database is asked at most every two seconds. If it does not answer,
    `nobody_database_up` is 0 and what it knows is left out. Close this path where a proxy faces the internet.
    """
    from app.web import metrics  # brings prometheus_client, for which the first face should not wait

    families = [
        *metrics.of_this_process(metrics.of_answers(traffic)),
        *metrics.of_this_process(metrics.of_faces(faces.engine, faces.model)),
        *metrics.of_this_process(metrics.of_reloads(reloads)),
        *metrics.of_jobs(await figures.totals()),
        *metrics.of_disk(await figures.disk()),
    ]
    text, media_type = metrics.exposition(families, request.headers.get("accept", ""))
    return Response(text, media_type=media_type, headers=NO_STORE)
