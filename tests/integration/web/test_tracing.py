"""Traces go where OpenTelemetry's standard variables say."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tests.conftest import PATIENCE, ROOT

#: In a process of its own: what OpenTelemetry is told, it keeps for the whole process.
CODE = """
from fastapi.testclient import TestClient
from app.config import Settings
from app.main import create_app
with TestClient(create_app(Settings())) as client:
    for path in ("/sample?size=32", "/sample", "/none"):
        client.get(path, headers={"traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"})
"""


def test_each_request_has_a_span_in_the_trace_of_its_caller() -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    exported: Any = ExportTraceServiceRequest()

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            exported.MergeFromString(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        environment = os.environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_SERVICE_NAME": "faces"}
        command = [sys.executable, "-W", "error", "-c", CODE]
        subprocess.run(command, cwd=ROOT, env=environment, timeout=PATIENCE, check=True)
        server.shutdown()
    [resource] = exported.resource_spans
    spans = [span for scope in resource.scope_spans for span in scope.spans]
    assert {span.trace_id.hex() for span in spans} == {"0af7651916cd43dd8448eb211c80319c"}
    assert {span.parent_span_id.hex() for span in spans} == {"b7ad6b7169203331"}
    told = sorted((span.name, _attributes(span)["http.response.status_code"]) for span in spans)
    assert told == [("GET", 200), ("GET", 404), ("GET /sample", 200)], "a plain face has no route"
    assert _attributes(resource.resource)["service.name"] == "faces"


def _attributes(of: Any) -> dict[str, Any]:
    return {one.key: one.value.int_value or one.value.string_value for one in of.attributes}
