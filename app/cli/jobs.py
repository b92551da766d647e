"""``nobody jobs``: the training jobs of a running service, from the command line."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from app.cli import consoles
from app.cli.consoles import printable

if TYPE_CHECKING:  # --help answers at once without an HTTP client
    from app.cli.client import JobsClient

cli = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train GANs on a running service: submit jobs, watch them, take away what they learnt.",
    epilog="Example: nobody jobs submit --model wgan_gp --data four_clouds --watch",
)

Json = dict[str, Any]

#: Exit codes of ``watch``, by the state in which the job ended.
_EXIT_CODES = {"succeeded": 0, "failed": 1, "cancelled": 2}
_INTERRUPTED = 130
_COLOURS = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}

#: What a job is at while it runs, before its first step.
_PHASES = {"starting": "starting its process", "compiling": "compiling the training step"}

Url = Annotated[str, typer.Option("--url", envvar="NOBODY_URL", help="Where the service is.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as submit and list show it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's JSON, for scripts.")]
Watch = Annotated[bool, typer.Option("--watch", help="Watch the job until it ends; see nobody jobs watch --help.")]

Name = Annotated[str | None, typer.Option(help="What to call the job.")]
Metadata = Annotated[str | None, typer.Option(metavar="JSON", help="An object to find again with the job.")]

_HERE = "http://127.0.0.1:8000"


def _examples(*commands: str) -> str:
    # \b: a paragraph that is not broken anew, so that the command can be copied.
    return "\n\n".join(("Examples:", *(f"\b\n{command}" for command in commands)))


@cli.command(
    epilog=_examples(
        "nobody jobs submit --model wgan_gp --data four_clouds --watch",
        "nobody jobs submit --model wgan_clip --data ring8 --size 5000 \\\n"
        "    --gen-shape 2,64,64,2 --epochs 100 --clip 0.1",
        "nobody jobs submit --model simple_gan --file points.csv \\\n    --batch-size 50 --name 'my points'",
    )
)
def submit(
    model: Annotated[str, typer.Option(help="simple_gan, wgan_clip or wgan_gp.")],
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="What is learnt: circle, four_clouds, ring8, grid25, swiss_roll, moons or corner_cloud. "
            "Default: four_clouds.",
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(help="With --data: how many real examples. Default: 1000.")] = None,
    noise: Annotated[
        float | None, typer.Option(help="With --data: standard deviation along each axis. Default: the data's own.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="POINTS", exists=True, dir_okay=False, help="Your own examples instead, one a row: CSV or .npy."
        ),
    ] = None,
    normalize: Annotated[
        bool,
        typer.Option(help="With --file: scale each column into 0 … 1, and all that comes out back into your units."),
    ] = True,
    gen_shape: Annotated[
        str | None,
        typer.Option(
            metavar="WIDTHS",
            help="Widths of the generator from latent to example, such as 2,10,10,5. Default: the exercise's.",
        ),
    ] = None,
    latent_type: Annotated[str | None, typer.Option(help="normal, uniform or spheric. Default: normal.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs in all. Default: 16.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Training steps of an epoch. Default: 100.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Real examples a step sees. Default: 200.")] = None,
    disc_iter: Annotated[
        int | None, typer.Option(help="Updates of the discriminator to each of the generator. Default: 2.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of both Adam optimizers. Default: 0.005.")] = None,
    lambda_gp: Annotated[
        float | None, typer.Option(help="wgan_gp: weight of the gradient penalty. Default: 10.")
    ] = None,
    clip: Annotated[float | None, typer.Option(help="wgan_clip: weights stay in ±clip. Default: 1.")] = None,
    seed: Annotated[
        int | None, typer.Option(help="The same seed and settings give the same weights. Default: 0.")
    ] = None,
    name: Name = None,
    metadata: Metadata = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A repetition with the same key gives the same job, not another one.")
    ] = None,
    watch: Watch = False,
    url: Url = _HERE,
) -> None:
    """Submit a job; prints its id. What you leave out is as in the exercise."""
    if file is not None and not (data is None and size is None and noise is None):
        raise typer.BadParameter("expected either --file, or --data with --size and --noise, got both")
    toy = _given(name=data, size=size, noise=noise)
    if toy:
        toy.setdefault("name", "four_clouds")
    job = _given(
        model=model,
        data=toy or None,
        normalize=None if normalize else False,
        gen_shape=None if gen_shape is None else _widths(gen_shape),
        latent_type=latent_type,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=batch_size,
        disc_iter=disc_iter,
        learning_rate=learning_rate,
        lambda_gp=lambda_gp,
        clip=clip,
        seed=seed,
        name=name,
        metadata=None if metadata is None else _object(metadata),
    )
    with _client(url) as client:
        _started(client, client.submit(job, file, idempotency_key), watch)


@cli.command(
    epilog=_examples(
        "nobody jobs fork 0123456789abcdef --epochs 32 --watch",
        "nobody jobs fork 0123456789abcdef --step 800 \\\n    --learning-rate 0.001 --name slower",
    )
)
def fork(
    job_id: JobId,
    step: Annotated[
        int | None, typer.Option(help="Of a checkpoint, as nobody jobs show lists them. Default: the newest.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="In all, those before the fork included.")] = None,
    steps_per_epoch: Annotated[int | None, typer.Option(help="Training steps of an epoch.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Real examples a step sees.")] = None,
    disc_iter: Annotated[
        int | None, typer.Option(help="Updates of the discriminator to each of the generator.")
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Of both Adam optimizers.")] = None,
    lambda_gp: Annotated[float | None, typer.Option(help="wgan_gp: weight of the gradient penalty.")] = None,
    clip: Annotated[float | None, typer.Option(help="wgan_clip: weights stay in ±clip.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of the steps after the fork.")] = None,
    name: Name = None,
    metadata: Metadata = None,
    watch: Watch = False,
    url: Url = _HERE,
) -> None:
    """Start a new job from a checkpoint of another one, with changed settings; prints the new id."""
    changes = _given(
        step=step,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        batch_size=batch_size,
        disc_iter=disc_iter,
        learning_rate=learning_rate,
        lambda_gp=lambda_gp,
        clip=clip,
        seed=seed,
        name=name,
        metadata=None if metadata is None else _object(metadata),
    )
    with _client(url) as client:
        _started(client, client.fork(job_id, changes), watch)


@cli.command("list", epilog="Example: nobody jobs list --status running --status queued")
def list_jobs(
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="Only jobs that are queued, running, pausing, paused, cancelling, cancelled, succeeded or failed; "
            "may be given several times."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Only jobs older than this one.")] = None,
    as_json: AsJson = False,
    url: Url = _HERE,
) -> None:
    """List the jobs, newest first."""
    with _client(url) as client:
        page = client.page(status or [], limit, after)
    if as_json:
        typer.echo(json.dumps(page, indent=2))
        return
    _print_jobs([_row(job) for job in page["jobs"]])
    if page["next"]:
        _note(f"there are more: nobody jobs list --after {page['next']}")


@cli.command(epilog="Example: nobody jobs show 0123456789abcdef")
def show(job_id: JobId, as_json: AsJson = False, url: Url = _HERE) -> None:
    """Show everything about a job."""
    with _client(url) as client:
        job = client.get(job_id)
    if as_json:
        typer.echo(json.dumps(job, indent=2))
        return
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in job.items():
        if value not in (None, {}, []):
            table.add_row(name, Text(printable(_shown(name, value))))
    consoles.results().print(table)


@cli.command(epilog="Example: nobody jobs watch 0123456789abcdef && echo done")
def watch(
    job_id: JobId,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's events as JSON, one a line, for scripts.")
    ] = False,
    url: Url = _HERE,
) -> None:
    """Watch a job live until it ends: its step, its speed, its losses and figures, the time left.

    Into a pipe or a file it prints a line whenever something happens. Exits with 0 when the job succeeded, 1 when it
    failed, 2 when it was cancelled. Ctrl-C ends the watching, with 130; the job goes on.
    """
    with _client(url) as client:
        raise typer.Exit(_watch(client, client.get(job_id), consoles.console(), as_json))


@cli.command(epilog="Example: nobody jobs pause 0123456789abcdef")
def pause(job_id: JobId, url: Url = _HERE) -> None:
    """Pause a job: it is saved, and waits to be resumed."""
    _ask(job_id, "pause", url)


@cli.command(epilog="Example: nobody jobs resume 0123456789abcdef")
def resume(job_id: JobId, url: Url = _HERE) -> None:
    """Go on with a paused job exactly where it stopped."""
    _ask(job_id, "resume", url)


@cli.command(epilog="Example: nobody jobs cancel 0123456789abcdef")
def cancel(job_id: JobId, url: Url = _HERE) -> None:
    """Cancel a job; what it has learnt so far is kept."""
    _ask(job_id, "cancel", url)


@cli.command(epilog="Example: nobody jobs delete 0123456789abcdef")
def delete(job_id: JobId, url: Url = _HERE) -> None:
    """Delete a job that has ended, and its files."""
    with _client(url) as client:
        client.delete(job_id)
    _note(f"job {job_id} is deleted")


@cli.command(epilog="Example: nobody jobs download 0123456789abcdef --out runs")
def download(
    job_id: JobId,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write to; made where it is missing.")] = Path(),
    url: Url = _HERE,
) -> None:
    """Take away a job's results: ID-weights.zip, ID-picture.png and ID-history.csv.

    Prints the files' names. Exits with 1 where one of them is not there yet.
    """
    from app.cli.client import ServiceError

    wanted: dict[str, tuple[str, Mapping[str, str]]] = {
        "weights.zip": ("weights", {}),
        "picture.png": ("picture.png", {}),
        "history.csv": ("history", {"format": "csv"}),
    }
    missing = []
    with _client(url) as client:
        job = client.get(job_id)
        out.mkdir(parents=True, exist_ok=True)
        for ending, (what, query) in wanted.items():
            path = out / f"{job['id']}-{ending}"
            try:
                path.write_bytes(client.download(job["id"], what, query))
            except ServiceError as error:
                missing.append(f"no {path.name}: {error}")
            else:
                typer.echo(path)
    if missing:
        _fail("; ".join(missing))


@contextmanager
def _client(url: str) -> Iterator["JobsClient"]:
    """Yield the service; whatever goes wrong with it becomes one line and the exit code 1."""
    from app.cli.client import JobsClient, ServiceError

    try:
        with JobsClient(url) as client:
            yield client
    except BrokenPipeError:
        raise  # nobody reads what we print
    except (ServiceError, OSError) as error:
        _fail(str(error))


def _ask(job_id: str, wish: str, url: str) -> None:
    with _client(url) as client:
        job = client.ask(job_id, wish)
    _note(f"job {job['id']} is {job['status']}")


def _started(client: "JobsClient", job: Json, watch: bool) -> None:
    typer.echo(job["id"])
    for warning in job["data"].get("warnings", []):
        _note(f"note: {warning}", "yellow")
    if watch:
        # Standard output has the id, and nothing else.
        raise typer.Exit(_watch(client, job, consoles.console(stderr=True)))
    _note(f"job {job['id']} is {job['status']}; watch it: nobody jobs watch {job['id']}")


def _watch(client: "JobsClient", job: Json, console: Console, as_json: bool = False) -> int:
    """Show a job on a console until it ends; return the exit code."""
    screen = _Screen(job)
    live = consoles.is_live(console) and not as_json
    try:
        with Live(screen.group, console=console, refresh_per_second=8, transient=True) if live else nullcontext():
            for event in client.events(job["id"]):
                screen.show(event.kind, event.data)
                if as_json:
                    typer.echo(json.dumps({"id": event.id, "event": event.kind, "data": event.data}))
                elif not live and event.kind != "data":
                    console.print(screen.line(), soft_wrap=True)
    except KeyboardInterrupt:
        _note(f"job {job['id']} goes on; watch it again: nobody jobs watch {job['id']}")
        return _INTERRUPTED
    _note(screen.conclusion(), _COLOURS.get(screen.status, ""))
    return _EXIT_CODES.get(screen.status, 1)


class _Screen:
    """What ``watch`` shows of a job."""

    def __init__(self, job: Json) -> None:
        self._id = job["id"]
        self._step, self._steps = job["first_step"], job["steps"]
        self._losses: Json = {}
        self._figures: Json = {}
        self._warnings: Json = job.get("warnings") or {}
        self._phase: str | None = job.get("phase")
        self._error = ""
        self._speed: float | None = None
        self.status: str = job["status"]
        columns = (
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}", markup=False),
        )
        self._bar = Progress(*columns, expand=True)
        self._task = self._bar.add_task(self._stage(), total=self._steps, completed=self._step, speed="")
        self._numbers = Text()
        self.group = Group(self._bar, self._numbers)

    def show(self, kind: str, data: Json) -> None:
        """Take up an event."""
        match kind:
            case "state":
                self.status, self._step = data["status"], data["step"]
                self._error, self._phase = data.get("error") or "", data.get("phase")
            case "phase":
                self._phase = data["phase"]
            case "warnings":
                self._warnings = data["warnings"]
            case "progress":
                self._step, self._losses, self._speed = data["step"], data["losses"], data["steps_per_second"]
            case "snapshot":
                self._figures = data["figures"]
        self._bar.update(self._task, description=self._stage(), completed=self._step, speed=self._pace())
        numbers = (_numbers(values) for values in (self._losses, self._figures) if values)
        self._numbers.plain = "\n".join((*numbers, *self._warned()))

    def line(self) -> str:
        """Return in one line how the job stands."""
        where = f"{self._stage()}, step {self._step:,} of {self._steps:,}"
        numbers = (_numbers(self._losses), _numbers(self._figures))
        return "; ".join(filter(None, (where, self._pace(), *numbers, *self._warned())))

    def conclusion(self) -> str:
        """Return in one line how the job ended."""
        reason = f": {self._error}" if self._error else ""
        where = f"job {self._id} {self.status} at step {self._step:,} of {self._steps:,}{reason}"
        return "; ".join(filter(None, (where, _numbers(self._losses), _numbers(self._figures), *self._warned())))

    def _stage(self) -> str:
        phase = _PHASES.get(self._phase or "") if self.status == "running" else None
        return f"{self.status}, {phase}" if phase else self.status

    def _warned(self) -> list[str]:
        return [f"warning: {text}" for text in self._warnings.values()]

    def _pace(self) -> str:
        if self.status != "running" or not self._speed:
            return ""
        return f"{self._speed:,.0f} steps/s, {_duration((self._steps - self._step) / self._speed)} left"


def _given(**values: Any) -> Json:
    """Return what was given; the service knows the defaults of the rest."""
    return {name: value for name, value in values.items() if value is not None}


def _widths(text: str) -> list[int]:
    try:
        return [int(part) for part in text.strip("[]() ").split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"expected whole numbers with commas between, such as 2,10,10,5, got {text!r}", param_hint="--gen-shape"
        ) from None


def _object(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise typer.BadParameter(
            f'expected a JSON object such as {{"series": 3}}, got {text!r}', param_hint="--metadata"
        )
    return value


def _numbers(values: Mapping[str, Any]) -> str:
    """Return losses or figures on one line."""
    return "  ".join(f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in values.items())


def _shown(name: str, value: Any) -> str:
    if name in ("losses", "figures"):
        return _numbers(value)
    if name in ("created", "started", "ended", "estimated_finish"):
        return _time(value)
    if name == "data" and "rows" in value:
        parts = (", ".join(value.get("titles") or ()), *value.get("skipped", ()), *value.get("warnings", ()))
        return "; ".join(filter(None, (_data({"data": value}), *parts)))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _data(job: Json) -> str:
    data = job["data"] or {}  # null where the stored job cannot be read
    if not {"rows", "dimensions"} <= data.keys():
        return str(data.get("name", "?"))
    return f"{data['rows']:,} × {data['dimensions']} points"


def _time(iso: str) -> str:
    """Return a time as the clock on the wall shows it."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _row(job: Json) -> dict[str, str]:
    """Return what the list says of a job."""
    return {
        "id": job["id"],
        "name": printable(job["name"] or ""),
        "status": job["status"],
        "model": job["model"] or "?",
        "data": _data(job),
        "step": f"{job['step']:,} of {job['steps']:,}",
        "created": _time(job["created"]),
    }


def _print_jobs(rows: list[dict[str, str]]) -> None:
    """Print a line for each job, or two where the terminal is too narrow for that."""
    console = consoles.results()
    table = Table(box=None, pad_edge=False)
    for title in ("id", "name", "status", "model", "data", "step", "created"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row.values())
    if Measurement.get(console, console.options.update(max_width=10**6), table).maximum <= console.width:
        console.print(table)
        return
    for row in rows:
        console.print(f"{row['id']}  {row['status']}, {row['step']}")
        more = " · ".join(filter(None, (row["name"], row["model"], row["data"], row["created"])))
        console.print(Padding(more, (0, 0, 0, 2)))


def _fail(text: str) -> NoReturn:
    _note(f"nobody: {text}", "red")
    raise typer.Exit(1) from None


def _note(text: str, style: str = "") -> None:
    """Say something beside the results, which alone go to standard output."""
    consoles.console(stderr=True).print(printable(text), style=style, soft_wrap=True)
