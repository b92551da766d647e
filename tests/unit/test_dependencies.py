"""Licences and known vulnerabilities of the pinned packages, as the lint looks at them."""

import json
import re
import tomllib
from datetime import date
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from tests.lint import dependencies
from tests.lint.dependencies import audit, licence_of, licence_problems, vulnerability_problems

LOCK = "one==1.0 \\\n    --hash=sha256:aa\n    # via nobody\ntwo==2.0 \\\n    --hash=sha256:bb\n"
VULNERABLE = {
    "name": "one",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["1.1"]}],
}
SOUND = {"name": "two", "version": "2.0", "vulns": []}


@pytest.mark.parametrize(
    ("fields", "licence"),
    [
        ([("License-Expression", "MIT"), ("License", "see file")], "MIT"),
        ([("Classifier", "License :: OSI Approved :: MIT License"), ("License", "x")], "MIT License"),
        ([("Classifier", "License :: OSI Approved"), ("License", "BSD-3-Clause\nCopyright")], "BSD-3-Clause"),
        ([("Classifier", f"License :: OSI Approved :: {name}") for name in ("A", "B")], "A AND B"),
        ([], "none"),
    ],
)
def test_what_a_package_says_of_its_licence(fields: list[tuple[str, str]], licence: str) -> None:
    package = Message()
    for name, value in fields:
        package[name] = value
    assert licence_of(package) == licence  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("licence", "exception", "problem"),
    [
        ("MIT", None, None),
        ("MIT AND Zlib", None, None),
        ("GPL-3.0-only OR MIT", None, None),
        ("MIT AND GPL-3.0-only", None, "expected a licence that pyproject.toml allows"),
        ("none", None, "expected a licence that pyproject.toml allows"),
        ("MPL-2.0", "MPL-2.0", None),
        ("AGPL-3.0-only", "MPL-2.0", "got 'AGPL-3.0-only'"),
        ("MIT", "MPL-2.0", "expected no exception"),
    ],
)
def test_licences_are_allowed_or_stated(licence: str, exception: str | None, problem: str | None) -> None:
    exceptions = {} if exception is None else {"package": {"licence": exception}}
    said = [*licence_problems({"package": licence}, ["MIT", "Zlib"], exceptions)]
    assert (problem in said[0]) if problem else not said


def test_an_exception_of_a_package_that_is_gone_is_told() -> None:
    (said,) = licence_problems({}, [], {"gone": {"licence": "MPL-2.0"}})
    assert "it is not installed" in said


@pytest.mark.parametrize(
    ("report", "exceptions", "problem"),
    [
        ([SOUND], [], None),
        ([VULNERABLE, SOUND], [], "one 1.0 has the vulnerability PYSEC-1, mended in 1.1"),
        ([VULNERABLE], ["PYSEC-1"], None),
        ([VULNERABLE], ["CVE-1"], None),
        ([SOUND], ["CVE-1"], "CVE-1: expected no exception"),
        ([{"name": "one", "skip_reason": "not found"}], [], "one: expected to be known to PyPI"),
    ],
)
def test_vulnerabilities_fail_unless_stated(report: list[Any], exceptions: list[str], problem: str | None) -> None:
    said = [*vulnerability_problems(report, {name: {} for name in exceptions})]
    assert (problem in said[0]) if problem else not said


def _pip_audit(folder: Path, answer: str) -> Path:
    """Write a program that answers as pip-audit does, and notes what it was asked about."""
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat $2 >> {folder}/asked\necho '{answer}'\nexit 1\n")
    program.chmod(0o700)
    return program


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (json.dumps({"dependencies": [VULNERABLE]}), [VULNERABLE]),
        (json.dumps({"dependencies": [{"name": "one", "skip_reason": "not found"}]}), None),
        ("no connection", None),
    ],
)
def test_a_service_that_does_not_answer_is_asked_once(
    answer: str, expected: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(LOCK)
    monkeypatch.setattr(dependencies, "PIP_AUDIT", tmp_path / "pip-audit")
    assert audit(lock) is None, "it is not installed"
    _pip_audit(tmp_path, answer)
    assert audit(lock) == expected
    first = LOCK.partition("two")[0].rstrip("\n")
    assert (tmp_path / "asked").read_text().replace("\n", "") == (first + LOCK * bool(expected)).replace("\n", "")


def test_a_known_vulnerability_fails_the_lint_every_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "PIP_AUDIT", _pip_audit(tmp_path, json.dumps({"dependencies": [VULNERABLE]})))
    monkeypatch.setattr(dependencies, "_AUDITED", tmp_path / "audited")
    for _ in range(2):
        with pytest.raises(SystemExit, match="PYSEC-1"):
            dependencies.main()
    _pip_audit(tmp_path, json.dumps({"dependencies": [SOUND]}))
    dependencies.main()
    asked = (tmp_path / "asked").read_text()
    dependencies.main()
    assert (tmp_path / "asked").read_text() == asked, "a day's answer is kept"


def test_every_exception_has_a_reason_and_a_date() -> None:
    rules = tomllib.loads((dependencies.ROOT / "pyproject.toml").read_text())["tool"]["dependencies"]
    for exception in (*rules["licence-exceptions"].values(), *rules["vulnerability-exceptions"].values()):
        assert exception["reason"]
        assert isinstance(exception["date"], date)


def test_the_images_have_the_pinned_versions() -> None:
    pins = {name: dict(_pins(f"requirements{name}.lock")) for name in ("", "-faces", "-cpu")}
    assert pins["-cpu"].pop("tensorflow-cpu") == pins[""].pop("tensorflow")
    assert pins["-cpu"] == pins[""]
    assert pins["-faces"].items() < pins[""].items()
    assert not {"tensorflow", "keras"} & pins["-faces"].keys()


def _pins(name: str) -> list[tuple[str, str]]:
    return re.findall(r"^([a-z0-9_.-]+)==(\S+)", (dependencies.ROOT / name).read_text(), re.MULTILINE)
