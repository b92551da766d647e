"""The commands' help and their way to say no; what each of them does, its own tests show."""

from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from app.cli.main import cli
from models.catalogue import CLASS_NAMES
from models.presets import PRESETS


def _commands(command: Any, *path: str) -> list[tuple[str, ...]]:
    below = getattr(command, "commands", {})
    return [path, *(one for name, inner in below.items() for one in _commands(inner, *path, name))]


COMMANDS = _commands(typer.main.get_command(cli))
assert ("jobs", "watch") in COMMANDS


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_is_plain_text_and_fits(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "\x1b" not in result.stdout
    assert not result.stderr


def test_bench_says_how_to_install_what_it_compares_with() -> None:
    text = CliRunner().invoke(cli, ["bench", "--help"]).stdout
    assert "`make bench` installs JAX and PyTorch" in " ".join(text.split())


def test_toys_names_its_presets_and_gans() -> None:
    text = CliRunner().invoke(cli, ["toys", "--help"]).stdout
    assert f"{', '.join(PRESETS)};" in " ".join(text.split())
    assert all(gan in text for gan in CLASS_NAMES.values())


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["serve", "--port", "x"],
        ["serve", "--port", "65536"],
        ["serve", "--port", "-1"],
        ["serve", "--nonsense"],
        ["toys", "--seeds", "0"],
        ["bench", "--only", "nothing"],
        ["evaluate"],
        ["evaluate", "--images", "x", "--json", "/nowhere/figures.json"],
        ["bench", "--json", "/nowhere/figures.json"],
        ["bench", "--json", "/"],
        ["train-faces", "--images", "x"],
        ["jobs", "nonsense"],
        ["jobs", "watch"],
        ["jobs", "list", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_2_and_says_where_help_is(arguments: list[str]) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert not result.stdout
    assert "--help" in result.stderr
    assert "Error: " in result.stderr
