"""The ``nobody`` command."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from app import __version__
from app.config import load_settings

if TYPE_CHECKING:
    from models.training import Progress as TrainingProgress

# The modules that load TensorFlow are imported by the commands that need them: --help answers at once.

cli = typer.Typer(
    name="nobody",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Faces of people who do not exist, 16×16 pixels at a time.",
)


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


@cli.command()
def serve() -> None:
    """Serve faces over HTTP, and the face page at /.

    Settings come from the environment: NOBODY_HOST (127.0.0.1), NOBODY_PORT (8000), NOBODY_WEIGHTS (the folder with
    generator.h5), NOBODY_PIXELS (auto, raw, symmetric), NOBODY_DATA (./data).
    """
    import uvicorn

    settings = load_settings()
    uvicorn.run("app.main:app", host=settings.host, port=settings.port)


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
    holdout: Annotated[int, typer.Option(min=0, help="Faces kept out of training.")] = 1_000,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    checkpoint_steps: Annotated[int, typer.Option(min=1, help="Steps between checkpoints and sample sheets.")] = 1_000,
) -> None:
    """Train the convolutional WGAN-GP on faces; Ctrl-C saves and stops, the same command resumes.

    The run folder gets generator.h5 and discriminator.h5 (serve them with NOBODY_WEIGHTS), sheets of samples,
    losses.csv and the checkpoint.
    """
    import app.quiet_tensorflow  # noqa: F401 (first)
    from app import imaging
    from app.faces.latents import latents_of_seeds
    from models.face_training import FaceTrainingSettings, load_faces
    from models.face_training import train_faces as train
    from models.normalization import SYMMETRIC

    settings = FaceTrainingSettings(
        steps=steps,
        batch_size=batch_size,
        disc_iter=disc_iter,
        learning_rate=learning_rate,
        holdout=holdout,
        seed=seed,
    )
    latents = latents_of_seeds(range(100))

    def draw_samples(step: int, generator: Any) -> None:
        faces = SYMMETRIC.to_grey(generator(latents, training=False))
        (out / f"samples-{step:06}.png").write_bytes(imaging.png(imaging.sheet(imaging.enlarge(faces, 48, "nearest"))))

    console = Console(stderr=True)
    try:
        faces = load_faces(images)
        with _until_interrupted() as should_stop, _progress_bar(console, steps) as on_progress:
            step = train(
                faces,
                out,
                settings,
                start_from=start_from,
                checkpoint_steps=checkpoint_steps,
                on_progress=on_progress,
                on_export=draw_samples,
                should_stop=should_stop,
            )
    except (ValueError, ArithmeticError, OSError) as error:
        console.print(f"nobody: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None
    done = "done" if step == steps else "saved; the same command resumes"
    console.print(f"step {step:,} of {steps:,}: {done}. Serve it: NOBODY_WEIGHTS={out} nobody serve", soft_wrap=True)


@contextmanager
def _until_interrupted() -> Iterator[Callable[[], bool]]:
    """Turn the first Ctrl-C or SIGTERM into a polite stop; a second one interrupts as usual."""
    stop = threading.Event()

    def ask_to_stop(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, usual[number])

    usual: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in usual:
        signal.signal(number, ask_to_stop)
    try:
        yield stop.is_set
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


@contextmanager
def _progress_bar(console: Console, steps: int) -> Iterator[Callable[["TrainingProgress"], None]]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("training", total=steps)

        def update(progress: "TrainingProgress") -> None:
            losses = " ".join(f"{name} {values[-1]:+.3f}" for name, values in progress.losses.items())
            bar.update(task, completed=progress.step, description=losses)

        yield update


def main() -> None:
    """Run the command line."""
    cli()
