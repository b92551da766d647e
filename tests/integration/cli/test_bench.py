"""``nobody bench`` on tiny settings: that it runs; its figures mean nothing here."""

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import main as cli

GROUPS = {
    "training": [
        "train, a step",
        "fit, a step",
        "train, a step: many real examples",
    ],
    "jobs": ["a job of 1 × 2 steps, from POST to its end"],
    "serving": [],
}


@pytest.mark.parametrize("part", GROUPS)
def test_a_table_and_a_file(part: str, tmp_path: Path) -> None:
    if part == "serving" and shutil.which("wrk") is None:
        assert os.environ.get("CI") != "true", "CI needs wrk: apt-get install wrk"
        pytest.skip("wrk is not installed")
    arguments = ["bench", "--tiny", "--only", part, "--json", str(tmp_path / "bench.json")]
    result = CliRunner().invoke(cli.cli, arguments)
    assert result.exit_code == 0, result.output

    content = json.loads((tmp_path / "bench.json").read_text())
    assert {"processor", "cores", "versions"} <= content["machine"].keys()
    groups = {row["group"] for row in content["rows"]}
    assert groups >= {*GROUPS[part]}
    assert all(group in result.stdout for group in groups)
    assert any(row["target"] is not None for row in content["rows"])


def test_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    result = CliRunner().invoke(cli.cli, ["bench"])
    assert result.exit_code == 1
    assert "bench: expected a checkout with tests/benchmarks" in result.stderr
