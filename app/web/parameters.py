"""Query parameters that are refused before the route reads its own: misspelt and repeated ones."""

from collections import Counter
from itertools import takewhile

from fastapi import Request
from fastapi.exceptions import RequestValidationError

#: Query parameters that take several values.
_LISTS = frozenset({"status", "id"})
#: Parameters of one URL; comparing thousands of names would take long.
MAX_PARAMETERS = 100
#: In names shorter than this, only a different case counts as misspelt: one letter more makes another word.
_SHORT = 4
#: In names of at least this length, a wrong letter counts; in shorter ones it makes another word (``site``, ``size``).
_LONG = 6


async def check_parameters(request: Request) -> None:
    """Refuse a known query parameter that is given twice, and an unknown one that is nearly a known one.

    Otherwise both would be ignored silently. All other unknown parameters are left to the route. Picture routes ignore
    them, because links often carry additional ones (``?t=1``, ``?fbclid=``).
    """
    if not request.query_params:
        return
    if len(request.query_params.multi_items()) > MAX_PARAMETERS:
        raise RequestValidationError(
            [{"type": "too_many", "loc": ("query",), "msg": f"expected at most {MAX_PARAMETERS} parameters in the URL"}]
        )
    known = _known_parameters(request)
    errors = []
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            meant = next((other for other in known if is_misspelt(name, other)), None)
            if meant is not None:
                errors.append(("misspelt", name, f"there is no such parameter here; did you mean {meant}?"))
        elif count > 1 and name not in _LISTS:
            errors.append(("repeated", name, "expected once, got several times"))
    if errors:
        raise RequestValidationError(
            [{"type": kind, "loc": ("query", name), "msg": text} for kind, name, text in errors]
        )


def _known_parameters(request: Request) -> list[str]:
    """Return the query parameters of this call, as OpenAPI has them."""
    calls = request.app.openapi()["paths"].get(request.scope["route"].path_format, {})
    parameters = calls.get(request.method.lower(), {}).get("parameters", [])
    return [parameter["name"] for parameter in parameters if parameter["in"] == "query"]


def is_misspelt(name: str, known: str) -> bool:
    """Return whether ``name`` is ``known`` but for one letter added, lost or wrong, two swapped letters, or case."""
    name = name.lower()
    if len(known) < _SHORT:
        return len(known) > 1 and name == known
    start = _common_prefix(name, known)
    end = _common_prefix(name[start:][::-1], known[start:][::-1])
    wrong, right = name[start : len(name) - end], known[start : len(known) - end]
    if len(wrong) == len(right) == 1:
        return len(known) >= _LONG
    return len(wrong) + len(right) <= 1 or (len(wrong) == 2 and wrong == right[::-1])


def _common_prefix(one: str, other: str) -> int:
    """Return the length of the longest common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
