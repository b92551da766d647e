"""``nobody check``: is a deployment as it should be?"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import typer

from app.cli import consoles
from app.config import Settings, load_settings

if TYPE_CHECKING:
    from app.jobs.service.checks import Finding


def check() -> None:
    """Look whether this machine is ready for nobody serve and nobody worker, and say what to mend.

    Checks with the settings of the environment, as the user that will run the service: whether the weights load and
    make faces, the data folder, its disk, the database with its tables and its clock, keys where strangers can come,
    memory and open files. Changes nothing. Exits with 1 if something is to be mended.
    """
    console, sound = consoles.results(), True
    for finding in _findings(load_settings()):
        sound &= finding.sound
        mark, style = ("ok  ", "green") if finding.sound else ("mend", "red")
        console.print(mark, f"{finding.subject:<12}", consoles.printable(finding.text), style=style, soft_wrap=True)
    if not sound:
        raise typer.Exit(1)


def _findings(settings: Settings) -> Iterator["Finding"]:
    from app.jobs.service.checks import check_jobs

    yield _weights(settings)
    yield from check_jobs(settings)


def _weights(settings: Settings) -> "Finding":
    from app.faces.generator import FaceGenerator
    from app.jobs.service.checks import Finding
    from models.files.weights import WeightsError

    try:
        generator = FaceGenerator(settings.weights, settings.pixels)  # which draws some
    except WeightsError as error:
        return Finding("weights", False, f"NOBODY_WEIGHTS {error}")
    return Finding("weights", True, f"NOBODY_WEIGHTS {settings.weights}: {generator.id} makes faces")
