"""The ``nobody`` command."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from app import ROOT, __version__, logs, part
from app.cli import checking, consoles, jobs, keys, measuring, reloading
from app.cli.terminal import in_existing_folder, load_faces, progress_bar, until_interrupted
from app.config import MOST_PROCESSES, load_settings
from app.jobs.errors import JobsUnavailableError
from app.jobs.locks import LockedError
from app.processors import processors

# The modules that load TensorFlow are imported by the commands that need them: --help answers at once.

cli = typer.Typer(
    name="nobody",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # brackets in a text are brackets
    help="Faces of people who do not exist, 16×16 pixels at a time.",
)
cli.add_typer(jobs.cli, name="jobs")
cli.add_typer(keys.cli, name="keys")
cli.command()(checking.check)
cli.command()(reloading.reload)
cli.command()(measuring.evaluate)
cli.command()(measuring.toys)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"nobody {__version__}")
        raise typer.Exit


@cli.callback()
def _main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    pass


#: Nobody else on the machine can read what a service or a worker writes: the points, networks and names of its users.
_OURS_ALONE = 0o077


@cli.command()
def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on, 0.0.0.0 for all; otherwise NOBODY_HOST, or 127.0.0.1.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="TCP port, 0 for a free one; otherwise NOBODY_PORT, or 8000."),
    ] = None,
    processes: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=MOST_PROCESSES,
            help="Processes on the same port, 0 for one per processor; otherwise NOBODY_PROCESSES, or 1.",
        ),
    ] = None,
    this_part: Annotated[str | None, typer.Option("--part", hidden=True, help="One of the processes.")] = None,
) -> None:
    """Serve faces and training jobs over HTTP, and the pages at / and /lab.

    The other settings come from the environment: NOBODY_WEIGHTS (a weights file or its folder), NOBODY_PIXELS (auto,
    raw, symmetric), NOBODY_DATA (./data), NOBODY_DATABASE_URL (none: the jobs are kept in NOBODY_DATA and trained by
    this very command). docs/settings.md has all of them.
    """
    from models.files.reading import start_reader

    # The application, the worker beside it and other processes read their settings from the environment.
    os.environ |= _given(NOBODY_HOST=host, NOBODY_PORT=port, NOBODY_PROCESSES=processes)
    os.umask(_OURS_ALONE)
    settings = load_settings()
    if this_part is None and (together := settings.processes or processors()) > 1:
        from app.web.processes import serve_together

        logs.configure(settings.log)
        with _startup_errors():
            serve_together(settings, together)
        return
    if this_part is not None:
        from app.shutdown import end_with_parent

        end_with_parent()
        part.mine = part.Part.parse(this_part)
    start_reader()  # it gets ready while this process imports the rest
    from app.web.server import serve as run

    logs.configure(settings.log)
    with _startup_errors():
        run(settings)


@cli.command()
def worker(
    embedded: Annotated[bool, typer.Option(hidden=True, help="End with the process that holds our input.")] = False,
) -> None:
    """Train jobs: start as many workers as you like, on any machine that shares the database and the data folder.

    `nobody serve` runs one by itself unless NOBODY_DATABASE_URL is set. Ctrl-C saves what is being trained.
    """
    import gc
    import logging

    gc.disable()  # what is loaded stays; to look for garbage among it takes an eighth of the time
    from app.jobs.worker.worker import run_worker
    from app.shutdown import end_with_parent

    gc.freeze()
    gc.enable()
    if embedded:
        end_with_parent()
    os.umask(_OURS_ALONE)
    settings = load_settings()
    logs.configure(settings.log, logging.WARNING if embedded else logging.INFO)
    with _startup_errors():
        run_worker(settings)


@contextmanager
def _startup_errors() -> Iterator[None]:
    """End with one line where the service or a worker cannot start."""
    try:
        yield
    except LockedError as error:
        raise SystemExit(f"nobody: cannot start: {error}; stop it, or set NOBODY_DATA to another folder") from None
    except JobsUnavailableError as error:
        raise SystemExit(f"nobody: cannot start: {error}") from None
    except OSError as error:
        raise SystemExit(f"nobody: cannot start: NOBODY_DATA: expected a folder to write to, got {error}") from None


@cli.command()
def train_faces(
    images: Annotated[
        Path, typer.Option(help="A .npy of uint8 faces (count, 16, 16), or a folder of pictures of any size.")
    ],
    out: Annotated[Path, typer.Option(help="Run folder; a run that stands there is resumed.")],
    start_from: Annotated[
        Path | None, typer.Option(help="Folder with generator.h5 and discriminator.h5 to begin with, such as weights.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Generator updates.")] = 24_000,
    batch_size: Annotated[int, typer.Option(min=1)] = 64,
    disc_iter: Annotated[int, typer.Option(min=1, help="Critic updates to each generator update.")] = 3,
    learning_rate: Annotated[float, typer.Option(min=0, help="At the start; it decays along a cosine.")] = 4e-4,
    augment: Annotated[
        str, typer.Option(help="disturb real and generated faces alike, or mirror the real ones.")
    ] = "disturb",
    quadratic_weight: Annotated[
        float, typer.Option(min=0, help="Of the second, quadratic critic against the exercise's, which weighs 1.")
    ] = 10.0,
    holdout: Annotated[int, typer.Option(min=0, help="Faces kept out of training.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    checkpoint_steps: Annotated[int, typer.Option(min=1, help="Steps between checkpoints and sample sheets.")] = 1_000,
    strict: Annotated[bool, typer.Option("--strict", help="End at the first picture that cannot be read.")] = False,
) -> None:
    """Train the convolutional WGAN-GP on faces; Ctrl-C saves and stops, the same command resumes.

    Says which files of a folder were left out, and why. The run folder gets generator.h5 and discriminator.h5 (serve
    them with NOBODY_WEIGHTS), sheets of samples, losses.csv and the checkpoint. Exits with 130 after Ctrl-C.
    """
    import app.quiet_tensorflow  # noqa: F401 (first)
    from app.faces import imaging
    from app.faces.latents import latents_of_seeds
    from models.faces.training import FaceTrainingSettings
    from models.faces.training import train_faces as train
    from models.files.normalization import SYMMETRIC

    settings = FaceTrainingSettings(
        steps=steps,
        batch_size=batch_size,
        disc_iter=disc_iter,
        learning_rate=learning_rate,
        holdout=holdout,
        seed=seed,
        augment=augment,
        quadratic_weight=quadratic_weight,
    )
    latents = latents_of_seeds(range(100))

    def draw_samples(step: int, generator: Any) -> None:
        faces = SYMMETRIC.to_grey(generator(latents, training=False))
        (out / f"samples-{step:06}.png").write_bytes(imaging.sheet_png(faces, 48, "nearest"))

    console = consoles.console(stderr=True)
    try:
        faces = load_faces(console, images, strict)
        with until_interrupted() as should_stop, progress_bar(console, steps, "training") as show:
            step = train(
                faces,
                out,
                settings,
                start_from=start_from,
                checkpoint_steps=checkpoint_steps,
                on_progress=lambda progress: show(progress.step, "training", _losses(progress.losses)),
                on_export=draw_samples,
                should_stop=should_stop,
            )
    except (ValueError, ArithmeticError, OSError) as error:
        consoles.fail(error)
    done = "done" if step == steps else "saved; the same command resumes"
    console.print(f"step {step:,} of {steps:,}: {done}. Serve it: NOBODY_WEIGHTS={out} nobody serve", soft_wrap=True)
    if step < steps:
        raise typer.Exit(128 + should_stop.signal)


class _BenchPart(StrEnum):
    TRAINING = "training"
    JOBS = "jobs"
    SERVING = "serving"
    CAPACITY = "capacity"


@cli.command()
def bench(
    tiny: Annotated[
        bool, typer.Option("--tiny", help="Only see that everything runs; the figures mean nothing.")
    ] = False,
    only: Annotated[_BenchPart | None, typer.Option(help="One of the four parts.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(exists=True, file_okay=False, resolve_path=True, help="Another checkout to measure beside this."),
    ] = None,
    json_file: Annotated[
        Path | None,
        typer.Option("--json", dir_okay=False, callback=in_existing_folder, help="Write the figures here, too."),
    ] = None,
) -> None:
    """Measure speed: training beside the exercise's code, JAX and PyTorch; jobs; serving beside a constant picture.

    Also what a face and a job cost. Runs the benchmarks of a checkout, for some minutes. `make bench` installs JAX and
    PyTorch, into an environment of their own.
    """
    if not (ROOT / "tests" / "benchmarks").is_dir():
        consoles.fail("bench: expected a checkout with tests/benchmarks; clone the repository and run it there")
    sys.path.insert(0, str(ROOT))
    try:
        import_module("tests.benchmarks.suite").run(tiny, only, json_file, against)
    except (RuntimeError, OSError) as error:
        consoles.fail(error)


def _given(**values: object) -> dict[str, str]:
    return {name: str(value) for name, value in values.items() if value is not None}


def _losses(losses: Mapping[str, Any]) -> str:
    return " ".join(f"{name} {values[-1]:+.3f}" for name, values in losses.items())


def main() -> None:
    """Run the command line."""
    cli()
