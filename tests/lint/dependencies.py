"""What ``make lint`` asks about the pinned packages: may we use them, and is a vulnerability of them known?

Run as ``python -m tests.lint.dependencies``. Licences are read from the installed packages. For vulnerabilities,
pip-audit asks PyPI, once a day and after each change; where that is not possible, the lint says so and goes on.
Exceptions stand in ``pyproject.toml``, each with a reason and a date.
"""

import hashlib
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements-dev.lock"
PIP_AUDIT = ROOT / ".venv-audit" / "bin" / "pip-audit"
#: What the last complete audit has looked at, and on which day.
_AUDITED = ROOT / ".venv-audit" / ".audited"


def main() -> None:
    """Print what is wrong with the pinned packages, if anything, and exit with 1 then."""
    rules = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dependencies"]
    wrong = [*licence_problems(licences(LOCK.read_text()), rules["licences"], rules["licence-exceptions"])]
    day = datetime.now(UTC).date().isoformat()
    looked_at = hashlib.sha256(f"{day} {rules} {LOCK.read_text()}".encode()).hexdigest()
    if not _AUDITED.exists() or _AUDITED.read_text() != looked_at:
        report = audit(LOCK)
        if report is None:
            print("Known vulnerabilities were not looked for: pip-audit does not reach PyPI here.", file=sys.stderr)
        else:
            found = [*vulnerability_problems(report, rules["vulnerability-exceptions"])]
            if not found:
                _AUDITED.write_text(looked_at)
            wrong += found
    if wrong:
        sys.exit("\n".join(wrong))


def licences(lock: str) -> dict[str, str]:
    """Return the licence of each package of a lock file that is installed, as the package says it."""
    found = {}
    for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE):
        try:
            found[name] = licence_of(metadata(name))
        except PackageNotFoundError:  # for another kind of machine
            continue
    return found


def licence_of(package: PackageMetadata) -> str:
    """Return what a package says of its licence: an SPDX expression, its classifiers, or the first line of a text."""
    if "License-Expression" in package:
        return package["License-Expression"]
    classifiers = [text.split(" :: ")[-1] for text in package.get_all("Classifier") or () if "License ::" in text]
    if names := [name for name in classifiers if name != "OSI Approved"]:
        return " AND ".join(names)
    lines = package["License"].strip().splitlines() if "License" in package else []
    return lines[0] if lines else "none"


def licence_problems(
    found: Mapping[str, str], allowed: Iterable[str], exceptions: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield what is wrong with licences: neither allowed nor an exception; or an exception that is no longer right."""
    names = set(allowed)
    for package, licence in found.items():
        fine = any(names.issuperset(choice.split(" AND ")) for choice in licence.split(" OR "))
        exception = exceptions.get(package, {}).get("licence")
        if fine and exception is not None:
            yield f"{package}: expected no exception in pyproject.toml for its licence, {licence}, which is allowed"
        elif not fine and licence != exception:
            yield (
                f"{package}: expected a licence that pyproject.toml allows, got {licence!r}; take another package, or "
                "state an exception there with a reason"
            )
    for package in exceptions.keys() - found.keys():
        yield f"{package}: expected no exception in pyproject.toml for its licence: it is not installed"


def audit(lock: Path) -> list[dict[str, Any]] | None:
    """Return what pip-audit knows of each package of a lock file, or None where it reaches no service."""
    if not PIP_AUDIT.exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        # One package tells whether anybody answers: for all of them, that takes long.
        first = Path(folder) / "first.txt"
        first.write_text(re.split(r"\n(?=\S)", lock.read_text(), maxsplit=1)[0])
        answer = _ask(first)
    return None if answer is None or any("skip_reason" in package for package in answer) else _ask(lock)


def _ask(requirements: Path) -> list[dict[str, Any]] | None:
    command = [str(PIP_AUDIT), "--requirement", str(requirements), "--no-deps", "--disable-pip", "--timeout", "5"]
    done = subprocess.run(
        [*command, "--format", "json", "--progress-spinner", "off"], capture_output=True, text=True, check=False
    )
    try:
        packages: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return packages


def vulnerability_problems(
    report: Iterable[Mapping[str, Any]], exceptions: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    """Yield the vulnerabilities of a report that are no exceptions, and the exceptions that are no longer needed."""
    known: set[str] = set()
    for package in report:
        if "skip_reason" in package:
            yield f"{package['name']}: expected to be known to PyPI; pip-audit says: {package['skip_reason']}"
        for found in package.get("vulns", ()):
            names = {found["id"], *found.get("aliases", ())}
            known |= names
            if not names & exceptions.keys():
                mended = ", ".join(found.get("fix_versions", ())) or "no version yet"
                yield (
                    f"{package['name']} {package['version']} has the vulnerability {found['id']}, mended in {mended}; "
                    "run make lock, or state an exception in pyproject.toml with a reason"
                )
    for name in exceptions.keys() - known:
        yield f"{name}: expected no exception in pyproject.toml for a vulnerability that no package has"


if __name__ == "__main__":
    main()
