"""The metrics of this process and its jobs, in the words of Prometheus. docs/operations.md explains each."""

import platform
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from app import __version__, part
from app.faces.engine import FaceEngine
from app.faces.service import Model
from app.jobs.service.figures import Disk
from app.jobs.totals import Totals
from app.tallies import Histogram
from app.web.connection_limits import refusals
from app.web.reloading import Reloader
from app.web.traffic import Traffic

_KIND = ("method", "route", "status")


class Families(Collector):
    """Families of metrics that were read a moment ago, for the encoders."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return the families."""
        return self._families


def exposition(families: Iterable[Metric], accept: str) -> tuple[bytes, str]:
    """Return metrics, and what the operating system says of this process, in the format that a client accepts.

    Returns:
        The text and its media type.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Families(families))
    registry.register(Families(of_this_process(ProcessCollector(registry=None).collect())))
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type


def of_this_process(families: Iterable[Metric]) -> Iterator[Metric]:
    """Tell metrics of this process from those of others that answer on the same port, if there are any."""
    for family in families:
        if part.mine is not None:
            label = {"process": str(part.mine.number)}
            family.samples = [sample._replace(labels=sample.labels | label) for sample in family.samples]
        yield family


def of_answers(traffic: Traffic) -> Iterator[Metric]:
    """Return what was answered, by route and status."""
    requests = CounterMetricFamily("nobody_http_requests", "Requests that were answered.", labels=_KIND)
    sizes = CounterMetricFamily("nobody_http_response_bytes", "Bytes of the bodies of answers.", labels=_KIND)
    seconds = HistogramMetricFamily(
        "nobody_http_request_duration_seconds", "Time to the end of an answer, event streams excepted.", labels=_KIND
    )
    for (method, route, status), answers in list(traffic.answers.items()):
        kind = (method, route, str(status))
        requests.add_metric(kind, answers.count)
        sizes.add_metric(kind, answers.bytes)
        seconds.add_metric(kind, *_of(answers.seconds))
    refused = CounterMetricFamily(
        "nobody_http_refused_requests", "Requests that broke a limit of the connection.", labels=["status"]
    )
    for status, count in list(refusals.items()):
        refused.add_metric([str(status)], count)
    yield from (requests, sizes, seconds, refused)
    yield GaugeMetricFamily("nobody_event_streams_open", "Event streams that are open.", traffic.open_streams)


def of_faces(engine: FaceEngine, model: Model) -> Iterator[Metric]:
    """Return what was drawn, and with which weights."""
    yield CounterMetricFamily("nobody_faces_drawn", "Faces that the generator has drawn.", engine.batches.total)
    buckets, total = _of(engine.batches)
    yield HistogramMetricFamily("nobody_face_batch_size", "Faces of one run of the generator.", buckets, total)
    yield CounterMetricFamily("nobody_face_batch_failures", "Runs of the generator that failed.", engine.failed_batches)
    yield GaugeMetricFamily("nobody_portrait_stock", "New faces that are ready.", model.portraits.stock)
    yield InfoMetricFamily("nobody_weights", "The weights that are served.", {"sha256": model.generator.sha256})
    versions = {"version": __version__, "python": platform.python_version()}
    yield InfoMetricFamily("nobody_build", "What this process runs.", versions)


def of_reloads(reloader: Reloader) -> Iterator[Metric]:
    """Return how often new weights were asked for."""
    help_text = "Attempts to serve new weights: those that did, and those after which the old ones stayed."
    reloads = CounterMetricFamily("nobody_weights_reloads", help_text, labels=["outcome"])
    reloads.add_metric(["replaced"], reloader.done)
    reloads.add_metric(["failed"], reloader.failed)
    yield reloads


def of_jobs(totals: Totals | None) -> Iterator[Metric]:
    """Return what the database says of the jobs: only that it does not answer, if ``totals`` is None."""
    yield GaugeMetricFamily("nobody_database_up", "Whether the database of the jobs answers.", totals is not None)
    if totals is None:
        return
    jobs = GaugeMetricFamily("nobody_jobs", "Jobs by state.", labels=["state"])
    for state, count in totals.jobs.items():
        jobs.add_metric([state], count)
    heartbeats = "Heartbeats of workers that share a database."
    beats = CounterMetricFamily("nobody_worker_heartbeats", heartbeats, labels=["worker"])
    for worker, count in totals.beats.items():
        beats.add_metric([worker], count)
    yield from (jobs, beats)
    yield GaugeMetricFamily("nobody_workers", "Workers that take jobs.", totals.workers)
    wait = "Time for which the job has waited that was queued first; 0 if none waits."
    yield GaugeMetricFamily("nobody_job_oldest_wait_seconds", wait, totals.oldest_wait)
    speed = "Steps a second of all jobs that are trained now."
    yield GaugeMetricFamily("nobody_training_steps_per_second", speed, totals.steps_per_second)
    recoveries = "Times that the jobs that there are were taken up again after their process or worker had died."
    yield GaugeMetricFamily("nobody_job_recoveries", recoveries, totals.recoveries)


def of_disk(disk: Disk | None) -> Iterator[Metric]:
    """Return what the files of the jobs take, if it is known."""
    if disk is not None:
        used = "Bytes of the disk that the files of the jobs take: NOBODY_DATA, or their table in PostgreSQL."
        yield GaugeMetricFamily("nobody_data_used_bytes", used, disk.used)
        if disk.free is not None:
            yield GaugeMetricFamily("nobody_data_free_bytes", "Bytes that are free where NOBODY_DATA lies.", disk.free)


def _of(histogram: Histogram) -> tuple[list[tuple[str, float]], float]:
    """Return buckets and sum as the families want them."""
    buckets = [
        ("+Inf" if bound == float("inf") else str(bound), float(count)) for bound, count in histogram.cumulative()
    ]
    return buckets, histogram.total
