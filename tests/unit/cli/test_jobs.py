import io
import json
import re
import shlex
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from app.cli.client import Event, JobsClient
from app.cli.main import cli
from app.cli.watching import Screen
from app.jobs.specification import ForkRequest, JobRequest

ID = "0123456789abcdef"
Handler = Callable[[httpx.Request], httpx.Response]


def _job(**changes: Any) -> dict[str, Any]:
    job = {
        "id": ID,
        "name": "my [first] run",
        "metadata": {"series": 3},
        "status": "queued",
        "model": "wgan_gp",
        "data": {"name": "four_clouds", "size": 1000, "noise": None},
        "gen_shape": [2, 10, 10, 5],
        "step": 0,
        "steps": 1600,
        "first_step": 0,
        "steps_per_second": None,
        "losses": {"discr_loss": 0.25},
        "figures": {"modes_covered": 4, "reverse_kl": None},
        "error": None,
        "parent": None,
        "checkpoints": [800, 1600],
        "created": "2030-01-02T03:04:05Z",
    }
    return job | changes


class Service:
    """Answers every request with a job, or as a test wants it, and remembers them."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.answer: Handler = lambda _: httpx.Response(202, json=_job())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        return self.answer(request)

    def body(self) -> Any:
        return json.loads(self.requests[-1].content)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Service:
    service = Service()
    transport = httpx.MockTransport(service)
    monkeypatch.setattr("app.cli.client.JobsClient", partial(JobsClient, transport=transport))
    monkeypatch.delenv("NOBODY_URL", raising=False)
    return service


def _nobody(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["jobs", *arguments])


def test_submit_sends_what_is_given_and_prints_the_id(service: Service) -> None:
    result = _nobody("submit", "--model", "wgan_gp")

    assert result.exit_code == 0
    assert result.stdout == f"{ID}\n"
    assert f"job {ID} is queued; watch it: nobody jobs watch {ID}" in result.stderr
    assert service.body() == {"model": "wgan_gp"}
    assert str(service.requests[0].url) == "http://127.0.0.1:8000/jobs"


@pytest.mark.parametrize(("given", "sent"), [(None, None), ("", None), (" nobody_x-Y_9\n", "Bearer nobody_x-Y_9")])
def test_the_key_comes_from_the_environment(
    service: Service, monkeypatch: pytest.MonkeyPatch, given: str | None, sent: str | None
) -> None:
    if given is not None:
        monkeypatch.setenv("NOBODY_API_KEY", given)
    assert _nobody("show", ID).exit_code == 0
    assert service.requests[0].headers.get("Authorization") == sent


def test_a_key_that_cannot_be_one_is_not_sent(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOBODY_API_KEY", "clé secrète")
    result = _nobody("show", ID)
    assert (result.exit_code, service.requests) == (1, [])
    assert "NOBODY_API_KEY: expected a key as nobody keys add printed it" in result.stderr
    assert "secr" not in result.stderr


def test_who_needs_a_key_is_told_where_it_goes(service: Service) -> None:
    service.answer = lambda _: httpx.Response(401, json={"detail": "calls about jobs need a key here"})
    result = _nobody("list")
    assert result.exit_code == 1
    assert "calls about jobs need a key here (this command sends the key in NOBODY_API_KEY)" in result.stderr


def test_submit_knows_every_setting(service: Service) -> None:
    options = {
        "model": "wgan_clip",
        "gen-shape": "2, 64,64,2",
        "latent-type": "spheric",
        "epochs": "3",
        "steps-per-epoch": "4",
        "batch-size": "5",
        "disc-iter": "6",
        "learning-rate": "0.007",
        "lambda-gp": "8",
        "clip": "0.9",
        "preset": "moons",
        "final-rate": "0.11",
        "beta-1": "0.12",
        "beta-2": "0.13",
        "ema": "0.14",
        "critic-activation": "linear",
        "generator-gain": "1.5",
        "critic-gain": "1.6",
        "seed": "10",
        "views": "gradient, manifold",
        "name": "a name",
        "owner": "table 3",
        "metadata": '{"series": 3}',
        "data": "ring8",
        "size": "500",
        "noise": "0.1",
        "idempotency-key": "a key",
    }
    arguments = [part for name, value in options.items() for part in (f"--{name}", value)]

    assert _nobody("submit", *arguments).exit_code == 0
    assert service.requests[0].headers["Idempotency-Key"] == "a key"
    assert service.body() == {
        "model": "wgan_clip",
        "data": {"name": "ring8", "size": 500, "noise": 0.1},
        "gen_shape": [2, 64, 64, 2],
        "latent_type": "spheric",
        "epochs": 3,
        "steps_per_epoch": 4,
        "batch_size": 5,
        "disc_iter": 6,
        "learning_rate": 0.007,
        "lambda_gp": 8.0,
        "clip": 0.9,
        "preset": "moons",
        "final_rate": 0.11,
        "beta_1": 0.12,
        "beta_2": 0.13,
        "ema": 0.14,
        "critic_activation": "linear",
        "generator_gain": 1.5,
        "critic_gain": 1.6,
        "seed": 10,
        "views": ["gradient", "manifold"],
        "name": "a name",
        "owner": "table 3",
        "metadata": {"series": 3},
    }


def test_submit_needs_a_model_or_a_preset(service: Service) -> None:
    assert _nobody("submit", "--preset", "ring8").exit_code == 0
    assert service.body() == {"preset": "ring8"}
    result = _nobody("submit", "--data", "ring8")
    assert result.exit_code == 2
    assert "expected --model or --preset, got neither" in result.stderr


def test_the_options_are_the_settings_of_the_api(service: Service) -> None:
    """A setting that the API gains must not be forgotten here."""
    for command, model in (("submit", JobRequest), ("fork", ForkRequest)):
        text = CliRunner().invoke(cli, ["jobs", command, "--help"], env={"COLUMNS": "200"}).stdout
        for name in model.model_fields:
            assert f"--{name.replace('_', '-')} " in text


def test_submit_brings_a_file(service: Service, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("1,2\n")
    assert _nobody("submit", "--model", "wgan_gp", "--file", str(tmp_path / "points.csv")).exit_code == 0
    assert b'filename="points.csv"' in service.requests[0].content
    assert b'{"model": "wgan_gp"}' in service.requests[0].content


def test_submit_takes_the_data_of_another_job(service: Service) -> None:
    assert _nobody("submit", "--model", "wgan_gp", "--data-of", "0123456789abcdef").exit_code == 0
    assert service.body() == {"model": "wgan_gp", "data": {"job": "0123456789abcdef"}}


def test_submit_says_what_may_surprise_about_a_file(service: Service, tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_text("1,2\n")
    data = {
        "rows": 1,
        "dimensions": 2,
        "titles": ["a", "b"],
        "skipped": ["column 1: row names"],
        "warnings": ["told [so]"],
    }
    service.answer = lambda _: httpx.Response(202, json=_job(data=data))
    result = _nobody("submit", "--model", "wgan_gp", "--file", str(tmp_path / "points.csv"), "--no-normalize")
    assert b'{"model": "wgan_gp", "normalize": false}' in service.requests[0].content
    assert "note: told [so]" in result.stderr
    assert "1 × 2 points; a, b; column 1: row names; told [so]" in _nobody("show", ID).stdout


def test_size_alone_is_that_of_the_usual_data(service: Service) -> None:
    _nobody("submit", "--model", "wgan_gp", "--size", "50")
    assert service.body()["data"] == {"name": "four_clouds", "size": 50}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "--model"),
        (["--model", "wgan_gp", "--gen-shape", "2,x"], "2,10,10,5"),
        (["--model", "wgan_gp", "--metadata", "[1]"], "JSON object"),
        (["--model", "wgan_gp", "--metadata", "{"], "JSON object"),
        (["--model", "wgan_gp", "--file", "/nowhere.csv"], "/nowhere.csv"),
        (["--model", "wgan_gp", "--file", __file__, "--data", "circle"], "--file"),
        (["--model", "wgan_gp", "--data-of", "0123456789abcdef", "--size", "9"], "--data-of"),
    ],
)
def test_wrong_usage_asks_nobody(service: Service, arguments: list[str], problem: str) -> None:
    result = _nobody("submit", *arguments)
    assert result.exit_code == 2
    assert problem in result.stderr
    assert not service.requests


def test_fork_sends_the_changes(service: Service) -> None:
    result = _nobody("fork", ID, "--step", "800", "--epochs", "32", "--learning-rate", "0.001", "--name", "slower")

    assert result.stdout == f"{ID}\n"
    assert service.requests[0].url.path == f"/jobs/{ID}/fork"
    assert service.body() == {"step": 800, "epochs": 32, "learning_rate": 0.001, "name": "slower"}


@pytest.mark.parametrize("wish", ["pause", "resume", "cancel"])
def test_wishes(service: Service, wish: str) -> None:
    service.answer = lambda _: httpx.Response(202, json=_job(status="pausing"))
    result = _nobody(wish, ID)

    assert result.exit_code == 0
    assert f"job {ID} is pausing" in result.stderr
    assert (service.requests[0].method, service.requests[0].url.path) == ("POST", f"/jobs/{ID}/{wish}")


def test_step(service: Service) -> None:
    service.answer = lambda _: httpx.Response(202, json=_job(status="queued"))
    for options, body in (([], {"steps": 1, "half": False}), (["--steps", "5"], {"steps": 5, "half": False})):
        assert _nobody("step", ID, *options).exit_code == 0
        assert service.body() == body
        assert service.requests.pop().url.path == f"/jobs/{ID}/step"
    assert _nobody("step", ID, "--half").exit_code == 0
    assert service.body() == {"steps": 1, "half": True}


def test_delete(service: Service) -> None:
    service.answer = lambda _: httpx.Response(204)
    result = _nobody("delete", ID)

    assert result.exit_code == 0
    assert service.requests[0].method == "DELETE"
    assert f"job {ID} is deleted" in result.stderr


def test_rename(service: Service) -> None:
    for arguments, name, said in ((["it's"], "it's", "is called it's"), ([], None, "has no name any more")):
        result = _nobody("rename", ID, *arguments)
        assert result.exit_code == 0
        assert (service.requests[-1].method, service.requests[-1].url.path) == ("PATCH", f"/jobs/{ID}")
        assert service.body() == {"name": name}
        assert f"job {ID} {said}" in result.stderr


def test_script_prints_what_the_service_sends(service: Service) -> None:
    service.answer = lambda _: httpx.Response(200, text="print('ü')\n")
    assert _nobody("script", ID, "--format", "curl").stdout == "print('ü')\n"
    assert str(service.requests[0].url).endswith(f"/jobs/{ID}/script?format=curl")


def test_list_shows_each_job_in_full(service: Service) -> None:
    points = _job(id="f" * 16, name=None, status="succeeded", data={"rows": 12_345, "dimensions": 3}, step=1600)
    service.answer = lambda _: httpx.Response(200, json={"jobs": [_job(), points], "next": "f" * 16})
    result = _nobody(
        "list", "--status", "queued", "--status", "succeeded", "--limit", "2", "--after", "e" * 16, "--search", "a b"
    )

    first, second = result.stdout.splitlines()[1:]
    assert all(part in first for part in (ID, "my [first] run", "queued", "four_clouds", "0 of 1,600", "2030-01-0"))
    assert all(part in second for part in ("f" * 16, "succeeded", "12,345 × 3 points", "1,600 of 1,600"))
    assert f"nobody jobs list --after {'f' * 16}" in result.stderr
    query = f"status=queued&status=succeeded&limit=2&after={'e' * 16}&search=a+b"
    assert service.requests[0].url.query.decode() == query


def _on_a_terminal(monkeypatch: pytest.MonkeyPatch, columns: int, *arguments: str) -> str:
    """Return what a command prints on a terminal of that width."""
    text = io.StringIO()
    console = Console(file=text, width=columns, force_terminal=True, no_color=True, markup=False)
    monkeypatch.setattr("app.cli.consoles.results", lambda: console)
    assert _nobody(*arguments).exit_code == 0
    return re.sub("\x1b\\[[0-9;]*m", "", text.getvalue())


@pytest.mark.parametrize("columns", [40, 60, 80, 120, 200])
def test_a_list_can_be_read_at_every_width(monkeypatch: pytest.MonkeyPatch, service: Service, columns: int) -> None:
    own = _job(id="f" * 16, name="a [red] name\x1b[2J " * 6, status="cancelling", data={"rows": 9, "dimensions": 3})
    service.answer = lambda _: httpx.Response(200, json={"jobs": [_job(), own], "next": None})
    text = _on_a_terminal(monkeypatch, columns, "list")

    assert max(map(len, text.splitlines())) <= columns
    words = " ".join(text.split())
    parts = (ID, "my [first] run", "queued", "wgan_gp", "four_clouds", "0 of 1,600", "2030-01-02")
    for part in (*parts, "f" * 16, "cancelling", "9 × 3 points", "a [red] name�[2J"):
        assert part in words


@pytest.mark.parametrize("name", ["[red]", "[/]", "[link=x]y[/link]", ":smile:", "a\x1b]0;b\x07c", "two\nlines"])
def test_names_and_reasons_are_printed_as_they_are(service: Service, name: str) -> None:
    job = _job(name=name, error=name, metadata={name: name})
    shown = "".join(char if char.isprintable() else " " if char == "\n" else "�" for char in name)
    service.answer = lambda _: httpx.Response(200, json=job)
    assert _nobody("show", ID).stdout.count(shown) == 4
    service.answer = lambda _: httpx.Response(200, json={"jobs": [job], "next": None})
    assert shown in _nobody("list").stdout
    service.answer = lambda _: httpx.Response(404, json={"detail": f"there is no job {name}"})
    assert _nobody("show", "x").stderr == f"nobody: there is no job {shown}\n"


def test_show_leaves_out_what_is_not_known(service: Service) -> None:
    lines = _nobody("show", ID).stdout.splitlines()
    rows = dict(line.split(maxsplit=1) for line in map(str.rstrip, lines))

    assert rows["name"] == "my [first] run"
    assert rows["figures"] == "modes_covered 4  reverse_kl -"
    assert rows["gen_shape"] == "2, 10, 10, 5"
    assert rows["data"] == "name four_clouds, size 1000"
    assert "error" not in rows


def test_json_is_that_of_the_service(service: Service) -> None:
    assert json.loads(_nobody("show", ID, "--json").stdout) == _job()
    page = {"jobs": [_job()], "next": None}
    service.answer = lambda _: httpx.Response(200, json=page)
    assert json.loads(_nobody("list", "--json").stdout) == page


def test_download_writes_the_files(service: Service, tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        return httpx.Response(200, json=_job()) if path.endswith(ID) else httpx.Response(200, text=path)

    service.answer = answer
    result = _nobody("download", ID, "--film", "--out", str(tmp_path / "new" / "folder"))

    assert result.exit_code == 0
    expected = {"weights.zip": "weights", "picture.png": "picture.png", "history.csv": "history", "film.gif": "film"}
    for ending, what in expected.items():
        path = tmp_path / "new" / "folder" / f"{ID}-{ending}"
        assert path.read_text() == f"/jobs/{ID}/{what}"
        assert str(path) in result.stdout.splitlines()
    assert service.requests[-2].url.query == b"format=csv"


def test_download_takes_what_there_is(service: Service, tmp_path: Path) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("weights"):
            return httpx.Response(409, json={"detail": "the job is running and has no weights"})
        return httpx.Response(200, json=_job())

    service.answer = answer
    result = _nobody("download", ID, "--out", str(tmp_path))

    assert result.exit_code == 1
    assert f"no {ID}-weights.zip: the job is running and has no weights" in result.stderr
    assert {path.name for path in tmp_path.iterdir()} == {f"{ID}-picture.png", f"{ID}-history.csv"}


def test_errors_are_one_line(service: Service) -> None:
    service.answer = lambda _: httpx.Response(404, json={"detail": "there is no job [x]"})
    result = _nobody("show", "x")
    assert result.exit_code == 1
    assert result.stderr == "nobody: there is no job [x]\n"


def test_the_service_is_where_the_option_or_the_environment_says(service: Service) -> None:
    def refuse(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    service.answer = refuse
    places: list[tuple[list[str], dict[str, str]]] = [
        (["--url", "http://a.test:1/"], {}),
        ([], {"NOBODY_URL": "http://a.test:1"}),
    ]
    for arguments, environment in places:
        result = CliRunner().invoke(cli, ["jobs", "list", *arguments], env=environment)
        assert result.exit_code == 1
        assert result.stderr.startswith("nobody: no service answers at http://a.test:1 (refused); start one with")
        assert len(result.stderr.splitlines()) == 1


# --- watch -----------------------------------------------------------------------------------------------------------


def _answer_watching(
    monkeypatch: pytest.MonkeyPatch, service: Service, events: list[tuple[str, dict[str, Any]]]
) -> None:
    def follow(_: JobsClient, job_id: str) -> Any:
        assert job_id == ID
        yield from (Event(number, kind, data) for number, (kind, data) in enumerate(events, 1))

    monkeypatch.setattr(JobsClient, "events", follow)
    service.answer = lambda _: httpx.Response(200, json=_job())


def _history(status: str, **end: Any) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("state", {"status": "running", "step": 0}),
        ("data", {"step": 0, "real": [[0.5]]}),
        ("progress", {"step": 800, "losses": {"discr_loss": 0.123456, "gp": 1.5}, "steps_per_second": 400.0}),
        ("progress", {"step": 900, "losses": {"discr_loss": 0.1, "gp": 2.5}, "steps_per_second": 0.0}),
        ("snapshot", {"step": 800, "figures": {"modes_covered": 4, "reverse_kl": None}}),
        ("state", {"status": status, "step": 1600, **end}),
    ]


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1), ("cancelled", 2)])
def test_watch_ends_as_the_job_does(monkeypatch: pytest.MonkeyPatch, service: Service, status: str, code: int) -> None:
    _answer_watching(monkeypatch, service, _history(status))
    result = _nobody("watch", ID)

    assert result.exit_code == code
    assert f"job {ID} {status} at step 1,600 of 1,600; discr_loss 0.1  gp 2.5; modes_covered 4" in result.stderr


def test_watch_says_that_nothing_is_learnt_any_more(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    history = _history("succeeded")
    warnings = {"discriminator_saturated": "the critic is saturated since step 32"}
    history.insert(-1, ("warnings", {"step": 32, "warnings": warnings}))
    _answer_watching(monkeypatch, service, history)
    result = _nobody("watch", ID)
    assert result.exit_code == 0
    assert result.stderr.rstrip().endswith("; warning: the critic is saturated since step 32")

    history.insert(-1, ("warnings", {"step": 64, "warnings": {}}))
    assert "warning" not in _nobody("watch", ID).stderr


def test_watch_says_what_a_job_is_at_before_its_first_step() -> None:
    screen = Screen(_job(phase=None, warnings={}))
    shown = []
    for kind, data in (
        ("state", {"status": "running", "step": 0, "phase": "starting"}),
        ("phase", {"phase": "compiling", "step": 0}),
        ("phase", {"phase": "training", "step": 0}),
        ("progress", {"step": 1, "losses": {"gp": 1.0}, "steps_per_second": None}),
        ("state", {"status": "pausing", "step": 1}),
    ):
        screen.show(kind, data)
        console = Console(file=io.StringIO(), width=120)
        console.print(screen.group)
        shown.append(console.file.getvalue())  # type: ignore[attr-defined]
    assert "running, starting its process" in shown[0]
    assert "running, compiling the training step" in shown[1]
    assert all("running " in text and "compiling" not in text for text in shown[2:4])
    assert "pausing" in shown[4]


def test_watch_prints_a_line_into_a_pipe_as_things_happen(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    _answer_watching(monkeypatch, service, _history("succeeded"))
    lines = _nobody("watch", ID).stdout.splitlines()

    assert lines == [
        "running, step 0 of 1,600",
        "running, step 800 of 1,600; 400 steps/s, 0:02 left; discr_loss 0.1235  gp 1.5",
        "running, step 900 of 1,600; discr_loss 0.1  gp 2.5",
        "running, step 900 of 1,600; discr_loss 0.1  gp 2.5; modes_covered 4  reverse_kl -",
        "succeeded, step 1,600 of 1,600; discr_loss 0.1  gp 2.5; modes_covered 4  reverse_kl -",
    ]


def test_watch_prints_events_as_json(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    history = _history("failed", error="[x]")
    _answer_watching(monkeypatch, service, history)
    result = _nobody("watch", ID, "--json")

    assert result.exit_code == 1
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert events == [{"id": i, "event": kind, "data": data} for i, (kind, data) in enumerate(history, 1)]


def test_watch_says_why_a_job_failed(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    _answer_watching(monkeypatch, service, _history("failed", error="the losses are no numbers any more [step 7]"))
    assert "1,600: the losses are no numbers any more [step 7]; discr_loss" in _nobody("watch", ID).stderr


@pytest.mark.parametrize("command", [["submit", "--model", "wgan_gp"], ["fork", ID]])
def test_submit_and_fork_watch(monkeypatch: pytest.MonkeyPatch, service: Service, command: list[str]) -> None:
    _answer_watching(monkeypatch, service, _history("cancelled"))
    result = _nobody(*command, "--watch")
    assert result.exit_code == 2
    assert result.stdout == f"{ID}\n"


def test_ctrl_c_ends_the_watching_only(monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    def interrupted(_: JobsClient, job_id: str) -> Any:
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr(JobsClient, "events", interrupted)
    result = _nobody("watch", ID)
    assert result.exit_code == 130
    assert f"job {ID} goes on; watch it again" in result.stderr
    assert [request.method for request in service.requests] == ["GET"]


def test_the_screen_shows_speed_and_time_left() -> None:
    screen = Screen(_job())
    shown = []
    for kind, data in _history("succeeded"):
        screen.show(kind, data)
        text = io.StringIO()
        Console(file=text, width=120).print(screen.group)
        shown.append(text.getvalue())

    assert "running" in shown[2]
    assert "800/1600" in shown[2]
    assert "400 steps/s, 0:02 left" in shown[2]
    assert "discr_loss 0.1235  gp 1.5" in shown[2]
    assert "steps/s" not in shown[3]
    assert "modes_covered 4  reverse_kl -" in shown[4]
    assert "succeeded" in shown[5]
    assert "1600/1600" in shown[5]


@pytest.mark.parametrize(("command", "count"), [("submit", 4), ("fork", 2)])
def test_examples_can_be_copied(service: Service, command: str, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _answer_watching(monkeypatch, service, _history("succeeded"))
    text = _nobody(command, "--help").stdout
    lines = re.sub(r"\\\n\s+", "", text[text.index("Examples:") :]).splitlines()
    examples = [shlex.split(line) for line in lines if "nobody" in line]

    assert len(examples) == count
    for program, jobs, *arguments in examples:
        assert (program, jobs) == ("nobody", "jobs")
        if "points.csv" not in arguments:
            assert _nobody(*arguments).exit_code == 0


_STEERING = ["pause", "resume", "step", "cancel", "rename", "delete"]


@pytest.mark.parametrize("command", ["submit", "fork", "list", "show", "watch", *_STEERING, "download", "script"])
def test_help_has_an_example(command: str) -> None:
    text = CliRunner().invoke(cli, ["jobs", command, "--help"], env={"COLUMNS": "200"}).stdout
    assert f"nobody jobs {command}" in text
    assert "--url" in text
