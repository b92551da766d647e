"""A job as a program of a few lines: a script on ``models``, or a ``curl`` command that starts it again.

Names and settings are strings of strangers: whatever they hold, they are one literal of the program's language.
"""

import json
import re
import shlex
from dataclasses import MISSING, fields
from typing import Any, Literal

from app.jobs import file_names
from app.jobs.errors import NotThereError, UnknownJobError
from app.jobs.limits import SETTINGS_OF_ONE_MODEL
from app.jobs.record.values import JobRow, specification_of
from app.jobs.service.database import JobDatabase, reading_files_of
from app.jobs.service.sampling import as_json
from app.jobs.service.stored import own_points
from app.jobs.service.submit import checkpoint_of
from app.jobs.specification import ForkRequest, JobRequest, Specification, StoredData, ToyData
from models.presets import PRESETS, ToySettings

ScriptFormat = Literal["python", "curl"]

#: Own points of more numbers are no part of a script: it reads their file.
_MOST_NUMBERS = 4_000

_PYTHON = """\
# {title} of nobody as a script: the same losses.
# Run it with the Python in which nobody is installed, such as .venv/bin/python.
import numpy as np

from models import train
from models.presets import ToySettings
from models.toys.building import build, generate
{imports}
seed = {seed}
real = {real}
settings = ToySettings(
{settings}
)
gan = build(settings, real, seed)
losses = train(gan, settings.total_steps)

table = np.column_stack([np.arange(settings.total_steps) + 1, *losses.values()])
np.savetxt("losses.csv", table, ["%d"] + ["%.9g"] * len(losses), ",", header=",".join(["step", *losses]), comments="")
points = generate(settings, gan, 500)
{units}print(", ".join(f"{{name}} {{values[-1]:.9g}}" for name, values in losses.items()))
"""


def script(database: JobDatabase, job_id: str, form: ScriptFormat, address: str) -> str:
    """Return a program that trains a job anew.

    Args:
        database: of the jobs.
        job_id: the job.
        form: ``python`` or ``curl``.
        address: of this service, such as ``http://127.0.0.1:8000``.

    Raises:
        UnknownJobError: there is no such job.
        NotThereError: it cannot be repeated; the message says why.
    """
    with database.store() as store:
        job = store.get(job_id)
    specification = specification_of(job)
    if form == "python":
        return _python(database, job, specification, address)
    if job["parent"] is None:
        path, body = "/jobs", _body(job, specification)
    else:
        path, body = f"/jobs/{job['parent']}/fork", _fork(database, job, specification)
    # Whose the new job is, is for who starts it to say.
    body |= {name: job[name] for name in ("name", "metadata") if job[name]}
    headers = f"{_key(database)}-H 'Content-Type: application/json'"
    return f"curl {shlex.quote(address + path)} {headers} -d {shlex.quote(_json(body))}\n"


def _key(database: JobDatabase) -> str:
    """Return the option by which curl sends the reader's key, where one is needed: not the key itself."""
    return "" if database.caller.key_name is None else '-H "Authorization: Bearer $NOBODY_API_KEY" '


def _python(database: JobDatabase, job: JobRow, specification: Specification, address: str) -> str:
    if job["parent"] is not None:
        raise NotThereError(
            f"this job went on from step {job['first_step']:,} of job {job['parent']}, with weights that a script does "
            "not have; take the script of that job, or format=curl, which forks it again"
        )
    data, settings = specification.data, specification.settings
    imports, units = "", ""
    if isinstance(data, ToyData):
        imports = "from models.toys.datasets import make\n"
        noise = "" if data.noise is None else f", noise={data.noise!r}"
        real = f"make({data.name!r}, {data.size}, seed=seed{noise})"
    else:
        numbers = _numbers(database, job, data)
        file = f"job-{job['id']}-points.npy"
        hint = f"curl -o {file} {_key(database)}{shlex.quote(address)}/jobs/{job['id']}/points"
        real = f'np.load("{file}")  # {hint}' if numbers is None else f"np.array({numbers}, np.float32)"
        if data.transform is not None:
            scale, offset = list(data.transform.scale), list(data.transform.offset)
            units = f"points = points * np.array({scale}) + np.array({offset})  # in the units of the data\n"
    return _PYTHON.format(
        title=_title(job),
        imports=imports,
        seed=specification.seed,
        real=real,
        settings="\n".join(f"    {name}={value!r}," for name, value in _settings(settings).items()),
        units=units,
    )


def _settings(settings: ToySettings) -> dict[str, Any]:
    """Return the settings that are not as usual, and those that say what is trained."""
    usual = {field.name: field.default for field in fields(ToySettings)}
    values = {name: getattr(settings, name) for name in usual}
    return {
        name: value
        for name, value in values.items()
        if _counts(name, settings.model) and (name == "model" or usual[name] is MISSING or value != usual[name])
    }


def _body(job: JobRow, specification: Specification) -> dict[str, Any]:
    """Return the body of a request for the same training. Own points are those of the job."""
    model, preset = specification.model, specification.preset
    body: dict[str, Any] = {"preset": preset} if preset in PRESETS else {}
    if "preset" not in body or JobRequest.model_validate(body).model != model:
        body["model"] = model
    usual = JobRequest.model_validate(body)
    if isinstance(specification.data, StoredData):
        body["data"] = {"job": job["id"]}
    elif "preset" not in body or specification.data != usual.data:
        body["data"] = specification.data.model_dump(exclude_defaults=True)
    return body | _changes(specification, usual, JobRequest, model)


def _fork(database: JobDatabase, job: JobRow, specification: Specification) -> dict[str, Any]:
    """Return the body of a request that forks the parent again."""
    with database.store() as store:
        try:
            parent = store.get(job["parent"])
        except UnknownJobError:
            raise NotThereError(
                f"this job went on from the weights of job {job['parent']}, which was deleted; nothing can start there "
                "any more"
            ) from None
    step, _ = checkpoint_of(parent, job["first_step"])
    changes = _changes(specification, specification_of(parent), ForkRequest, specification.model)
    return {"step": step} | changes


def _changes(
    specification: Specification, usual: Any, request: type[JobRequest | ForkRequest], model: str
) -> dict[str, Any]:
    """Return the settings of a kind of request that are not as usual."""
    names = [name for name in Specification.model_fields if name in request.model_fields and _counts(name, model)]
    values = {name: getattr(specification, name) for name in names if name not in ("model", "data", "preset")}
    return {name: value for name, value in values.items() if value != getattr(usual, name)}


def _counts(name: str, model: str) -> bool:
    return SETTINGS_OF_ONE_MODEL.get(name, model) == model


def _numbers(database: JobDatabase, job: JobRow, data: StoredData) -> str | None:
    """Return own points as a literal of JSON and Python, or None if they are too many."""
    if data.rows * data.dimensions > _MOST_NUMBERS:
        return None
    with reading_files_of(job["id"]), database.files(job).open(file_names.POINTS) as file:
        return b"".join(as_json(own_points(file, data))).decode()


def _title(job: JobRow) -> str:
    """Return what the job is called, in one line."""
    return f"Job {job['id']}" if job["name"] is None else f"Job {job['id']}, {job['name']!r},"


def _json(body: dict[str, Any]) -> str:
    """Return JSON in which characters that are not seen, or turn others around, are escaped."""
    text = json.dumps(body, ensure_ascii=False)
    return re.sub(r"[^ -~]", lambda match: match[0] if match[0].isprintable() else json.dumps(match[0])[1:-1], text)
