"""Whether calls about jobs need a key, and whose a key is."""

import hmac

from app.config import Settings
from app.jobs.callers import ADMIN, Caller, fingerprint
from app.jobs.errors import UnknownKeyError
from app.jobs.quotas import Quota
from app.jobs.service.database import JobDatabase


class Access:
    """Knows callers by their keys: those of the settings, and those of the database.

    Args:
        settings: whether keys are needed, some of the keys, and the quota of each.
        database: of the jobs, with all other keys.
    """

    def __init__(self, settings: Settings, database: JobDatabase) -> None:
        self._needs_keys = settings.needs_keys
        self._keys = {name: fingerprint(key) for name, key in settings.keys.items()}
        self._quota = Quota(settings.key_jobs, settings.key_steps, settings.key_megabytes)
        self._database = database

    def needs_key(self, is_stranger: bool) -> bool:
        """Return whether a call needs a key, by whether it comes from another machine."""
        return self._needs_keys or is_stranger

    def owner(self, key: str) -> Caller:
        """Return whose key this is.

        Raises:
            UnknownKeyError: nobody has it.
            JobsUnavailableError: the database does not answer.
        """
        given = fingerprint(key)
        # All are compared, each to its end: how long that takes does not tell which was nearly right.
        names = [name for name, known in self._keys.items() if hmac.compare_digest(known, given)]
        if names:
            return self._caller(names[0], is_admin=names[0] == ADMIN)
        with self._database.store() as store:
            found = store.keys.find(key)
        if found is None:
            raise UnknownKeyError
        return self._caller(found.name, is_admin=found.is_admin)._replace(fingerprint=given)

    def _caller(self, name: str, is_admin: bool) -> Caller:
        return Caller(name, sees_all=is_admin, quota=None if is_admin else self._quota)
