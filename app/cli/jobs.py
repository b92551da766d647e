"""``nobody jobs``: the training jobs of a running service, from the command line."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from app.cli import consoles, steering
from app.cli import job_options as options
from app.cli.connection import HERE, AsJson, JobId, Url, Watch, connected
from app.cli.job_texts import print_job, print_jobs
from app.cli.watching import watch as watch_job
from models.presets import PRESETS

if TYPE_CHECKING:  # --help answers without loading an HTTP client
    from app.cli.client import JobsClient

cli = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Train GANs on a running service: submit jobs, watch them, download their results. A key, where the service "
    "needs one, is read from NOBODY_API_KEY.",
    epilog="Example: nobody jobs submit --model wgan_gp --data four_clouds --watch",
)

Json = dict[str, Any]


def _examples(*commands: str) -> str:
    # \b: a paragraph that is not broken anew, so that the command can be copied.
    return "\n\n".join(("Examples:", *(f"\b\n{command}" for command in commands)))


@cli.command(
    epilog=_examples(
        "nobody jobs submit --model wgan_gp --data four_clouds --watch",
        "nobody jobs submit --model wgan_clip --data ring8 --size 5000 \\\n"
        "    --gen-shape 2,64,64,2 --epochs 100 --clip 0.1",
        "nobody jobs submit --model simple_gan --file points.csv \\\n    --batch-size 50 --name 'my points'",
        "nobody jobs submit --preset ring8 --seed 1 --watch",
    )
)
def submit(
    context: typer.Context,
    model: Annotated[
        str | None, typer.Option(help="simple_gan, wgan_clip or wgan_gp. Left out only with --preset.")
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help=f"Settings that are known to work; other options change them: {', '.join(PRESETS)}."
        ),
    ] = None,
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
            metavar="POINTS", exists=True, dir_okay=False, help="Your own examples instead: CSV, .npy or a picture."
        ),
    ] = None,
    data_of: Annotated[
        str | None, typer.Option(metavar="JOB", help="The same data as another job's instead, by its id.")
    ] = None,
    normalize: Annotated[
        bool, typer.Option(help="With --file: scale each column into 0 … 1, and all results back into your units.")
    ] = True,
    gen_shape: options.Widths = None,
    latent_type: options.LatentType = None,
    epochs: options.Epochs = None,
    steps_per_epoch: options.StepsPerEpoch = None,
    batch_size: options.BatchSize = None,
    disc_iter: options.DiscIter = None,
    learning_rate: options.LearningRate = None,
    lambda_gp: options.LambdaGp = None,
    clip: options.Clip = None,
    final_rate: options.FinalRate = None,
    beta_1: options.Beta1 = None,
    beta_2: options.Beta2 = None,
    ema: options.Ema = None,
    critic_activation: options.CriticActivation = None,
    generator_gain: options.GeneratorGain = None,
    critic_gain: options.CriticGain = None,
    seed: options.Seed = None,
    views: options.Views = None,
    name: options.Name = None,
    owner: options.Owner = None,
    metadata: options.Metadata = None,
    idempotency_key: Annotated[
        str | None, typer.Option(help="A repetition with the same key returns the same job, not another one.")
    ] = None,
    watch: Watch = False,
    url: Url = HERE,
) -> None:
    """Submit a job; prints its id.

    The defaults are the exercise's: 16 epochs of 100 steps, 200 examples a step, 2 updates of the discriminator,
    learning rate 0.005, gradient penalty 10, clip 1, seed 0, and widths for the dimension of the data.
    """
    if model is None and preset is None:
        raise typer.BadParameter("expected --model or --preset, got neither")
    if file is not None and not (data is None and size is None and noise is None):
        raise typer.BadParameter("expected either --file, or --data with --size and --noise, got both")
    if data_of is not None and not (file is None and data is None and size is None and noise is None):
        raise typer.BadParameter("expected --data-of without --file, --data, --size and --noise")
    job = options.given(context, "data_of", "data", "size", "noise", "file", "idempotency_key", "watch", "url")
    if normalize:
        del job["normalize"]  # the service's default
    toy = {key: value for key, value in (("name", data), ("size", size), ("noise", noise)) if value is not None}
    if toy:
        job["data"] = {"name": "four_clouds"} | toy
    if data_of is not None:
        job["data"] = {"job": data_of}
    with connected(url) as client:
        _started(client, client.submit(job, file, idempotency_key), watch)


@cli.command(
    epilog=_examples(
        "nobody jobs fork 0123456789abcdef --epochs 32 --watch",
        "nobody jobs fork 0123456789abcdef --step 800 \\\n    --learning-rate 0.001 --name slower",
    )
)
def fork(
    context: typer.Context,
    job_id: JobId,
    step: Annotated[
        int | None, typer.Option(help="Of a checkpoint, as nobody jobs show lists them. Default: the newest.")
    ] = None,
    epochs: options.Epochs = None,
    steps_per_epoch: options.StepsPerEpoch = None,
    batch_size: options.BatchSize = None,
    disc_iter: options.DiscIter = None,
    learning_rate: options.LearningRate = None,
    lambda_gp: options.LambdaGp = None,
    clip: options.Clip = None,
    seed: options.Seed = None,
    views: options.Views = None,
    name: options.Name = None,
    owner: options.Owner = None,
    metadata: options.Metadata = None,
    watch: Watch = False,
    url: Url = HERE,
) -> None:
    """Start a new job from a checkpoint of another one, with changed settings; prints the new id."""
    with connected(url) as client:
        _started(client, client.fork(job_id, options.given(context, "job_id", "watch", "url")), watch)


@cli.command("list", epilog="Example: nobody jobs list --status running --status queued")
def list_jobs(
    status: Annotated[
        list[str] | None,
        typer.Option(
            help="Only jobs that are queued, running, pausing, paused, cancelling, cancelled, succeeded or failed; "
            "may be given several times."
        ),
    ] = None,
    owner: Annotated[str | None, typer.Option(help="Only jobs of this owner.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="WORDS", help="Only jobs with these words in their name, model or data.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many.")] = 20,
    after: Annotated[str | None, typer.Option(metavar="ID", help="Only jobs older than this one.")] = None,
    as_json: AsJson = False,
    url: Url = HERE,
) -> None:
    """List the jobs, newest first."""
    with connected(url) as client:
        page = client.page(status or [], limit, after, owner, search)
    if as_json:
        typer.echo(json.dumps(page, indent=2))
        return
    print_jobs(page["jobs"])
    if page["next"]:
        consoles.note(f"there are more: nobody jobs list --after {page['next']}")


@cli.command(epilog="Example: nobody jobs show 0123456789abcdef")
def show(job_id: JobId, as_json: AsJson = False, url: Url = HERE) -> None:
    """Show everything about a job."""
    with connected(url) as client:
        job = client.get(job_id)
    if as_json:
        typer.echo(json.dumps(job, indent=2))
    else:
        print_job(job)


@cli.command(epilog="Example: nobody jobs watch 0123456789abcdef && echo done")
def watch(
    job_id: JobId,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the service's events as JSON, one a line, for scripts.")
    ] = False,
    url: Url = HERE,
) -> None:
    """Watch a job live until it ends: its step, its speed, its losses and figures, the time left.

    Into a pipe or a file it prints a line whenever something happens. Exits with 0 when the job succeeded, 1 when it
    failed, 2 when it was cancelled. Ctrl-C ends the watching, with 130; the job goes on.
    """
    with connected(url) as client:
        raise typer.Exit(watch_job(client, client.get(job_id), consoles.console(), as_json))


cli.command(epilog="Example: nobody jobs rename 0123456789abcdef 'the best so far'")(steering.rename)
for _command in (steering.pause, steering.resume, steering.step, steering.cancel, steering.delete):
    cli.command(epilog=f"Example: nobody jobs {_command.__name__} 0123456789abcdef")(_command)


@cli.command(epilog="Example: nobody jobs download 0123456789abcdef --out runs")
def download(
    job_id: JobId,
    out: Annotated[Path, typer.Option(file_okay=False, help="Folder to write to; made where it is missing.")] = Path(),
    film: Annotated[bool, typer.Option("--film", help="The film of the training as well, ID-film.gif.")] = False,
    url: Url = HERE,
) -> None:
    """Download a job's results: ID-weights.zip, ID-picture.png and ID-history.csv.

    Prints the files' names. Exits with 1 if one of them does not exist yet.
    """
    from app.cli.client import ServiceError

    wanted = {"weights.zip": "weights", "picture.png": "picture.png", "history.csv": "history?format=csv"}
    if film:
        wanted["film.gif"] = "film"
    missing = []
    with connected(url) as client:
        job = client.get(job_id)
        out.mkdir(parents=True, exist_ok=True)
        for ending, what in wanted.items():
            path = out / f"{job['id']}-{ending}"
            try:
                path.write_bytes(client.download(job["id"], what))
            except ServiceError as error:
                missing.append(f"no {path.name}: {error}")
            else:
                typer.echo(path)
    if missing:
        consoles.fail("; ".join(missing))


@cli.command(
    epilog=_examples(
        "nobody jobs script 0123456789abcdef > run.py",
        "nobody jobs script 0123456789abcdef --format curl",
    )
)
def script(
    job_id: JobId,
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="python or curl.")] = "python",
    url: Url = HERE,
) -> None:
    """Print a program that trains a job anew, to the same losses: a Python script, or a curl command."""
    with connected(url) as client:
        typer.echo(client.download(job_id, f"script?format={quote(form)}").decode(), nl=False)


def _started(client: "JobsClient", job: Json, watch: bool) -> None:
    typer.echo(job["id"])
    for warning in job["data"].get("warnings", []):
        consoles.note(f"note: {warning}", "yellow")
    if watch:
        # Standard output gets the id only.
        raise typer.Exit(watch_job(client, job, consoles.console(stderr=True)))
    consoles.note(f"job {job['id']} is {job['status']}; watch it: nobody jobs watch {job['id']}")
