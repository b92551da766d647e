"""PostgreSQL tells whoever listens that a job has news. SQLite cannot: there, one has to ask."""

import asyncio
import logging
from collections.abc import Callable

import psycopg
import sqlalchemy as sa

from app.jobs.record.database import CONNECT_ARGUMENTS

log = logging.getLogger("nobody.jobs")

_CHANNEL = "nobody_job_events"
#: Pause before a connection that was lost is opened again, in seconds.
_RETRY_SECONDS = 1.0


def notify(connection: sa.Connection, number: int) -> None:
    """Tell all who listen that a job has news, at the moment at which the connection's transaction is committed."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, str(number))))


class Listener:
    """Listens to a PostgreSQL database, on one connection for all jobs.

    Args:
        url: of the database.
        on_news: called with the number of each job that has news, and with None where any job may have some.
    """

    def __init__(self, url: str, on_news: Callable[[int | None], None]) -> None:
        self._url = sa.make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        self._on_news = on_news
        #: Whether the database can reach us now.
        self.is_listening = False

    async def run(self) -> None:
        """Listen until this task is cancelled."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                if self.is_listening:
                    log.warning("the database no longer tells of events: %s", str(error).partition("\n")[0])
            finally:
                self.is_listening = False
            await asyncio.sleep(_RETRY_SECONDS)

    async def _listen(self) -> None:
        connect = psycopg.AsyncConnection.connect(self._url, autocommit=True, **CONNECT_ARGUMENTS)
        async with await connect as connection:
            await connection.execute(f"LISTEN {_CHANNEL}")
            self.is_listening = True
            self._on_news(None)  # of what was told before, we heard nothing
            async for notification in connection.notifies():
                self._on_news(int(notification.payload))
