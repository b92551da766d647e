"""The stream of events: complete whatever happens to the connection, and over when the service is."""

import random
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import PATIENCE
from tests.integration.jobs.harness import (
    LONG,
    NOBODY,
    SHORT,
    SMALL,
    Json,
    Service,
    check_events,
    json_lines,
    service,
    until,
)

DROPS = 100


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with service(tmp_path_factory.mktemp("events"), concurrent_jobs=1) as running:
        yield running
        running.stop()


@pytest.fixture(scope="module")
def ended(running: Service) -> Json:
    """Return a short job that has succeeded."""
    return running.wait(running.submit(**SHORT), "succeeded")


def _stream(running: Service, job: Json, after: int | None, most: int | None) -> list[Json]:
    """Follow the events until ``most`` bytes have come, and drop the connection there; whole events count."""
    headers = {} if after is None else {"Last-Event-ID": str(after)}
    text = ""
    with running.client.stream("GET", f"/jobs/{job['id']}/events", headers=headers) as answer:
        if answer.status_code == 204:
            return []
        assert answer.headers["content-type"].startswith("text/event-stream")
        for chunk in answer.iter_text():
            text += chunk
            if most is not None and len(text) >= most:
                break
    return json_lines(text[: text.rfind("\n\n") + 2])


def test_a_stream_dropped_a_hundred_times(running: Service) -> None:
    moments = random.Random(2)
    job = running.submit(**SMALL, epochs=30)
    seen: list[Json] = []
    for _ in range(DROPS):
        seen += _stream(running, job, seen[-1]["id"] if seen else None, most=moments.randint(0, 30_000))
    seen += _stream(running, job, seen[-1]["id"], most=None)
    check_events(seen, 3_000)
    assert seen == [{name: event[name] for name in ("id", "event", "data")} for event in running.events(job)]
    assert _stream(running, job, seen[-1]["id"], most=None) == [], "asked again, the end says so"


def test_what_the_events_say(running: Service) -> None:
    job = running.submit(**SHORT | {"model": "wgan_gp", "steps_per_epoch": 20, "views": ["gradient", "manifold"]})
    assert job["views"] == ["manifold", "gradient"]
    events = _stream(running, job, None, None)
    data = next(event["data"] for event in events if event["event"] == "data")
    assert (len(data["real"]), len(data["real"][0]), data["dimensions"]) == (400, 5, 5)
    assert len(data["modes"]) == 4
    assert data["box"] == [[0, 1], [0, 1]]
    assert data["mode_radius"] == pytest.approx(0.15)
    snapshots = [event["data"] for event in events if event["event"] == "snapshot"]
    assert snapshots[0]["step"] == 0
    assert snapshots[-1]["step"] == 20
    for snapshot in snapshots:
        assert (len(snapshot["generated"]), len(snapshot["generated"][0])) == (400, 5)
        assert [len(row) for row in snapshot["scores"]] == [40] * 40
        assert set(snapshot["figures"]) == {"modes_covered", "modes_fairly_covered", "high_quality", "reverse_kl"}
        assert len(snapshot["covered"]) == 4
        assert [len(row) for row in snapshot["manifold"]["points"]] == [20] * 20
        assert len(snapshot["gradient"]["vectors"]) == 100
        assert all(len(snapshot[view]["scale"]) == 5 for view in job["views"])
    progress = [event["data"] for event in events if event["event"] == "progress"]
    assert set(progress[0]["losses"]) == {"discr_loss", "gen_loss", "gp"}
    # The progress events tell the means of the history's losses.
    history = running.client.get(f"/jobs/{job['id']}/history").json()["losses"]
    first = progress[0]["step"]
    assert progress[0]["losses"]["gp"] == pytest.approx(sum(history["gp"][:first]) / first, rel=1e-4)


def test_a_job_says_that_it_compiles_and_then_that_it_trains(running: Service) -> None:
    """A job of networks that no process has trained before; the record says the same as the events."""
    job = running.submit(**LONG | {"gen_shape": [3, 11, 5]})

    def phases() -> list[str]:
        events = running.events(job)
        return [event["data"]["phase"] for event in events if event["data"].get("phase")]

    until(lambda: phases() == ["starting", "compiling", "training"], "the phases")
    progress = until(
        lambda: next((event for event in running.events(job) if event["event"] == "progress"), None), "the first steps"
    )
    assert progress["data"]["steps_per_second"] is None, "its seconds are those of compiling"
    assert running.look(job)["phase"] == "training"
    running.ask(job, "cancel")
    assert running.wait(job)["phase"] is None


def test_a_job_says_that_its_discriminator_is_saturated(running: Service) -> None:
    job = running.submit(**SHORT | {"learning_rate": 1, "steps_per_epoch": 20})
    events = _stream(running, job, None, None)
    (told,) = [event["data"]["warnings"] for event in events if event["event"] == "warnings"]
    assert told["discriminator_saturated"].startswith("the discriminator is saturated since step ")
    shown = running.look(job)
    assert shown["status"] == "succeeded"
    assert shown["warnings"] == told


def test_polling_gives_the_same_events(running: Service, ended: Json) -> None:
    streamed = _stream(running, ended, None, None)
    polled = running.events(ended)
    assert [event["data"] for event in polled] == [event["data"] for event in streamed]
    path = f"/jobs/{ended['id']}/events"
    end = running.client.get(path, params={"after": polled[-1]["id"]}, headers={"Accept": "application/json"}).json()
    assert end == {"events": [], "last": polled[-1]["id"], "ended": True}


def test_head_does_not_wait_for_the_end(running: Service) -> None:
    job = running.submit(**LONG)
    answer = running.client.head(f"/jobs/{job['id']}/events")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/event-stream")
    running.ask(job, "cancel")


def test_watch_in_a_pipe_says_what_happens_when_it_happens(running: Service) -> None:
    job = running.submit(**LONG)
    command = [NOBODY, "jobs", "watch", job["id"], "--url", running.address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch:
        assert watch.stdout is not None
        for line in watch.stdout:
            if re.match(r"running, step [1-9][\d,]* of 1,000,000; .*steps/s, .* left; discr_loss ", line):
                break
        assert running.look(job)["status"] == "running"
        running.ask(job, "cancel")
        rest, said = watch.communicate(timeout=PATIENCE)
    assert rest.splitlines()[-1].startswith("cancelled, step ")
    assert said.startswith(f"job {job['id']} cancelled at step ")
    assert watch.returncode == 2


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "²", "9" * 30, "1000"])
def test_a_bad_last_event_id(last: str, running: Service, ended: Json) -> None:
    answer = running.client.get(f"/jobs/{ended['id']}/events", headers={b"Last-Event-ID": last.encode()})
    assert answer.status_code == 422
    assert "event" in answer.json()["detail"]


def test_a_service_that_ends_ends_its_streams(tmp_path: Path) -> None:
    with service(tmp_path) as running:
        job = running.submit(**LONG)
        ended: list[bool] = []

        def follow() -> None:
            with httpx.stream("GET", f"{running.address}/jobs/{job['id']}/events", timeout=PATIENCE) as answer:
                for _ in answer.iter_text():
                    pass
            ended.append(True)  # properly: a broken connection raises

        watchers = [threading.Thread(target=follow) for _ in range(5)]
        for watcher in watchers:
            watcher.start()
        until(lambda: running.look(job)["step"] > 0, "the first steps")
        running.stop()
        for watcher in watchers:
            watcher.join(PATIENCE)
        assert len(ended) == len(watchers)
