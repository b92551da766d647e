"""``nobody bench`` on tiny settings: that it runs; its figures mean nothing here."""

import contextlib
import json
import os
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import main as cli
from tests.benchmarks import processes
from tests.benchmarks.peers.runner import Case
from tests.benchmarks.report import ROOT

GROUPS = {
    "training": [
        "train, a step",
        "fit, a step",
        "train, a step: many real examples",
    ],
    "jobs": ["a job of 1 × 2 steps, from POST to its end", "a job, from POST to its first snapshot after step 0"],
    "serving": [],
    "capacity": ["capacity, faces", "capacity, jobs"],
}


@pytest.mark.parametrize("part", GROUPS)
def test_a_table_and_a_file(part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "ENVIRONMENT", tmp_path / "nowhere")  # JAX and PyTorch would take a minute
    if part in ("serving", "capacity") and shutil.which("wrk") is None:
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
    assert any(row["target"] is not None for row in content["rows"]) != (part == "capacity")
    if part == "training":
        compared_with_jax = any(row["variant"] == "JAX" for row in content["rows"])
        assert compared_with_jax != ("JAX is left out: ModuleNotFoundError: No module named 'jax'" in result.stderr)


def _peer(module: str, lines: list[str], checkout: Path = ROOT) -> processes.Peer:
    return processes.Peer("a peer", module, lines.append, checkout=checkout)


def test_a_peer_that_is_missing_is_left_out() -> None:
    lines: list[str] = []
    with contextlib.closing(_peer("no_such_peer", lines)) as peer:
        peer.ask(variant="v", mode="", case=asdict(Case("WGAN_GP", [], [], [1], 1)))
        peer.answer()
        peer.run("v")
    assert peer.failed
    assert lines == [
        "a peer is left out: ModuleNotFoundError: No module named 'tests.benchmarks.peers.no_such_peer'; "
        "make bench installs it"
    ]


def test_a_peer_that_crashes_is_left_out(tmp_path: Path) -> None:
    """Also: the code under measurement is that of the checkout."""
    (tmp_path / "models.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    lines: list[str] = []
    with contextlib.closing(_peer("nobody", lines, checkout=tmp_path)) as peer:
        peer.run("v")
        peer.run("v")
    assert peer.failed
    assert lines == ["a peer is left out: its process ended by SIGSEGV"]


def test_without_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    result = CliRunner().invoke(cli.cli, ["bench"])
    assert result.exit_code == 1
    assert "bench: expected a checkout with tests/benchmarks" in result.stderr
