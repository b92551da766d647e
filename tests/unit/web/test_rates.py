"""How often each client may ask."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.web import rates
from app.web.errors import RateError
from app.web.rates import Rate, stranger

#: Pairs of seconds since the last call and what it asks for.
CALLS = st.lists(st.tuples(st.floats(0, 90), st.integers(1, 12)), max_size=60)


class Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(rates, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.mark.parametrize("a_minute", [1, 7, 60, 999, 6_000])
def test_a_minute_of_calls_may_come_at_once(clock: Clock, a_minute: int) -> None:
    rate = Rate("faces", a_minute)
    assert not any(rate.refused("ada") for _ in range(a_minute))
    refusal = rate.refused("ada")
    assert refusal is not None
    assert rate.refused("bob") is None, "who has a rate of their own"
    seconds = int(refusal.headers["Retry-After"])
    assert seconds - 1 < 60 / a_minute <= seconds
    assert f"expected at most {a_minute:,} faces a minute of one client" in str(refusal)
    assert refusal.headers["RateLimit-Policy"] == f'"faces";q={a_minute};w=60'
    assert refusal.headers["RateLimit"] == f'"faces";r=0;t={seconds}'
    clock.now += seconds
    assert rate.refused("ada") is None, "after as long as it said"


@given(st.integers(1, 50), CALLS)
def test_never_more_than_the_rate_and_never_less(a_minute: int, calls: list[tuple[float, int]]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        clock, rate = Clock(monkeypatch), Rate("faces", a_minute)
        left = float(a_minute)
        for seconds, amount in calls:
            clock.now += seconds
            left = min(a_minute, left + seconds * a_minute / 60)
            if abs(left - amount) < 1e-6:
                return  # rounding errors decide
            assert (rate.refused("ada", amount, counts=False) is None) == (left >= amount), "a look counts nothing"
            assert (rate.refused("ada", amount) is None) == (left >= amount)
            left -= amount if left >= amount else 0


def test_without_a_rate_everything_may_come(clock: Clock) -> None:
    rate = Rate("faces", 0)
    assert not any(rate.refused("ada", 1_024) for _ in range(1_000))


def test_clients_are_forgotten(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "_CLIENTS", 100)
    rate = Rate("faces", 2)
    for number in range(1_000):
        rate.refused(f"client {number}")
        assert len(rate._free) <= 100, "whoever comes"
    for _ in range(1_000):
        clock.now += 31
        rate.refused("ada")
    assert list(rate._free) == ["ada"], "those who have not asked for a minute"


def test_the_machine_itself_is_not_counted(clock: Clock) -> None:
    rate = Rate("faces", 1)
    for _ in range(3):
        rate.count(None)
    rate.count("ada")
    with pytest.raises(RateError):
        rate.count("ada")


@pytest.mark.parametrize(
    ("address", "client"),
    [
        *((address, None) for address in ("127.0.0.1", "127.9.9.9", "::1", "0:0::1", "::ffff:127.0.0.1")),
        *((address, "192.0.2.7") for address in ("192.0.2.7", "::ffff:192.0.2.7")),
        *((address, "2001:db8:1:2::/64") for address in ("2001:db8:1:2::1", "2001:DB8:1:2:ffff::", "2001:db8:1:2::%1")),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        *((word, word) for word in ("unknown", "_hidden", "192.0.2", "localhost")),
        (100 * "x", 64 * "x"),
    ],
)
def test_who_a_client_is(address: str, client: str | None) -> None:
    assert stranger({"type": "http", "client": (address, 5)}) == client


def test_a_socket_of_the_file_system_is_of_this_machine() -> None:
    assert stranger({"type": "http", "client": None}) is None
    assert stranger({"type": "http"}) is None
