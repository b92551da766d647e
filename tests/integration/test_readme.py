"""The README's calls work as they stand."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PATIENCE, ROOT
from tests.integration.cli.test_start import running

ADDRESS = "http://127.0.0.1:8000"


#: Calls fail where the service refuses them, and find it where this test has started it.
PREAMBLE = """set -eo pipefail
curl() { command curl --fail --silent --show-error --retry 5 --retry-all-errors "$@"; }
"""


def _scripts() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [block for block in blocks if re.search(r"^[^$#]*curl ", block, re.MULTILINE)]


def test_every_call_of_the_readme_succeeds(tmp_path: Path) -> None:
    scripts = _scripts()
    assert sum(script.count("curl ") for script in scripts) >= 30
    with running(tmp_path / "log", data=tmp_path / "data") as (_, address):
        for script in scripts:
            lines = PREAMBLE + script.replace(ADDRESS, address)
            result = subprocess.run(
                ["bash", "-x", "-c", lines], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=PATIENCE
            )
            assert result.returncode == 0, result.stderr
    for name in ("face.png", "sheet.png", "walk.png", "mine.png", "ada.png", "circle.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "walk.gif").read_bytes().startswith(b"GIF8")
    assert (tmp_path / "circle.zip").read_bytes().startswith(b"PK")
    assert len((tmp_path / "losses.csv").read_text().splitlines()) == 1_601
    assert len((tmp_path / "circle.csv").read_text().splitlines()) == 501


def test_no_call_asks_for_a_newer_curl_than_people_have() -> None:
    # --json came with curl 7.82; Debian 11 and Ubuntu 22.04 have older ones.
    assert not [line for script in _scripts() for line in script.splitlines() if "curl" in line and "--json" in line]


def test_only_a_job_of_its_own_is_deleted() -> None:
    [script] = [script for script in _scripts() if "-X DELETE" in script]
    [name] = re.findall(r"-X DELETE \$(\w+)$", script, re.MULTILINE)
    [made] = re.findall(rf"^{name}=(.*)$", script, re.MULTILINE)
    assert re.search(r"\$\(curl -s \$NOBODY/jobs (-F|-H|-d) ", made), "a job that this very script has submitted"


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()))
def test_every_file_that_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()
