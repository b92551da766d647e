"""Watching a job live: a bar on a terminal, lines in a pipe or a file, or JSON."""

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from app.cli import consoles
from app.cli.job_texts import numbers

if TYPE_CHECKING:  # --help answers without loading an HTTP client
    from app.cli.client import JobsClient

Json = dict[str, Any]

#: Exit codes, by the state in which the job ended.
_EXIT_CODES = {"succeeded": 0, "failed": 1, "cancelled": 2}
_INTERRUPTED = 130
_COLOURS = {"succeeded": "green", "failed": "red", "cancelled": "yellow"}

#: What a job does before its first step.
_PHASES = {"starting": "starting its process", "compiling": "compiling the training step"}


def watch(client: "JobsClient", job: Json, console: Console, as_json: bool = False) -> int:
    """Show a job on a console until it ends; return the exit code."""
    screen = Screen(job)
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
        consoles.note(f"job {job['id']} goes on; watch it again: nobody jobs watch {job['id']}")
        return _INTERRUPTED
    consoles.note(screen.conclusion(), _COLOURS.get(screen.status, ""))
    return _EXIT_CODES.get(screen.status, 1)


class Screen:
    """The state of a watched job, and how it is shown."""

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
        self._below = Text()
        self.group = Group(self._bar, self._below)

    def show(self, kind: str, data: Json) -> None:
        """Update the state by an event."""
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
        self._below.plain = "\n".join(self._details())

    def line(self) -> str:
        """Return the state in one line."""
        where = f"{self._stage()}, step {self._step:,} of {self._steps:,}"
        return "; ".join(filter(None, (where, self._pace(), *self._details())))

    def conclusion(self) -> str:
        """Return the end of the job in one line."""
        reason = f": {self._error}" if self._error else ""
        where = f"job {self._id} {self.status} at step {self._step:,} of {self._steps:,}{reason}"
        return "; ".join((where, *self._details()))

    def _stage(self) -> str:
        phase = _PHASES.get(self._phase or "") if self.status == "running" else None
        return f"{self.status}, {phase}" if phase else self.status

    def _details(self) -> list[str]:
        values = [numbers(given) for given in (self._losses, self._figures) if given]
        return values + [f"warning: {text}" for text in self._warnings.values()]

    def _pace(self) -> str:
        if self.status != "running" or not self._speed:
            return ""
        return f"{self._speed:,.0f} steps/s, {_duration((self._steps - self._step) / self._speed)} left"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
