"""Whatever strangers call their jobs, a script is the program that it should be and no other."""

import ast
import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.config import Settings
from app.jobs.callers import ANYBODY, Caller
from app.jobs.errors import NotThereError, UnknownJobError
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.scaling import ColumnTransform
from app.jobs.service.database import JobDatabase
from app.jobs.service.scripts import ScriptFormat, script
from app.jobs.specification import SPECIFICATION_VERSION, JobRequest, StoredData
from models.presets import PRESETS, ToySettings

ID, PARENT = "0123456789abcdef", "fedcba9876543210"
ADDRESS = "http://127.0.0.1:8000"
NASTY = 'it\'s "q" `id` $(id) \\ !! {x} %s\r\n\'\'\'"""\n#\u2028\u202e\x1b[2J\ud7ff\U0001f600 ü;type=x'

#: What the service stores.
NAMES = st.one_of(st.none(), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60))
RATES = st.floats(1e-9, 1)


class Jobs:
    """Some jobs, as the database has them, and a folder of files."""

    def __init__(self, *rows: dict[str, Any], data: Path = Path("nowhere")) -> None:
        self.caller = ANYBODY
        self._rows = {row["id"]: row for row in rows}
        self._data = data

    @contextmanager
    def store(self) -> Iterator["Jobs"]:
        yield self

    def get(self, job_id: str) -> dict[str, Any]:
        if job_id not in self._rows:
            raise UnknownJobError(job_id)
        return self._rows[job_id]

    def files(self, job: dict[str, Any]) -> JobFiles:
        return JobFiles(self._data, job["id"])


def _row(body: dict[str, Any], stored: StoredData | None = None, **changes: Any) -> dict[str, Any]:
    specification = specify(JobRequest.model_validate(body), stored, Settings())
    return {
        "id": ID,
        "name": None,
        "metadata": {},
        "specification": specification.model_dump(mode="json"),
        "specification_version": SPECIFICATION_VERSION,
        "unreadable": None,
        "parent": None,
        "first_step": 0,
        "kept_checkpoints": {},
        "checkpoint": None,
        "checkpoint_step": None,
    } | changes


def _script(form: ScriptFormat, *rows: dict[str, Any], data: Path = Path("nowhere")) -> str:
    return script(cast(JobDatabase, Jobs(*rows, data=data)), ID, form, ADDRESS)


def _sent(text: str) -> tuple[str, dict[str, Any]]:
    """Return the path and the body that a command sends, which must be the only one."""
    program, address, header, kind, option, body = shlex.split(text)
    assert (program, header, kind, option) == ("curl", "-H", "Content-Type: application/json", "-d")
    assert all(char.isprintable() for char in text.removesuffix("\n"))
    return address.removeprefix(ADDRESS), json.loads(body)


def _python(text: str) -> tuple[dict[str, Any], list[ast.stmt]]:
    """Return the arguments of ToySettings in a script, and all its statements."""
    tree = ast.parse(text)
    [call] = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and ast.unparse(node.func) == "ToySettings"]
    return {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}, tree.body


@st.composite
def bodies(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a request for a job on toy data."""
    body: dict[str, Any] = {"seed": draw(st.integers(0, 2**31 - 1))}
    if draw(st.booleans()):
        body["preset"] = draw(st.sampled_from(list(PRESETS)))
    if "preset" not in body or draw(st.booleans()):
        body["model"] = draw(st.sampled_from(["simple_gan", "wgan_clip", "wgan_gp"]))
    if draw(st.booleans()):
        body["data"] = {"name": draw(st.sampled_from(["circle", "moons"])), "size": draw(st.integers(5_000, 6_000))}
        body["data"] |= draw(st.sampled_from([{}, {"noise": None}, {"noise": 0.125}]))
    model = body.get("model") or PRESETS[body["preset"]].model
    optional: dict[str, st.SearchStrategy[Any]] = {
        "learning_rate": RATES,
        "final_rate": RATES,
        "beta_1": st.one_of(st.none(), st.floats(0, 0.999)),
        "ema": st.one_of(st.none(), st.floats(0, 0.999)),
        "latent_type": st.sampled_from(["normal", "uniform", "spheric"]),
        "critic_activation": st.sampled_from(["tanh", "linear"]),
        "generator_gain": st.floats(0.001, 1_000),
        "batch_size": st.integers(1, 1_000),
        "epochs": st.integers(1, 100),
        "views": st.lists(st.sampled_from(["manifold", "gradient"]), max_size=2),
    }
    optional |= {"wgan_gp": {"lambda_gp": st.floats(0, 1e6)}, "wgan_clip": {"clip": RATES}}.get(model, {})
    return body | draw(st.fixed_dictionaries({}, optional=optional))


@given(bodies(), NAMES, NAMES)
@example({"model": "wgan_gp"}, NASTY, NASTY)
@example({"preset": "ring8", "model": "wgan_clip", "seed": 1}, "'", "$(touch /tmp/x)")
def test_every_toy_job_comes_back_as_it_was(body: dict[str, Any], name: str | None, note: str | None) -> None:
    row = _row(body, name=name, metadata={} if note is None else {note: note})
    path, sent = _sent(_script("curl", row))
    assert path == "/jobs"
    request = JobRequest.model_validate(sent)
    assert specify(request, None, Settings()).model_dump(mode="json") == row["specification"]
    assert (request.name, request.metadata) == (name or None, row["metadata"])

    settings, statements = _python(_script("python", row))
    wanted = specify(JobRequest.model_validate(body), None, Settings())
    assert ToySettings(**settings) == wanted.settings
    kinds = [type(statement).__name__ for statement in statements]
    assert kinds == ["Import", *["ImportFrom"] * 4, *["Assign"] * 6, "Expr", "Assign", "Expr"]
    assert [ast.unparse(one) for one in statements if "seed =" in ast.unparse(one)] == [f"seed = {wanted.seed}"]


@pytest.mark.parametrize("form", ["curl", "python"])
def test_a_script_has_the_place_of_the_key_and_not_the_key(form: ScriptFormat, tmp_path: Path) -> None:
    own = StoredData(rows=4_001, dimensions=2)
    jobs = Jobs(_row({"model": "wgan_gp"}, own), data=tmp_path)
    free = script(cast(JobDatabase, jobs), ID, form, ADDRESS)
    jobs.caller = Caller("ada", sees_all=False, quota=None)
    keyed = script(cast(JobDatabase, jobs), ID, form, ADDRESS)
    place = '-H "Authorization: Bearer $NOBODY_API_KEY" '
    assert keyed.count(place) == 1
    assert keyed.replace(place, "") == free
    [command] = [line.rpartition("# ")[2] for line in keyed.splitlines() if "curl " in line]
    assert shlex.split(command)[shlex.split(command).index("-H") + 1] == "Authorization: Bearer $NOBODY_API_KEY"


def test_a_short_body_says_what_is_special() -> None:
    assert _sent(_script("curl", _row({"preset": "ring8", "seed": 1})))[1] == {"preset": "ring8", "seed": 1}
    row = _row({"model": "simple_gan", "data": {"name": "circle"}})
    assert _sent(_script("curl", row))[1] == {
        "model": "simple_gan",
        "data": {"name": "circle"},
        "gen_shape": [1, 10, 10, 2],
    }


def _own(rows: int, tmp_path: Path, **changes: Any) -> tuple[dict[str, Any], np.ndarray[Any, Any]]:
    points = np.random.default_rng(0).random((rows, 2), dtype=np.float32)
    files = JobFiles(tmp_path, ID)
    files.make()
    np.save(files.points, points)
    transform = ColumnTransform(scale=(0.1, 1e6), offset=(-3.0, 7.0))
    stored = StoredData(name=NASTY, rows=rows, dimensions=2, transform=transform)
    return _row({"model": "wgan_gp", "batch_size": 1}, stored, **changes), points


def test_few_points_of_ones_own_are_in_the_script_bit_for_bit_and_many_are_in_a_file(tmp_path: Path) -> None:
    row, points = _own(2_000, tmp_path)
    text = _script("python", row, data=tmp_path)
    literal = text.partition("real = np.array(")[2].partition(", np.float32)")[0]
    np.testing.assert_array_equal(np.array(ast.literal_eval(literal), np.float32), points)
    assert "points = points * np.array([0.1, 1000000.0]) + np.array([-3.0, 7.0])" in text
    assert _sent(_script("curl", row, data=tmp_path))[1]["data"] == {"job": ID}

    row, points = _own(2_001, tmp_path)
    text = _script("python", row, data=tmp_path)
    assert f'real = np.load("job-{ID}-points.npy")  # curl -o job-{ID}-points.npy {ADDRESS}/jobs/{ID}/points\n' in text

    JobFiles(tmp_path, ID).points.unlink()
    row, _ = _own(3, tmp_path / "elsewhere")
    with pytest.raises(NotThereError, match="gone"):
        _script("python", row, data=tmp_path)


def test_a_fork_is_repeated_by_a_fork_where_its_parent_still_has_the_weights() -> None:
    parent = _row({"model": "wgan_gp", "seed": 3}, id=PARENT, kept_checkpoints={"50": "000000050-1.npz"})
    fork = _row({"model": "wgan_gp", "seed": 4, "learning_rate": 0.1}, parent=PARENT, first_step=50, name=NASTY)
    path, body = _sent(_script("curl", fork, parent))
    assert path == f"/jobs/{PARENT}/fork"
    assert body == {"step": 50, "seed": 4, "learning_rate": 0.1, "name": NASTY}
    with pytest.raises(NotThereError, match=f"went on from step 50 of job {PARENT}, with weights that a script"):
        _script("python", fork, parent)
    with pytest.raises(NotThereError, match=f"of job {PARENT}, which was deleted"):
        _script("curl", fork)
    with pytest.raises(NotThereError, match="one of 60, got 50"):
        _script("curl", fork, parent | {"kept_checkpoints": {"60": "x"}})


def test_settings_of_another_release_are_no_script() -> None:
    row = _row({"model": "wgan_gp"})
    with pytest.raises(NotThereError, match="not those of this version"):
        _script("python", row | {"specification_version": 99})
