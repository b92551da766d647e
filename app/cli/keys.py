"""``nobody keys``: keys for the calls about jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import consoles
from app.config import load_settings
from app.jobs.errors import JobError

if TYPE_CHECKING:
    from app.jobs.record.keys import KeyStore

cli = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Make, list and revoke keys: where strangers reach the service, calls about jobs need one. They are kept in "
    "the database that NOBODY_DATA or NOBODY_DATABASE_URL names; the service need not run, or be restarted.",
    epilog="Example: nobody keys add ada",
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose key it is: letters, digits, dots, _ and -.")]


@contextmanager
def _keys() -> Iterator["KeyStore"]:
    """Yield the keys; an error becomes one line and the exit code 1."""
    from app.jobs.service.database import JobDatabase

    try:
        with JobDatabase(load_settings()).store() as store:
            yield store.keys
    except JobError as error:
        consoles.fail(error)


@cli.command(epilog="Example: nobody keys add ada > ada.key")
def add(
    name: Name,
    admin: Annotated[bool, typer.Option("--admin", help="It sees and changes all jobs, and has no quota.")] = False,
) -> None:
    """Make a key and print it, once: only its fingerprint is kept.

    Jobs belong to the name of the key that made them. Who gets a new key of the same name, has them still.
    """
    with _keys() as keys:
        typer.echo(keys.add(name, is_admin=admin))
    consoles.note(f"{'an admin key' if admin else 'a key'} for {name}; it is not shown again")


@cli.command("list", epilog="Example: nobody keys list")
def list_keys() -> None:
    """List the keys of the database: name, kind, and when they were made (UTC)."""
    with _keys() as keys:
        for key in keys.all():
            made = datetime.fromtimestamp(key.created, UTC).strftime("%Y-%m-%d %H:%M")
            typer.echo(f"{key.name}\t{'admin' if key.is_admin else 'key'}\t{made}")


@cli.command(epilog="Example: nobody keys revoke ada")
def revoke(name: Name) -> None:
    """Revoke a key at once. The jobs that it made stay, and go on."""
    with _keys() as keys:
        keys.revoke(name)
    consoles.note(f"the key of {name} is revoked")
