import hashlib
import re

from hypothesis import given
from hypothesis import strategies as st

from app.jobs.callers import ANYBODY, Caller, fingerprint, new_key

NAMES = st.one_of(st.none(), st.sampled_from(["ada", "bob", "Ada", ""]))


@given(NAMES, NAMES)
def test_a_caller_sees_the_jobs_of_the_own_name_only(mine: str | None, whose: str | None) -> None:
    assert Caller(mine, sees_all=False, quota=None).sees(whose) == (mine is not None and mine == whose)
    assert Caller(mine, sees_all=True, quota=None).sees(whose)
    assert ANYBODY.sees(whose)


def test_keys_are_random_and_have_256_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch("nobody_[A-Za-z0-9_-]{43}", key) for key in keys)


@given(st.text(st.characters(max_codepoint=255), max_size=100))
def test_whatever_a_header_may_hold_has_a_fingerprint(key: str) -> None:
    assert fingerprint(key) == hashlib.sha256(key.encode()).hexdigest()
