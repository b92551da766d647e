"""Rows of the record, read leniently: whatever stands in one of them, the others are shown, and it can be deleted."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, get_args

import sqlalchemy as sa
from pydantic import BeforeValidator, JsonValue, TypeAdapter, ValidationError

from app.jobs.record.tables import jobs
from app.jobs.record.values import JobRow, short, unknown_settings
from app.jobs.states import ENDED, Phase, State
from models.catalogue import LOSS_NAMES, LatentType


def readable(row: Mapping[Any, Any]) -> JobRow:
    """Return a stored job, every value of its column's type.

    A job that cannot be read has failed, whatever else is stored of it. That of a job that has ended is read without
    regard to what a new job may be: its results are there. Any other is to be trained, so all of it must be known.
    """
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for column in jobs.c:
        value = row[column.name]
        if _fits(column, value):
            values[column.name] = value
            continue
        values[column.name] = None if column.nullable else _EMPTY[type(column.type)]
        if column.name not in _DISPENSABLE:
            wrong.append(f"{column.name}: found {short(value)}")
    if not wrong:
        check = _check_results if values["state"] in ENDED else unknown_settings
        wrong = check(values["specification"])
    values |= {"unreadable": None, "open": row["state"] not in ENDED | {State.PAUSED}}
    if wrong:
        values["state"] = State.FAILED
        values["error"] = values["unreadable"] = (
            f"what is stored of this job cannot be read ({'; '.join(wrong[:3])}); it may be of another version of "
            "this service, or damaged; delete it, or submit it anew"
        )
    return values


#: What stands for a value that cannot be read.
_EMPTY: dict[type, Any] = {sa.Integer: 0, sa.Float: 0.0, sa.String: "", sa.Text: "", sa.JSON: {}}
#: Columns without which a job is whole.
_DISPENSABLE = {"metadata"} | {column.name for column in jobs.c if column.nullable}

_Finite = Annotated[float, BeforeValidator(lambda value: value if _is_number(value) else None)]
_JSON: dict[str, TypeAdapter[Any]] = {
    "specification": TypeAdapter(dict[str, Any]),
    "metadata": TypeAdapter(dict[str, JsonValue]),
    "kept_checkpoints": TypeAdapter(dict[int, str]),
    "losses": TypeAdapter(dict[str, float]),
    "figures": TypeAdapter(dict[str, _Finite | None]),
    "warnings": TypeAdapter(dict[str, str]),
}
#: Beyond all seconds since 1970 that a calendar knows (it ends with the year 9999), and all that a job may take.
_LATEST = 253_000_000_000


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _fits(column: sa.Column[Any], value: Any) -> bool:
    if value is None:
        return bool(column.nullable)
    if column.name == "state":
        return value in State.__members__.values()
    if column.name == "phase":
        return value in Phase.__members__.values()
    match column.type:
        case sa.Integer():
            return isinstance(value, int) and -1 <= value < 2**63
        case sa.Float():
            return _is_number(value) and 0 <= value < _LATEST
        case sa.JSON():
            try:
                _JSON[column.name].validate_python(value)
            except ValidationError:
                return False
            return True
    return isinstance(value, str)


def _check_results(specification: dict[str, Any]) -> list[str]:
    """Say what keeps the results of a job from being shown."""
    shape = specification.get("gen_shape")
    checks = {
        "model": specification.get("model") in LOSS_NAMES,
        "latent_type": specification.get("latent_type") in get_args(LatentType),
        "gen_shape": isinstance(shape, list) and len(shape) > 1 and all(isinstance(w, int) and w > 0 for w in shape),
    }
    return [
        f"specification.{name}: found {short(specification.get(name))}" for name, fits in checks.items() if not fits
    ]
