"""The documents are true: their calls and examples work as they stand, and their links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.cli.test_start import running

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "weights" / "README.md"])
ADDRESS = "http://127.0.0.1:8000"

#: Calls fail where the service refuses them, and find it where this test has started it.
PREAMBLE = """set -eo pipefail
curl() { command curl --fail --silent --show-error --retry 5 --retry-all-errors "$@"; }
"""

#: How files of these kinds begin.
BEGINNINGS = {".png": b"\x89PNG", ".gif": b"GIF8", ".svg": b"<svg", ".zip": b"PK"}


def _blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", document.read_text(), re.DOTALL)


def _scripts(document: Path) -> list[str]:
    return [block for block in _blocks(document, "sh") if re.search(r"^[^$#]*curl ", block, re.MULTILINE)]


def _name(document: Path) -> str:
    return str(document.relative_to(ROOT))


WITH_SCRIPTS = [document for document in DOCUMENTS if _scripts(document)]
# The model card's needs the legs of a training of hours.
WITH_PYTHON = [document for document in DOCUMENTS if _blocks(document, "python") and document.parent.name != "weights"]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("service")
    with running(folder / "log", data=folder / "data") as (_, address):
        yield address


@pytest.mark.parametrize("document", WITH_SCRIPTS, ids=_name)
def test_every_call_of_a_document_succeeds(address: str, document: Path, tmp_path: Path) -> None:
    for script in _scripts(document):
        lines = PREAMBLE + script.replace(ADDRESS, address)
        result = subprocess.run(
            ["bash", "-x", "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert result.returncode == 0, result.stderr
        for name in re.findall(r"curl [^|]*-s?o (\S+)", script):
            content = (tmp_path / name).read_bytes()
            assert content.startswith(BEGINNINGS.get(Path(name).suffix, b"")), name
    if document.name == "README.md":
        assert len((tmp_path / "losses.csv").read_text().splitlines()) == 1_601
        assert len((tmp_path / "circle.csv").read_text().splitlines()) == 501


def test_the_documents_show_every_kind_of_call() -> None:
    scripts = "".join(script for document in WITH_SCRIPTS for script in _scripts(document))
    assert {"README.md", "docs/api.md", "docs/jobs.md"} <= set(map(_name, WITH_SCRIPTS))
    assert scripts.count("curl ") >= 30


@pytest.mark.parametrize("document", WITH_PYTHON, ids=_name)
def test_the_python_of_a_document_runs(document: Path, tmp_path: Path) -> None:
    for block in _blocks(document, "python"):
        result = subprocess.run(
            [sys.executable, "-c", block], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE
        )
        assert result.returncode == 0, result.stderr


def test_no_call_asks_for_a_newer_curl_than_people_have() -> None:
    # --json came with curl 7.82; Debian 11 and Ubuntu 22.04 have older ones.
    lines = [line for document in WITH_SCRIPTS for script in _scripts(document) for line in script.splitlines()]
    assert not [line for line in lines if "curl" in line and "--json" in line]


def test_only_a_job_of_its_own_is_deleted() -> None:
    [script] = [script for document in WITH_SCRIPTS for script in _scripts(document) if "-X DELETE" in script]
    [name] = re.findall(r"-X DELETE \$(\w+)$", script, re.MULTILINE)
    [made] = re.findall(rf"^{name}=(.*)$", script, re.MULTILINE)
    assert re.search(r"\$\(curl -s \$NOBODY/jobs (-F|-H|-d) ", made), "a job that this very script has submitted"


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_link_to_a_file_or_section_leads_there(document: Path) -> None:
    for link in re.findall(r"\]\(([^):]+)\)", document.read_text()):
        path, _, section = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        if section:
            assert section in {_anchor(title) for title in re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)}


@pytest.mark.parametrize("document", DOCUMENTS, ids=_name)
def test_every_module_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    for path in re.findall(r"`((?:app|models|static|tests)/[\w/]+(?:\.\w+)?)`", text):
        assert (ROOT / path).exists(), path
    for module, names in re.findall(r"^from ((?:app|models)[\w.]*) import (.*)$", text, re.MULTILINE):
        path = ROOT / module.replace(".", "/")
        source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
        assert all(re.search(rf"\b{name}\b", source) for name in names.split(", ")), (module, names)


def _anchor(title: str) -> str:
    """Return what GitHub makes of a title: lower case, without punctuation, hyphens for spaces."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 200
