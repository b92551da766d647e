"""What the commands write: text as it is, into whatever there is to write to."""

import sys

from rich.console import Console

#: Into a pipe or a file everything is written in full: wider than anything that is written.
_FULL_WIDTH = 100_000


def console(*, stderr: bool = False) -> Console:
    """Return a console that writes text as it is: brackets and colons in it mean nothing, as in a job named "[red]"."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)


def results() -> Console:
    """Return the console for what a command has found out, on standard output."""
    width = None if sys.stdout.isatty() else _FULL_WIDTH
    return Console(width=width, markup=False, emoji=False, highlight=False)


def is_live(console: Console) -> bool:
    """Say whether a person watches who sees lines change in place."""
    # Rich's own is_terminal is also true where only colours are wished for.
    return console.file.isatty() and not console.is_dumb_terminal


def printable(text: str) -> str:
    """Return a text on one line without what would steer the terminal."""
    return "".join(char if char.isprintable() else " " if char in "\t\n\r" else "�" for char in text)
