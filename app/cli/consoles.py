"""Consoles of the commands: they write text as it is, to terminals, pipes and files."""

import sys
from typing import NoReturn

import typer
from rich.console import Console

#: Wider than any line: lines in pipes and files are not wrapped.
_FULL_WIDTH = 100_000


def console(*, stderr: bool = False) -> Console:
    """Return a console without markup: a job may be named "[red]"."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def results() -> Console:
    """Return the console for results, on standard output."""
    width = None if sys.stdout.isatty() else _FULL_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def is_live(console: Console) -> bool:
    """Say whether lines can be changed in place."""
    # Rich's own is_terminal is also true where only colours are forced.
    return console.file.isatty() and not console.is_dumb_terminal


def printable(text: str) -> str:
    """Return a text on one line, without control characters."""
    return "".join(char if char.isprintable() else " " if char in "\t\n\r" else "�" for char in text)


def note(text: str, style: str = "") -> None:
    """Write a line to standard error; only results go to standard output."""
    console(stderr=True).print(printable(text), style=style, soft_wrap=True)


def fail(problem: object) -> NoReturn:
    """Write what is wrong to standard error, and exit with 1."""
    note(f"nobody: {problem}", "red")
    raise typer.Exit(1) from None
