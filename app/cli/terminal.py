"""What the long commands share: a progress bar, a clean end on Ctrl-C, and the report on the faces they read."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import typer
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text


def load_faces(console: Console, images: Path, strict: bool) -> Any:
    """Load faces, and report how many were taken and which files were left out, a line for each reason."""
    from models.faces.loading import load_faces as read

    left_out: dict[str, list[str]] = {}

    def note(file: Path, reason: str) -> None:
        left_out.setdefault(reason, []).append(str(file.relative_to(images)))

    faces: Any = ()
    try:
        faces = read(images, on_left_out=None if strict else note)
    finally:
        count = sum(map(len, left_out.values()))
        if len(faces) or count:
            taken = f"{images}: faces taken: {len(faces):,}" + (f"; files left out: {count:,}" if count else "")
            console.print(taken, soft_wrap=True, markup=False, highlight=False)
        for reason, names in sorted(left_out.items(), key=lambda item: -len(item[1])):
            shown = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
            console.print(f"{len(names):7,} {reason}: {shown}", soft_wrap=True, markup=False, highlight=False)
    return faces


def in_existing_folder(path: Path | None) -> Path | None:
    """Check that a file can be written to its folder, before minutes are spent on its content."""
    if path is not None and not path.parent.is_dir():
        raise typer.BadParameter(f"expected a file in a folder that exists, got {path}")
    return path


class Interruption:
    """Whether Ctrl-C was pressed or SIGTERM sent, and which."""

    def __init__(self) -> None:
        self.signal = 0

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.signal != 0


@contextmanager
def until_interrupted() -> Iterator[Interruption]:
    """Turn the first Ctrl-C or SIGTERM into a request to stop; a second one interrupts as usual."""
    interruption = Interruption()

    def ask_to_stop(number: int, frame: object) -> None:
        interruption.signal = number
        signal.signal(number, usual[number])

    usual: dict[int, Any] = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in usual:
        signal.signal(number, ask_to_stop)
    try:
        yield interruption
    finally:
        for number, handler in usual.items():
            signal.signal(number, handler)


class Show(Protocol):
    """Shows progress."""

    def __call__(self, done: int, description: str, numbers: str = "") -> None:
        """Show the steps done, a description, and numbers below the bar."""


@contextmanager
def progress_bar(console: Console, total: int, description: str) -> Iterator[Show]:
    """Show a progress bar; the numbers stand on a line of their own, so that both fit into 80 columns."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(None),
        MofNCompleteColumn(table_column=Column(no_wrap=True)),
        TimeElapsedColumn(table_column=Column(no_wrap=True)),
        TextColumn("left:"),
        TimeRemainingColumn(elapsed_when_finished=True, table_column=Column(no_wrap=True)),
    )
    bar, below = Progress(*columns, console=console, expand=True), Text()
    task = bar.add_task(description, total=total)

    def show(done: int, description: str, numbers: str = "") -> None:
        bar.update(task, completed=done, description=description)
        below.plain = numbers

    with Live(Group(bar, below), console=console, refresh_per_second=8):
        yield show
