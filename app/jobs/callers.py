"""Who asks for jobs. Where keys are needed, callers see the jobs of their own key only."""

import secrets
from hashlib import sha256
from typing import NamedTuple

from app.jobs.quotas import Quota

#: The name that makes a key an administrator's.
ADMIN = "admin"


class Caller(NamedTuple):
    """Whom the jobs are shown to, and to whom new ones belong.

    Args:
        key_name: name of their key, or None where none is needed. Jobs belong to the name: who gets a new key of the
            same name, has them still.
        sees_all: whether they see and change all jobs, whosever.
        quota: what their jobs may use.
        fingerprint: of their key, if it can be revoked while we run.
    """

    key_name: str | None
    sees_all: bool
    quota: Quota | None
    fingerprint: str | None = None

    def sees(self, key_name: str | None) -> bool:
        """Return whether a job that belongs to this name is one of theirs."""
        return self.sees_all or (key_name is not None and key_name == self.key_name)


#: Everybody who reaches a service that needs no keys.
ANYBODY = Caller(None, sees_all=True, quota=None)


def new_key() -> str:
    """Return a key of 256 random bits; by its beginning, a scanner for secrets recognises it."""
    return f"nobody_{secrets.token_urlsafe(32)}"


def fingerprint(key: str) -> str:
    """Return what is stored of a key. Without salt and rounds: nobody can guess 256 random bits."""
    return sha256(key.encode()).hexdigest()
