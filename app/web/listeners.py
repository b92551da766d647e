"""Sockets on which several processes listen at the same port."""

import socket
from collections.abc import Sequence


def listeners(host: str, port: int, processes: int) -> list[list[socket.socket]]:
    """Return bound sockets for each process, on every address of the host.

    Raises:
        OSError: an address is taken or cannot be had.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    places: list[list[socket.socket]] = [[] for _ in range(processes)]
    for family, address in dict.fromkeys((family, address) for family, *_, address in found):
        # Others of our user who share their port would let us in unnoticed; this socket shares nothing.
        with _bound(family, (address[0], port, *address[2:])) as alone:
            port = alone.getsockname()[1]  # of all addresses, where it was 0
        for place in places:
            place.append(_bound(family, (address[0], port, *address[2:]), shared=True))
    return places


def renewed(listening: Sequence[socket.socket]) -> list[socket.socket]:
    """Close sockets, and return others on the same addresses, which do not listen: nothing waits at them.

    Raises:
        OSError: there are none; then, the old ones stay as they are.
    """
    others: list[socket.socket] = []
    try:
        for old in listening:
            others.append(_bound(old.family, old.getsockname(), shared=True))
    except OSError:
        for other in others:
            other.close()
        raise
    for old in listening:
        old.close()
    return others


def _bound(family: int, address: tuple[object, ...], *, shared: bool = False) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except OSError:
        bound.close()
        raise
    return bound
