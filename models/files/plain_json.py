"""Reads JSON of strangers that the service will repeat to its clients."""

import json
from typing import Any

#: Levels of lists and objects: ours have three.
_DEEPEST = 20


def plain_json(text: str) -> Any:
    """Parse JSON that can be written as JSON again, in UTF-8: neither NaN nor half a character, nested a little.

    Raises:
        ValueError: it is something else.
    """
    try:
        values = json.loads(text)
        json.dumps(values, allow_nan=False, ensure_ascii=False).encode()
        too_deep = _levels(values) > _DEEPEST
    except RecursionError:
        too_deep = True
    if too_deep:
        raise ValueError(f"more than {_DEEPEST} levels of lists and objects")
    return values


def _levels(values: Any) -> int:
    inside = values.values() if isinstance(values, dict) else values if isinstance(values, list) else None
    return 0 if inside is None else 1 + max(map(_levels, inside), default=0)
