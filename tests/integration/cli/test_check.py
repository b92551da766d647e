"""``nobody check`` finds what is wrong with a deployment, and says what to do."""

import os
import resource
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pytest
from typer.testing import CliRunner

from app.cli import checking
from app.cli.main import cli
from app.config import Settings
from app.jobs.record.database import connect
from app.jobs.service import checks
from tests.integration.conftest import write_weights


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a deployment: weights, and a data folder with a database."""
    folder = tmp_path_factory.mktemp("deployment")
    write_weights(folder)
    before = os.umask(0o077)
    connect(Settings(data=folder / "data")).dispose()
    os.umask(before)
    return folder


@pytest.fixture
def deployment(made: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("NOBODY_WEIGHTS", str(made / "generator.h5"))
    monkeypatch.setenv("NOBODY_DATA", str(made / "data"))
    yield made
    (made / "data").chmod(0o700)


def _check() -> tuple[int, dict[str, tuple[str, str]]]:
    """Return the exit status, and by subject the mark and the text of each line."""
    result = CliRunner().invoke(cli, ["check"])
    assert not result.stderr
    found = {line.split()[1]: (line.split()[0], line.split(maxsplit=2)[2]) for line in result.stdout.splitlines()}
    assert len(found) == len(result.stdout.splitlines())
    return result.exit_code, found


def test_a_sound_deployment_is_said_to_be_one(deployment: Path) -> None:
    status, found = _check()
    assert status == 0
    assert {mark for mark, _ in found.values()} == {"ok"}
    assert set(found) == {"weights", "folder", "disk", "database", "keys", "memory", "processors", "connections"}
    assert found["database"][1].endswith("jobs.sqlite answers, and its tables are those of this release")
    assert found["folder"][1].endswith("can be written, and is for this user alone")


def test_an_installation_that_trains_nothing_needs_no_memory_for_jobs(
    deployment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    monkeypatch.setattr(checks, "_memory_limit", lambda: 512 * 2**20)
    assert _check()[1]["memory"] == ("ok", "350 MiB may be needed as nothing is trained here, of 512")


def test_before_the_first_start_nothing_is_amiss_and_nothing_is_made(
    deployment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOBODY_DATA", str(tmp_path / "new" / "data"))
    status, found = _check()
    assert (status, {mark for mark, _ in found.values()}) == (0, {"ok"})
    assert "is not there yet; the service makes it" in found["folder"][1]
    assert "has no tables of the jobs yet; the service makes them" in found["database"][1]
    assert not list(tmp_path.iterdir())


class Fault(NamedTuple):
    """What is done to a deployment, and the line that tells of it."""

    subject: str
    text: str
    settings: Mapping[str, str] = MappingProxyType({})
    harm: Callable[[Path, pytest.MonkeyPatch], object] = lambda folder, patch: None


def _without_room(_: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(checks, "_FREE", 2**60)


KEY = f"ada={43 * 'k'}"
FAULTS = [
    Fault("weights", "expected an .h5 weights file, found no such file", {"WEIGHTS": "/none/generator.h5"}),
    Fault("folder", "expected to write there as this user, got: ", {"DATA": "/proc/self/data"}),
    Fault("folder", "expected a folder, and /dev/null is none", {"DATA": "/dev/null/data"}),
    Fault("folder", "others on this machine can read ", harm=lambda folder, _: _open_to_others(folder / "data")),
    Fault("disk", "expected at least 1", harm=_without_room),
    Fault("database", "expected a database that answers, got: ", {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}),
    Fault("disk", "for temporary files at ", {"DATABASE_URL": "postgresql://127.0.0.1:1/x"}, _without_room),
    Fault("keys", "calls about jobs need one, and there is none: nobody keys add NAME", {"HOST": "0.0.0.0"}),
    Fault("memory", "lower NOBODY_CONCURRENT_JOBS or NOBODY_JOB_MEMORY", {"JOB_MEMORY": "100000000"}),
    Fault("processors", "processors here are", {"PROCESSES": "256"}),
    Fault("disk", "lower NOBODY_MAX_DISK, or make room", {"MAX_DISK": "100000000000"}),
    Fault("limits", "raise NOBODY_KEY_STEPS, or lower NOBODY_MAX_STEPS", {"KEY_STEPS": "10", "API_KEYS": KEY}),
    Fault("limits", "raise NOBODY_KEY_MEGABYTES, or lower NOBODY_JOB_DISK", {"KEY_MEGABYTES": "10", "API_KEYS": KEY}),
    Fault(
        "connections",
        "raise the limit to 2,048 or more",
        harm=lambda _, patch: patch.setattr(resource, "getrlimit", lambda _: (256, 1_024)),
    ),
]


def _open_to_others(data: Path) -> None:
    data.chmod(0o755)
    (data / "jobs.sqlite").chmod(0o644)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.subject}: {fault.text[:20]}")
def test_what_is_wrong_is_said_with_what_to_do(fault: Fault, deployment: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in fault.settings.items():
        monkeypatch.setenv(f"NOBODY_{name}", value)
    fault.harm(deployment, monkeypatch)
    if fault.subject != "weights":  # they take longest
        monkeypatch.setattr(checking, "_weights", lambda _: checks.Finding("weights", True, "not looked at"))
    status, found = _check()
    assert (status, found[fault.subject][0]) == (1, "mend")
    assert fault.text in found[fault.subject][1]
    others = {subject for subject, (mark, _) in found.items() if mark == "mend"} - {fault.subject}
    assert "folder" not in found or "DATABASE_URL" not in fault.settings, "PostgreSQL needs none"
    assert others <= {"database", "disk"}, "a folder that is none has no database either, and /proc has no room"


def test_a_folder_that_is_closed_may_hold_what_others_could_read(deployment: Path) -> None:
    _open_to_others(deployment / "data")
    (deployment / "data").chmod(0o700)
    assert _check()[0] == 0
