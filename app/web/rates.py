"""How often each client may ask. Callers on the machine itself are not counted.

No library: those that there are take 20 µs a call, where a plain face takes 3; docs/decisions/http-limits.md has more.
"""

import math
from functools import lru_cache
from ipaddress import IPv6Network, ip_address
from time import monotonic

from starlette.types import ASGIApp, Receive, Scope, Send

from app.web.errors import RateError, rate_problem
from app.web.observing import Observed
from app.web.protection import SafeHeaders
from app.web.public import PublicPictures, is_public
from app.web.traffic import Traffic

_MINUTE = 60.0
#: Clients that are remembered at most; one that is forgotten begins anew.
_CLIENTS = 100_000
#: Characters of an address that are looked at: what a proxy tells may be anything.
_LONGEST = 64


class Rate:
    """A rate for each client: so much at once, and as much again spread over each minute.

    This is the generic cell rate algorithm: of a client, it keeps the time at which all that it has used is free again.

    Args:
        name: of what is counted, for the header ``RateLimit``.
        a_minute: how much; 0 for any.
    """

    def __init__(self, name: str, a_minute: int) -> None:
        self._name = name
        self.a_minute = a_minute
        self._each = _MINUTE / a_minute if a_minute else 0.0
        self._free: dict[str, float] = {}  # least recently used first

    def refused(self, client: str, amount: int = 1, *, counts: bool = True) -> RateError | None:
        """Return why an amount is refused; count one that is not, unless the question is only whether it would be."""
        now = monotonic()
        free = max(self._free.pop(client, now), now)
        then = free + self._each * amount
        wait = round(then - now - _MINUTE, 6)  # without the rounding errors of many small amounts
        self._free[client] = then if counts and wait <= 0 else free
        oldest = next(iter(self._free))
        if self._free[oldest] <= now or len(self._free) > _CLIENTS:
            del self._free[oldest]
        return RateError(self._name, self.a_minute, math.ceil(wait)) if wait > 0 else None

    def count(self, client: str | None, amount: int = 1, *, counts: bool = True) -> None:
        """Count an amount of a client, or only look whether it may be counted; None is the machine itself.

        Raises:
            RateError: the client has used all that it may.
        """
        if client is not None and (refusal := self.refused(client, amount, counts=counts)):
            raise refusal


def stranger(scope: Scope) -> str | None:
    """Return by what the client of a request is counted; None if it is on this machine.

    An IPv4 address, or the /64 of an IPv6 address, of which one client has all. What is no address is what a proxy says
    of somebody whom it does not want to name.
    """
    client = scope.get("client")
    return _stranger(client[0][:_LONGEST]) if client else None  # a socket of the file system has none


@lru_cache(maxsize=65_536)
def _stranger(host: str) -> str | None:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_loopback:
        return None
    return str(address) if address.version == 4 else str(IPv6Network((int(address) >> 64 << 64, 64)))


class LimitFaces:
    """Refuses strangers who ask for more than the rate of faces; large answers count as several faces, see ``Draw``."""

    def __init__(self, app: ASGIApp, rate: Rate, traffic: Traffic) -> None:
        self._app = app
        self._rate = rate
        self._refuse = Observed(SafeHeaders(PublicPictures(_refuse)), traffic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        client = stranger(scope) if scope["type"] == "http" else None
        if client is not None and (is_public(scope["path"]) or scope["path"] == "/"):  # the page has a face
            refusal = self._rate.refused(client)
            if refusal is not None:
                await self._refuse({**scope, "refusal": refusal}, receive, send)
                return
        await self._app(scope, receive, send)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await rate_problem(scope["refusal"])(scope, receive, send)
