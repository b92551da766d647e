"""The keys that are kept in the database, as fingerprints, and what their jobs use."""

import hmac
import re
import time
from collections.abc import Collection
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from app.config import KEY_NAME
from app.jobs.callers import ADMIN, Caller, fingerprint, new_key
from app.jobs.errors import KeyNameError
from app.jobs.quotas import day_of
from app.jobs.record.tables import jobs, keys, usage
from app.jobs.states import ENDED


class StoredKey(NamedTuple):
    """What is known of a key."""

    name: str
    is_admin: bool
    created: float


class KeyStore:
    """Makes, finds and revokes keys."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def add(self, name: str, *, is_admin: bool) -> str:
        """Make a key and return it; it cannot be read again.

        Raises:
            KeyNameError: there is a key of this name, or none can have it.
        """
        if not re.fullmatch(KEY_NAME, name):
            raise KeyNameError(f"expected a name of up to 64 letters, digits, dots, _ and -, got {name!r}")
        if name == ADMIN and not is_admin:
            raise KeyNameError(f"the name {ADMIN} is for an admin key; add --admin, or take another name")
        key = new_key()
        row = {"name": name, "fingerprint": fingerprint(key), "is_admin": is_admin, "created": time.time()}
        try:
            with self._engine.begin() as connection:
                connection.execute(sa.insert(keys).values(row))
        except IntegrityError:
            raise KeyNameError(f"there is a key {name!r}; revoke it first, or take another name") from None
        return key

    def all(self) -> list[StoredKey]:
        """Return all keys, by name."""
        query = sa.select(keys.c.name, keys.c.is_admin, keys.c.created).order_by(keys.c.name)
        with self._engine.connect() as connection:
            return [StoredKey(*row) for row in connection.execute(query)]

    def revoke(self, name: str) -> None:
        """Delete a key; the jobs of its name stay.

        Raises:
            KeyNameError: there is no key of this name.
        """
        with self._engine.begin() as connection:
            if not connection.execute(sa.delete(keys).where(keys.c.name == name)).rowcount:
                raise KeyNameError(f"there is no key {name!r}; nobody keys list shows those there are")

    def find(self, key: str) -> StoredKey | None:
        """Return what is known of a key, or None.

        The search is by the fingerprint, so the time that it takes tells nothing about the keys that there are.
        """
        wanted = fingerprint(key)
        query = sa.select(keys).where(keys.c.fingerprint == wanted)
        with self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not hmac.compare_digest(row.fingerprint, wanted):
            return None
        return StoredKey(row.name, row.is_admin, row.created)

    def existing(self, fingerprints: Collection[str]) -> set[str]:
        """Return those of the fingerprints whose keys are not revoked."""
        query = sa.select(keys.c.fingerprint).where(keys.c.fingerprint.in_(fingerprints))
        with self._engine.connect() as connection:
            return set(connection.execute(query).scalars())


def charge(connection: sa.Connection, caller: Caller, steps: int) -> None:
    """Count a new job to its key, in the transaction that stores the job. Others of the same key wait for its end.

    Raises:
        LimitError: the job has more steps than the key may ever ask for.
        QuotaError: the key has used what it may.
    """
    if caller.quota is None:
        return
    now = time.time()
    mine = usage.c.key_name == caller.key_name
    unused = {"key_name": caller.key_name, "day": day_of(now), "steps": 0}
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(insert(usage).values(unused).on_conflict_do_nothing())
    used_today = sa.case((usage.c.day == day_of(now), usage.c.steps), else_=0)
    charged = sa.update(usage).where(mine).values(day=day_of(now), steps=used_today + steps).returning(usage.c.steps)
    caller.quota.check_steps(steps, connection.execute(charged).scalar_one() - steps, now)
    unfinished = sa.select(sa.func.count()).where(jobs.c.key_name == caller.key_name, jobs.c.state.not_in(ENDED))
    caller.quota.check_jobs(connection.execute(unfinished).scalar_one())
