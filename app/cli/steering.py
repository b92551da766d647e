"""The commands of ``nobody jobs`` that steer an existing job."""

from typing import Annotated, Any

import typer

from app.cli import consoles
from app.cli.connection import HERE, JobId, Url, connected


def pause(job_id: JobId, url: Url = HERE) -> None:
    """Pause a job: it is saved, and waits to be resumed."""
    _ask(job_id, "pause", url)


def resume(job_id: JobId, url: Url = HERE) -> None:
    """Go on with a paused job exactly where it stopped."""
    _ask(job_id, "resume", url)


def step(
    job_id: JobId,
    steps: Annotated[int, typer.Option(min=1, help="How many.")] = 1,
    half: Annotated[bool, typer.Option("--half", help="Stop between the two networks' updates.")] = False,
    url: Url = HERE,
) -> None:
    """Train a paused job by single steps; then it is paused again."""
    _ask(job_id, "step", url, {"steps": steps, "half": half})


def cancel(job_id: JobId, url: Url = HERE) -> None:
    """Cancel a job; what it has learnt so far is kept."""
    _ask(job_id, "cancel", url)


def rename(
    job_id: JobId,
    name: Annotated[str | None, typer.Argument(help="The new name. Left out: the job has none any more.")] = None,
    url: Url = HERE,
) -> None:
    """Give a job another name."""
    with connected(url) as client:
        client.rename(job_id, name)
    consoles.note(f"job {job_id} has no name any more" if name is None else f"job {job_id} is called {name}")


def delete(job_id: JobId, url: Url = HERE) -> None:
    """Delete a job that has ended, and its files."""
    with connected(url) as client:
        client.delete(job_id)
    consoles.note(f"job {job_id} is deleted")


def _ask(job_id: str, action: str, url: str, body: dict[str, Any] | None = None) -> None:
    with connected(url) as client:
        job = client.ask(job_id, action, body)
    consoles.note(f"job {job['id']} is {job['status']}")
