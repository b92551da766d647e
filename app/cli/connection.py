"""What the commands of ``nobody jobs`` share: which service, which job, how to show it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import consoles

if TYPE_CHECKING:  # --help answers without loading an HTTP client
    from app.cli.client import JobsClient

Url = Annotated[str, typer.Option("--url", envvar="NOBODY_URL", help="Where the service is.")]
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as submit and list show it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the service's JSON, for scripts.")]
Watch = Annotated[bool, typer.Option("--watch", help="Watch the job until it ends; see nobody jobs watch --help.")]

HERE = "http://127.0.0.1:8000"


@contextmanager
def connected(url: str) -> Iterator["JobsClient"]:
    """Yield a client; an error of the service or the network becomes one line and the exit code 1."""
    from app.cli.client import JobsClient, ServiceError

    try:
        with JobsClient(url, key=os.environ.get("NOBODY_API_KEY", "").strip()) as client:
            yield client
    except BrokenPipeError:
        raise  # the reader of our output has gone
    except (ServiceError, OSError) as error:
        consoles.fail(error)
