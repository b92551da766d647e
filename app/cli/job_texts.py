"""Jobs as text: in a list, in full, and their numbers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from app.cli import consoles
from app.cli.consoles import printable

Json = dict[str, Any]


def numbers(values: Mapping[str, Any]) -> str:
    """Return losses or figures on one line."""
    return "  ".join(f"{name} {'-' if value is None else f'{value:.4g}'}" for name, value in values.items())


def _shown(name: str, value: Any) -> str:
    """Return a field of a job as text."""
    if name in ("losses", "figures"):
        return numbers(value)
    if name in ("created", "started", "ended", "estimated_finish"):
        return _time(value)
    if name == "data" and "rows" in value:
        parts = (", ".join(value.get("titles") or ()), *value.get("skipped", ()), *value.get("warnings", ()))
        return "; ".join(filter(None, (_data({"data": value}), *parts)))
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items() if item is not None)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _data(job: Json) -> str:
    """Return what a job learns."""
    data = job["data"] or {}  # null where the stored job cannot be read
    if not {"rows", "dimensions"} <= data.keys():
        return str(data.get("name", "?"))
    size = f"{data['rows']:,} × {data['dimensions']} points"
    return f"{printable(data['name'])}, {size}" if data.get("name") else size


def _time(iso: str) -> str:
    """Return a time in the local time zone."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S")


def print_job(job: Json) -> None:
    """Print all that is known about a job, a line for each field."""
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in job.items():
        if value not in (None, {}, []):
            table.add_row(name, Text(printable(_shown(name, value))))
    consoles.results().print(table)


def print_jobs(jobs: Sequence[Json]) -> None:
    """Print a line for each job, or two where the terminal is too narrow."""
    console = consoles.results()
    rows = [
        (
            job["id"],
            printable(job["name"] or ""),
            job["status"],
            job["model"] or "?",
            _data(job),
            f"{job['step']:,} of {job['steps']:,}",
            _time(job["created"]),
        )
        for job in jobs
    ]
    table = Table(box=None, pad_edge=False)
    for title in ("id", "name", "status", "model", "data", "step", "created"):
        table.add_column(title, no_wrap=True)
    for row in rows:
        table.add_row(*row)
    if Measurement.get(console, console.options.update(max_width=10**6), table).maximum <= console.width:
        console.print(table)
        return
    for job_id, name, status, model, data, step, created in rows:
        console.print(f"{job_id}  {status}, {step}")
        console.print(Padding(" · ".join(filter(None, (name, model, data, created))), (0, 0, 0, 2)))
