"""Protection from pages of other origins, which can send requests to a service that only their visitor can reach.

Two checks:

- ``Host`` must name this service. Otherwise a page could resolve its own name to this service's address (DNS
  rebinding), and the browser would take both for one origin.
- ``Origin`` and ``Sec-Fetch-Site`` of a request that changes something must be those of this service's own pages.
  Programs send neither header.
"""

import re
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import ASGIApp, Receive, Scope, Send

from app.config import Settings
from app.web.errors import problem
from app.web.observing import Observed
from app.web.protection import SafeHeaders
from app.web.public import is_public
from app.web.traffic import Traffic

#: Methods that change nothing.
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: ``Sec-Fetch-Site`` of requests that one of our pages, or the visitor, has started.
_OWN_SITES = frozenset({b"same-origin", b"none"})

_AUTHORITY = re.compile(r"(?P<host>[a-z0-9._-]+|\[[a-z0-9.:%_-]+\])(?::(?P<port>[0-9]*))?", re.IGNORECASE)
_ORIGIN = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/]+)", re.IGNORECASE)
_DEFAULT_PORTS = {"http": "80", "https": "443"}
#: Values of ``Host`` that are cached as accepted.
_REMEMBERED = 1_000

_Host = str | IPv4Address | IPv6Address
_Headers = Iterable[tuple[bytes, bytes]]


class KnownHosts:
    """The names and addresses of this service.

    Always: loopback names and addresses, the address that it is bound to, and the setting ``allowed_hosts``. If it is
    bound to all addresses: also the machine's host name, and every address. The machine may be reached under addresses
    that it does not know (a container's host), and DNS rebinding needs a name.
    """

    def __init__(self, settings: Settings) -> None:
        self.named = frozenset(map(_normal, filter(None, settings.allowed_hosts.split(","))))
        self._all = "*" in self.named
        bound = _normal(settings.host or "0.0.0.0")
        self._any_address = isinstance(bound, IPv4Address | IPv6Address) and bound.is_unspecified
        self._own = self.named | {bound}
        if self._any_address:
            name = socket.gethostname().lower()
            self._own |= {name, name.partition(".")[0], name.partition(".")[0] + ".local"}

    def __contains__(self, host: _Host) -> bool:
        if self._all or host in self._own:
            return True
        if isinstance(host, str):
            return host == "localhost" or host.endswith(".localhost")  # reserved for loopback (RFC 6761)
        return host.is_loopback or self._any_address


class OwnOrigins:
    """Refuses requests to unknown names (421), and changes by pages of other origins (403)."""

    def __init__(self, app: ASGIApp, settings: Settings, traffic: Traffic) -> None:
        self._app = app
        self._refuse = Observed(SafeHeaders(_refuse), traffic)
        self._hosts = KnownHosts(settings)
        self._good: set[bytes | None] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        refusal = None
        if len(hosts) != 1 or hosts[0] not in self._good:
            refusal = self._refused_host(hosts, scope)
        if refusal is None and scope["method"] not in _SAFE and not is_public(scope["path"]):
            refusal = self._refused_page(hosts, scope["headers"])
        if refusal is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse({**scope, "refusal": refusal}, receive, send)

    def _refused_host(self, hosts: list[bytes], scope: Scope) -> tuple[int, str] | None:
        if not hosts and scope.get("http_version") == "1.0":
            return None  # browsers always send it; old health checks do not
        if len(hosts) != 1:
            return 400, f"expected the header Host once, got it {len(hosts)} times"
        text = hosts[0].decode("latin-1")
        match = _AUTHORITY.fullmatch(text)
        if match is None:
            return 400, f"expected the header Host as name or name:port, got {text[:100]!r}"
        host = _normal(match["host"])
        listening = scope.get("server")
        if host in self._hosts or (listening is not None and host == _normal(listening[0])):
            if len(self._good) < _REMEMBERED:
                self._good.add(hosts[0])
            return None
        return 421, (
            f"this service is not known as {str(host)[:253]!r}; if it should be, start it with the setting "
            f"NOBODY_ALLOWED_HOSTS={str(host)[:253]} (several names with commas between, * for all)"
        )

    def _refused_page(self, hosts: list[bytes], headers: _Headers) -> tuple[int, str] | None:
        for name, value in headers:
            if name == b"origin" and not self._own_page(value.decode("latin-1"), hosts):
                page = f"from a page of {value.decode('latin-1')[:100]!r}"
            elif name == b"sec-fetch-site" and value.strip().lower() not in _OWN_SITES:
                page = f"with Sec-Fetch-Site: {value.decode('latin-1')[:100]}"
            else:
                continue
            return 403, (
                f"expected a change to come from this service's own pages or from a program, got one {page}; if that "
                "is this service behind a proxy, let the proxy pass the header Host on, or set NOBODY_ALLOWED_HOSTS"
            )
        return None

    def _own_page(self, origin: str, hosts: list[bytes]) -> bool:
        """Compare host and port but not the scheme: a proxy may terminate HTTPS."""
        match = _ORIGIN.fullmatch(origin)
        page = _AUTHORITY.fullmatch(match["authority"]) if match is not None else None
        ours = _AUTHORITY.fullmatch(hosts[0].decode("latin-1")) if hosts else None
        if match is None or page is None or ours is None:
            return False  # for example "null", of a page that hides its origin
        usual = _DEFAULT_PORTS[match["scheme"].lower()]
        if _normal(page["host"]) == _normal(ours["host"]):
            return (page["port"] or usual) == (ours["port"] or usual)
        # Behind a proxy that sends another Host.
        return not page["port"] and _normal(page["host"]) in self._hosts.named


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    await problem(*scope["refusal"])(scope, receive, send)


def _normal(host: str) -> _Host:
    """Return a name in lower case, or an address parsed."""
    name = host.strip("[]").lower().removesuffix(".")
    try:
        address = ip_address(name)
    except ValueError:
        return name
    return getattr(address, "ipv4_mapped", None) or address
