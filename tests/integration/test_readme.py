"""The README's calls work as they stand."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.integration.test_start import running

ADDRESS = "http://127.0.0.1:8000"


def _curl_calls() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [line for line in lines if line.startswith("curl ")]


def test_every_call_of_the_readme_succeeds(tmp_path: Path) -> None:
    calls = _curl_calls()
    assert len(calls) >= 13
    with running(tmp_path / "log") as (_, address):
        for call in calls:
            command = call.replace(ADDRESS, address).replace("curl ", "curl --fail --silent --retry 5 ", 1)
            result = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, check=False, timeout=60)
            assert result.returncode == 0, (call, result.stderr)
    for name in ("face.png", "sheet.png", "walk.png", "mine.png", "ada.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "walk.gif").read_bytes().startswith(b"GIF8")


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text()))
def test_every_file_that_the_readme_links_to_is_there(link: str) -> None:
    assert (ROOT / link).exists()
