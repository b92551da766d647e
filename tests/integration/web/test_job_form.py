"""The form by which a job comes with a file: whatever is wrong with it, the answer says what is expected."""

import logging
from typing import Any

import pytest
from fastapi.testclient import TestClient

CSV = ("points.csv", b"1,2\n3,4\n")
JOB = '{"model": "wgan_gp"}'

FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"data": {"job": JOB, "seed": "3"}, "files": {"data": CSV}}, "got 'seed' as well; settings"),
    "an unknown file": ({"data": {"job": JOB}, "files": {"data": CSV, "more": CSV}}, "got 'more' as well"),
    "a file of another name": ({"data": {"job": JOB}, "files": {"file": CSV}}, "got 'file' as well"),
    "a long name": ({"data": {"job": JOB, "x" * 900: "1"}, "files": {"data": CSV}}, "got 'xxxxxxxxx"),
    "two files": ({"data": {"job": JOB}, "files": [("data", CSV), ("data", CSV)]}, "got data 2 times"),
    "two jobs": ({"data": {"job": [JOB, JOB]}, "files": {"data": CSV}}, "got job 2 times"),
    "no job": ({"files": {"data": CSV}}, "got no job"),
    "no file": ({"files": {"job": (None, JOB)}}, "got no data"),
    "a job as a file": ({"files": {"job": ("job.json", JOB.encode()), "data": CSV}}, "got job as a file; with curl"),
    "data as text": ({"files": {"job": (None, JOB), "data": (None, "1,2")}}, "got data as text; with curl, the name"),
    "very many fields": ({"data": {"job": [JOB] * 50}, "files": {"data": CSV}}, "Too many fields"),
    "very many files": ({"data": {"job": JOB}, "files": [("data", CSV)] * 50}, "Too many files"),
    "a very long field": ({"data": {"job": " " * 2**20 + JOB}, "files": {"data": CSV}}, "exceeded maximum size"),
}  # fmt: skip


@pytest.mark.parametrize("case", FORMS)
def test_a_form_that_is_not_as_expected_is_told_what_is(case: str, client: TestClient) -> None:
    form, problem = FORMS[case]
    answer = client.post("/jobs", **form)
    assert answer.status_code in (400, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    detail = answer.json()["detail"]
    assert detail.startswith(
        "expected one field job with the JSON and one file data (CSV, .npy or a picture), as curl sends with"
    )
    assert problem in detail
    assert len(detail) < 300


@pytest.mark.parametrize(("text", "shown"), [("model=wgan_gp", "'model=wgan_gp'"), ("", "''"), ("{" * 99, "'{{{{")])
def test_a_job_that_is_no_json_is_named(text: str, shown: str, client: TestClient) -> None:
    answer = client.post("/jobs", data={"job": text}, files={"data": CSV})
    assert answer.status_code == 400
    assert f'job: expected JSON such as {{"model":"wgan_gp"}}, got {shown}' in answer.json()["detail"]
    assert len(answer.json()["detail"]) < 150


def test_a_broken_form_is_its_sender_s_affair(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing is written into the log of the service, which anybody could fill."""
    with caplog.at_level(logging.DEBUG, "root"):
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert client.post("/jobs", content=b'{"model": "wgan_gp"}', headers=headers).status_code == 400
    assert [record for record in caplog.records if record.name.startswith("python_multipart")] == []
