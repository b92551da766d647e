"""``nobody toys``, on presets cut short."""

import json
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from app.cli import measuring
from app.cli.main import cli
from models.presets import PRESETS, Preset, PresetName


def _short(name: PresetName) -> Preset:
    return replace(PRESETS[name], epochs=1, steps_per_epoch=3)


def test_a_table_of_what_was_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    names: tuple[PresetName, ...] = ("ring8", "corner_cloud_exercise")
    monkeypatch.setattr(measuring, "PRESETS", {name: _short(name) for name in names})
    result = CliRunner().invoke(cli, ["toys", "--gans", "Simple_GAN,WGAN_clip", "--seeds", "2"], env={"COLUMNS": "200"})

    assert result.exit_code == 0, result.output
    assert result.stdout.count("ring8") == 2
    assert result.stdout.count("corner_cloud_exercise") == 2
    for figure in ("modes_covered", "high_quality", "reverse_kl", "sliced_wasserstein", "seconds"):
        assert figure in result.stdout
    assert "24/24" in result.stderr


def test_json_has_the_figures_of_every_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "PRESETS", {"ring8": _short("ring8")})
    result = CliRunner().invoke(cli, ["toys", "ring8", "--gans", "WGAN_GP, WGAN_clip", "--seeds", "2", "--json"])

    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert [(one["preset"], one["gan"]) for one in found] == [("ring8", "WGAN_GP"), ("ring8", "WGAN_clip")]
    for one in found:
        assert [row["seed"] for row in one["runs"]] == [0, 1]
        assert one["means"].keys() == one["runs"][0].keys() - {"seed"}
        mean = sum(row["sliced_wasserstein"] for row in one["runs"]) / 2
        assert one["means"]["sliced_wasserstein"] == pytest.approx(mean)


def test_json_says_null_where_a_figure_is_infinite(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(*_: object) -> list[dict[str, float]]:
        return [{"seed": 0, "reverse_kl": float("inf")}, {"seed": 1, "reverse_kl": float("nan")}]

    monkeypatch.setattr("models.toys.report.evaluate_preset", rows)
    [found] = json.loads(CliRunner().invoke(cli, ["toys", "ring8", "--seeds", "2", "--json"]).stdout)
    assert found["means"] == {"reverse_kl": None}
    assert [row["reverse_kl"] for row in found["runs"]] == [None, None]


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
