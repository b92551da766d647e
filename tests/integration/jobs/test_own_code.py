"""The code that runs is the installed one, whatever lies in the folder where the command is typed."""

import shutil
import subprocess
import sys
from pathlib import Path

from app.jobs import child
from tests.conftest import ROOT
from tests.integration.jobs.harness import SHORT, service

#: What somebody may have left in a folder: names of our packages, of Python's own modules, and of libraries.
NAMES = (
    *("app", "models", "json", "logging", "threading", "runpy", "pathlib", "numpy", "tensorflow", "keras", "dbos"),
    *("sqlalchemy", "typer", "uvicorn", "sitecustomize", "usercustomize"),
)


def _fill_with_code(folder: Path) -> Path:
    """Leave code of each name, as a file and as a package, that notes in the folder that it has run, and fails."""
    for name in NAMES:
        code = f"open({str(folder / f'{name} ran')!r}, 'w').close()\nraise SystemExit('{name} ran')\n"
        (folder / f"{name}.py").write_text(code)
        if name in ("app", "models", "keras"):
            (folder / name).mkdir()
            for file in ("__init__.py", "__main__.py", "cli.py"):
                (folder / name / file).write_text(code)
    return folder


def _ran(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("* ran"))


def test_nobody_started_in_a_folder_with_code_of_others_runs_its_own_and_trains(tmp_path: Path) -> None:
    (tmp_path / "hostile").mkdir()
    hostile = _fill_with_code(tmp_path / "hostile")
    with service(tmp_path / "service", cwd=hostile) as running:
        job = running.submit(**SHORT)
        assert running.wait(job)["status"] == "succeeded"
        running.stop()
    assert _ran(hostile) == []


def test_a_child_runs_the_code_of_its_parent_and_not_another_copy(tmp_path: Path) -> None:
    """A bare checkout, not installed, with an installed copy elsewhere: as with several worktrees and one Python."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "app", checkout / "app", ignore=shutil.ignore_patterns("__pycache__"))
    (checkout / "models").mkdir()
    (checkout / "models" / "__init__.py").touch()
    (checkout / "app" / "where.py").write_text("import app, models, sys\nprint(app.ROOT, models.__file__, *sys.argv)\n")
    (checkout / "json.py").write_text("raise SystemExit('a file of the checkout ran')\n")
    code = "from app.jobs.child import command; print(*command('app.where', 'one', 'two'), sep='\\n')"
    typed = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=True)
    result = subprocess.run(typed.stdout.splitlines(), cwd=checkout, capture_output=True, text=True, check=False)
    assert result.stdout.split() == [
        str(checkout),
        str(checkout / "models" / "__init__.py"),
        str(checkout / "app" / "where.py"),
        "one",
        "two",
    ], result.stderr


def test_what_python_finds_by_its_own_settings_is_still_found(tmp_path: Path) -> None:
    (tmp_path / "library.py").write_text("print('found')\n")
    result = subprocess.run(
        child.command("library"), env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert result.stdout == "found\n", result.stderr
