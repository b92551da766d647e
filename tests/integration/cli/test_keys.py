"""``nobody keys`` makes keys that open the jobs of the database that the settings name."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from app.cli.main import cli
from app.config import Settings
from app.jobs.errors import UnknownKeyError
from app.jobs.service.access import Access
from app.jobs.service.database import JobDatabase


def _nobody(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["keys", *arguments])


def test_a_key_is_printed_once_listed_and_revoked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOBODY_DATA", str(tmp_path))
    access = Access(Settings(data=tmp_path), JobDatabase(Settings(data=tmp_path)))
    plain, admin = _nobody("add", "ada"), _nobody("add", "admin", "--admin")
    for made in (plain, admin):
        assert (made.exit_code, re.fullmatch("nobody_[A-Za-z0-9_-]{43}\n", made.stdout) is not None) == (0, True)
        assert made.stdout.strip() not in made.stderr
    ada, boss = (access.owner(made.stdout.strip()) for made in (plain, admin))
    assert (ada.key_name, ada.sees_all, boss.key_name, boss.sees_all) == ("ada", False, "admin", True)
    assert (ada.quota is None, boss.quota is None) == (False, True)

    listed = _nobody("list").stdout
    assert [line.split("\t")[:2] for line in listed.splitlines()] == [["ada", "key"], ["admin", "admin"]]
    assert plain.stdout.strip() not in listed

    assert _nobody("revoke", "ada").exit_code == 0
    with pytest.raises(UnknownKeyError):
        access.owner(plain.stdout.strip())
    for arguments, problem in (
        (["revoke", "ada"], "there is no key 'ada'"),
        (["add", "admin", "--admin"], "there is a key 'admin'; revoke it first"),
        (["add", "admin"], "the name admin is for an admin key; add --admin"),
        (["add", "a b"], "expected a name of up to 64 letters, digits, dots, _ and -, got 'a b'"),
    ):
        result = _nobody(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert problem in result.stderr


def test_a_database_that_does_not_answer_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NOBODY_DATA", str(tmp_path / "file" / "data"))
    result = _nobody("list")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("nobody: the jobs' folder cannot be written")
    assert len(result.stderr.splitlines()) == 1
