import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic.fields import FieldInfo

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


KEY = 43 * "k"
GOOD_KEYS = {
    "": {},
    f"ada={KEY}": {"ada": KEY},
    f" ada={KEY} , admin={KEY}+/==, ": {"ada": KEY, "admin": f"{KEY}+/=="},
    f"A.d-a_1={KEY}~": {"A.d-a_1": f"{KEY}~"},
}
BAD_KEYS = [
    KEY,
    f"={KEY}",
    f"ada={KEY[1:]}",
    f"ada={KEY} x",
    f"a b={KEY}",
    f"ada={KEY},ada={KEY}x",
    f"{65 * 'a'}={KEY}",
]


@pytest.mark.parametrize("text", GOOD_KEYS)
def test_keys_have_names(text: str) -> None:
    assert Settings(api_keys=text).keys == GOOD_KEYS[text]
    assert KEY not in repr(Settings(api_keys=text))


@pytest.mark.parametrize("text", BAD_KEYS)
def test_a_wrong_key_is_explained_and_not_repeated(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("NOBODY_API_KEYS", text)
    with pytest.raises(SystemExit) as stopped:
        load_settings()
    assert str(stopped.value).startswith("nobody: cannot start: NOBODY_API_KEYS: expected name=key with commas between")
    assert KEY[1:] not in str(stopped.value)


@pytest.mark.parametrize(
    ("host", "needed"),
    [
        *(
            (host, False)
            for host in ("127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost", "LOCALHOST", "a.localhost")
        ),
        ("::ffff:127.0.0.1", False),
        *((host, True) for host in ("0.0.0.0", "::", "192.0.2.1", "2001:db8::1", "faces.lan", "localhost.example.org")),
    ],
)
def test_off_the_loopback_keys_are_needed(host: str, needed: bool) -> None:
    assert Settings(host=host).needs_keys == needed
    assert Settings(host=host, api_keys=f"ada={KEY}").needs_keys


PROXIES = {
    "": ["127.0.0.1", "::1"],
    "10.0.0.7": ["10.0.0.7"],
    " 10.0.0.7, 192.168.0.0/16 ,2001:db8::/32,": ["10.0.0.7", "192.168.0.0/16", "2001:db8::/32"],
}


@pytest.mark.parametrize("text", PROXIES)
def test_proxies_are_addresses_and_networks(text: str) -> None:
    assert Settings(trusted_proxies=text).believed_proxies == PROXIES[text]
    assert Settings(trusted_proxies=text).needs_keys == bool(text), "through a named proxy, strangers come"


@pytest.mark.parametrize("text", ["*", "proxy", "10.0.0", "10.0.0.7/8", "10.0.0.7:80", "10.0.0.7 10.0.0.8", "::1/200"])
def test_a_wrong_proxy_is_explained(text: str) -> None:
    with pytest.raises(ValidationError, match="expected addresses and networks with commas between, such as"):
        Settings(trusted_proxies=text)


def _row(name: str, field: FieldInfo) -> str:
    """Return the row of a setting in the table of the docs."""
    default, told = field.default, f"`{field.default}`"
    if default in (None, ""):
        told = "none"
    elif default == ROOT / "weights":
        told = "the shipped `weights/`"
    elif isinstance(default, Path):
        told = f"`./{default}`"
    return f"| `NOBODY_{name.upper()}` | {told} | {field.description} |"


def test_the_table_of_the_settings_is_complete_and_true() -> None:
    """To document a new setting, copy its row from the failure into docs/settings.md."""
    text = (ROOT / "docs" / "settings.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| `NOBODY_")]
    assert rows == [_row(name, field) for name, field in Settings.model_fields.items()]


def test_there_is_one_table_of_the_settings() -> None:
    """What other documents say of a setting, they say in sentences; all names that they use exist."""
    others = {f"NOBODY_{name}" for name in ("URL", "API_KEY")}  # of `nobody jobs`
    known = others | {f"NOBODY_{name.upper()}" for name in Settings.model_fields}
    for document in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "compose.yaml", ROOT / "Dockerfile"]:
        text = document.read_text()
        assert document.name == "settings.md" or "\n| `NOBODY_" not in text, document
        assert set(re.findall(r"NOBODY_[A-Z_]+[A-Z]", text)) <= known, document
