"""``nobody toys``, on presets cut short."""

from dataclasses import replace

import pytest
from typer.testing import CliRunner

from app.cli import cli
from models import presets


def test_a_table_of_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    short = {name: replace(presets.PRESETS[name], steps=3) for name in ("ring8", "corner_cloud_exercise")}
    monkeypatch.setattr(presets, "PRESETS", short)
    result = CliRunner().invoke(cli, ["toys", "--gans", "Simple_GAN,WGAN_GP", "--seeds", "2"], env={"COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    assert result.stdout.count("ring8") == 2
    assert result.stdout.count("corner_cloud_exercise") == 2
    for figure in ("modes_covered", "high_quality", "reverse_kl", "sliced_wasserstein", "seconds"):
        assert figure in result.stdout
    assert "24/24" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ring9"], "unknown preset: expected some of ring8"),
        (["ring8", "--gans", "BigGAN"], "unknown gan: expected one"),
    ],
)
def test_unknown_names_end_in_one_line(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(cli, ["toys", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 1
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
