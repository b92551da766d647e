from pathlib import Path

import pytest
from pydantic import ValidationError

from app import ROOT
from app.config import Settings, load_settings


def test_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings()

    assert (settings.host, settings.port, settings.pixels) == ("127.0.0.1", 8000, "auto")
    assert settings.weights == ROOT / "weights"
    assert settings.data == Path("data")


def test_the_environment_sets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOBODY_PORT", "9001")
    monkeypatch.setenv("NOBODY_WEIGHTS", "/somewhere")
    assert (Settings().port, Settings().weights) == (9001, Path("/somewhere"))


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a compose file or a unit file leaves it: ``NOBODY_WEIGHTS=``."""
    monkeypatch.delenv("NOBODY_WARM_ARCHITECTURES")
    before = Settings()
    for name in Settings.model_fields:
        monkeypatch.setenv(f"NOBODY_{name.upper()}", "")
    assert load_settings() == before


def test_folders_may_lie_in_the_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    monkeypatch.setenv("NOBODY_WEIGHTS", "~/weights/generator.h5")
    monkeypatch.setenv("NOBODY_DATA", "~/data")
    settings = load_settings()
    assert (settings.weights, settings.data) == (Path("/home/ada/weights/generator.h5"), Path("/home/ada/data"))
    monkeypatch.setenv("NOBODY_WEIGHTS", "~nobody-of-this-name/weights")
    with pytest.raises(SystemExit, match=r"NOBODY_WEIGHTS: .*home directory.*, got '~nobody-of-this-name/weights'"):
        load_settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 1  # type: ignore[misc]


def test_a_wrong_setting_ends_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOBODY_PORT", "no")
    monkeypatch.setenv("NOBODY_PIXELS", "blue")
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    line = str(stopped.value)
    assert line.startswith("nobody: cannot start: NOBODY_PORT: ")
    assert "got 'no'; NOBODY_PIXELS: Input should be 'auto', 'raw' or 'symmetric', got 'blue'" in line
    assert "\n" not in line


@pytest.mark.parametrize(("name", "value"), [("ALLOWED_HOSTS", "a.b:80"), ("DATA", "~nobody-of-this-name/x")])
def test_a_wrong_setting_is_told_in_our_own_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"NOBODY_{name}", value)
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    assert "Value error" not in str(stopped.value)
    assert str(stopped.value).endswith(f", got {value!r}")


def test_every_setting_is_documented() -> None:
    readme = (ROOT / "README.md").read_text()
    for name, field in Settings.model_fields.items():
        assert field.description
        assert f"`NOBODY_{name.upper()}`" in readme
