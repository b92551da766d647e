"""The metrics in both formats of Prometheus, as its own parsers read them."""

import re
from types import SimpleNamespace
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app import ROOT
from app.jobs.service.figures import Disk
from app.jobs.states import State
from app.jobs.totals import Totals
from app.tallies import Histogram
from app.web import metrics
from app.web.connection_limits import refusals
from app.web.traffic import Traffic

TOTALS = Totals(dict.fromkeys(State, 0) | {State.QUEUED: 3}, 12.5, 800.0, 2, 1, {"host-0": 7})

DISK = Disk(2**20, 2**30)


class _Faces:
    """What the metrics read of an engine, of a model and of a reloader."""

    def __init__(self) -> None:
        self.batches = Histogram([1, 2, 4])
        self.batches.add(3)
        self.failed_batches = 1
        self.portraits = SimpleNamespace(stock=2_000)
        self.generator = SimpleNamespace(sha256="ab" * 32)
        self.done, self.failed = 5, 1


def _families(totals: Totals | None = TOTALS, disk: Disk | None = DISK) -> list[Metric]:
    traffic = Traffic()
    traffic.of("GET", "/samples", 200).seconds.add(0.02)
    traffic.of("GET", "/samples", 200).bytes += 1_000
    faces: Any = _Faces()
    return [
        *metrics.of_answers(traffic),
        *metrics.of_faces(faces, faces),
        *metrics.of_reloads(faces),
        *metrics.of_jobs(totals),
        *metrics.of_disk(disk),
    ]


def _values(families: Any) -> dict[str, float]:
    """Return all values by name and labels, as the text has them."""
    samples = [sample for family in families for sample in family.samples]
    return {
        sample.name + "".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for sample in samples
    }


@pytest.mark.parametrize(
    ("accept", "media_type"), [("", "text/plain"), ("application/openmetrics-text;version=1.0.0", "application/openm")]
)
def test_every_value_arrives_in_each_format(monkeypatch: pytest.MonkeyPatch, accept: str, media_type: str) -> None:
    monkeypatch.setitem(refusals, 408, 4)
    text, kind = metrics.exposition(_families(), accept)
    assert kind.startswith(media_type)
    parse = openmetrics.text_string_to_metric_families if accept else text_string_to_metric_families
    values = _values(parse(text.decode()))
    assert (
        values.items()
        >= {
            "nobody_http_requests_total method=GET route=/samples status=200": 1,
            "nobody_http_response_bytes_total method=GET route=/samples status=200": 1_000,
            "nobody_http_request_duration_seconds_bucket le=0.01 method=GET route=/samples status=200": 0,
            "nobody_http_request_duration_seconds_bucket le=0.025 method=GET route=/samples status=200": 1,
            "nobody_http_request_duration_seconds_bucket le=+Inf method=GET route=/samples status=200": 1,
            "nobody_http_request_duration_seconds_count method=GET route=/samples status=200": 1,
            "nobody_http_request_duration_seconds_sum method=GET route=/samples status=200": 0.02,
            "nobody_http_refused_requests_total status=408": 4,
            "nobody_event_streams_open": 0,
            "nobody_faces_drawn_total": 3,
            "nobody_face_batch_size_bucket le=2.0": 0,
            "nobody_face_batch_size_bucket le=4.0": 1,
            "nobody_face_batch_failures_total": 1,
            "nobody_portrait_stock": 2_000,
            f"nobody_weights_info sha256={'ab' * 32}": 1,
            "nobody_weights_reloads_total outcome=replaced": 5,
            "nobody_weights_reloads_total outcome=failed": 1,
            "nobody_database_up": 1,
            "nobody_jobs state=queued": 3,
            "nobody_jobs state=failed": 0,
            "nobody_job_oldest_wait_seconds": 12.5,
            "nobody_training_steps_per_second": 800,
            "nobody_job_recoveries": 2,
            "nobody_workers": 1,
            "nobody_worker_heartbeats_total worker=host-0": 7,
            "nobody_data_used_bytes": 2**20,
            "nobody_data_free_bytes": 2**30,
        }.items()
    )
    assert values["process_resident_memory_bytes"] > 2**20


def test_a_database_that_does_not_answer_is_said_and_nothing_is_made_up() -> None:
    values = _values(_families(None, None))
    assert values["nobody_database_up"] == 0
    assert not [name for name in values if name.startswith(("nobody_job", "nobody_worker", "nobody_data_"))]


def test_names_follow_the_conventions() -> None:
    for family in _families():
        assert family.name.startswith("nobody_")
        assert family.documentation.endswith(".")
        assert not family.name.endswith(("_total", "_count", "_milliseconds", "_megabytes"))


#: What the names of these kinds of metrics end with.
_ENDINGS = {"counter": "_total", "info": "_info"}


def test_the_documents_know_these_metrics_and_no_others() -> None:
    operations, alerts = _document("operations.md"), _document("alerts.yml")
    samples = [sample for family in _families() for sample in family.samples]
    names = {family.name + _ENDINGS.get(family.type, "") for family in _families()}
    rows = re.findall(r"^\| (.*?) \|", _section(operations, "Metrics"), re.MULTILINE)
    assert {name for row in rows for name in _names(row)} == names, "the table has every metric"
    assert _names(operations) | _names(alerts) <= names | {sample.name for sample in samples}
    labels = {"instance", "job", *(label for sample in samples for label in sample.labels)}
    for found in re.findall(r"(\w+)=\"", alerts) + re.findall(r"by \((.*?)\)", alerts):
        assert set(found.split(", ")) <= labels


def test_each_alert_is_explained() -> None:
    explained = re.findall(r"^\| `(\w+)` \|", _section(_document("operations.md"), "What to watch"), re.MULTILINE)
    assert explained == re.findall(r"- alert: (\w+)$", _document("alerts.yml"), re.MULTILINE)


def _document(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def _section(text: str, title: str) -> str:
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _names(text: str) -> set[str]:
    return set(re.findall(r"\bnobody_[a-z_]+", text))
