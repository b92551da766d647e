"""Reads rows of the ``jobs`` table leniently: a damaged one is shown as failed, can be deleted, and affects no other.

Damage comes from other releases and from broken disks.
"""

from collections.abc import Mapping
from typing import Annotated, Any, get_args

import sqlalchemy as sa
from pydantic import Field, JsonValue, TypeAdapter, ValidationError

from app.jobs.record.tables import jobs
from app.jobs.record.values import JobRow, short, unknown_settings
from app.jobs.states import ENDED, Phase, State
from models.catalogue import LOSS_NAMES, LatentType


def read_row(row: Mapping[Any, Any]) -> JobRow:
    """Return a stored job with every value of its column's type; one that cannot be read has failed.

    For a job that has ended, it is enough that its results can be shown. Any other job may be trained, so all of its
    specification must be valid.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for column in jobs.c:
        value = row[column.name]
        if _is_valid(column, value):
            values[column.name] = value
            continue
        values[column.name] = None if column.nullable else _EMPTY[type(column.type)]
        if column.name not in _DISPENSABLE:
            wrong.append(f"{column.name}: found {short(value)}")
    if not wrong:
        wrong = (_check_results if values["state"] in ENDED else unknown_settings)(values)
    values |= {"unreadable": None, "open": row["state"] not in ENDED | {State.PAUSED}}
    if wrong:
        values["state"] = State.FAILED
        values["error"] = values["unreadable"] = (
            f"what is stored of this job cannot be read ({'; '.join(wrong[:3])}); it may be of another version of "
            "this service, or damaged; delete it, or submit it anew"
        )
    return values


#: Replacements of values that cannot be read.
_EMPTY: dict[type, Any] = {sa.Integer: 0, sa.Boolean: False, sa.Float: 0.0, sa.String: "", sa.Text: "", sa.JSON: {}}
#: Columns whose damage leaves a job readable.
_DISPENSABLE = {"metadata"} | {column.name for column in jobs.c if column.nullable}

#: Greater than any duration of a job and than any time that ``datetime`` knows, in seconds since 1970.
_LATEST = 253_000_000_000
_Finite = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Text = Annotated[str, Field(strict=True)]
_TYPES: dict[type, Any] = {
    sa.Integer: Annotated[int, Field(strict=True, ge=-1, lt=2**63)],
    sa.Boolean: Annotated[bool, Field(strict=True)],
    sa.Float: Annotated[_Finite, Field(ge=0, lt=_LATEST)],
    sa.String: _Text,
    sa.Text: _Text,
}
_COLUMN_TYPES: dict[str, Any] = {
    "state": State,
    "phase": Phase,
    "specification": dict[str, Any],
    "metadata": dict[str, JsonValue],
    "kept_checkpoints": dict[int, str],
    "losses": dict[str, float],
    "figures": dict[str, _Finite | None],
    "warnings": dict[str, str],
}
_ADAPTERS: dict[str, TypeAdapter[Any]] = {
    column.name: TypeAdapter(_COLUMN_TYPES.get(column.name) or _TYPES[type(column.type)]) for column in jobs.c
}


def _is_valid(column: sa.Column[Any], value: Any) -> bool:
    if value is None:
        return bool(column.nullable)
    try:
        _ADAPTERS[column.name].validate_python(value)
    except ValidationError:
        return False
    return True


def _check_results(job: JobRow) -> list[str]:
    """Return what prevents the results of a job from being shown."""
    specification = job["specification"]
    shape = specification.get("gen_shape")
    valid = {
        "model": specification.get("model") in tuple(LOSS_NAMES),  # a list or an object has no hash
        "latent_type": specification.get("latent_type") in get_args(LatentType),
        "gen_shape": isinstance(shape, list) and len(shape) > 1 and all(isinstance(w, int) and w > 0 for w in shape),
    }
    return [f"specification.{name}: found {short(specification.get(name))}" for name, ok in valid.items() if not ok]
