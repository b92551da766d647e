import io
import json
from pathlib import Path

from rich.console import Console

from tests.benchmarks.report import Row, alternating, compared, row, show, write_json

ROWS = [
    row("steps", "small", "nobody", [1.0, 3.0, 2.0], "ms"),
    row("steps", "small", "slow peer", [4.0, 5.0], "ms", ratio=2.25, target=2.0),
    row("steps", "large", "fast peer", [1_500.0], "ms", ratio=0.5, target=1.0),
]


def test_a_row_sums_up() -> None:
    assert ROWS[0] == Row("steps", "small", "nobody", 2.0, 1.0, 3.0, "ms", None, None)
    assert [one.met for one in ROWS] == [None, True, False]


def test_the_table_says_what_was_met() -> None:
    console = Console(file=io.StringIO(), width=120)
    show(ROWS, console)
    assert isinstance(console.file, io.StringIO)
    lines = console.file.getvalue().splitlines()
    assert sum("2.25 x" in line and "2 x met" in line for line in lines) == 1
    assert sum("1,500" in line and "1 x NOT MET" in line for line in lines) == 1


def test_the_file_says_what_was_met(tmp_path: Path) -> None:
    write_json(ROWS, tmp_path / "bench.json")
    content = json.loads((tmp_path / "bench.json").read_text())
    assert [one["met"] for one in content["rows"]] == [None, True, False]
    assert content["machine"]["cores"] >= 1


def test_actions_take_turns_and_the_first_round_does_not_count() -> None:
    calls: list[str] = []
    seconds = alternating({"one": lambda: calls.append("one"), "two": lambda: calls.append("two")}, 2, uncounted=1)
    assert calls == ["one", "two"] * 3
    assert {name: len(values) for name, values in seconds.items()} == {"one": 2, "two": 2}


def test_a_ratio_is_the_median_over_the_rounds() -> None:
    seconds = {"nobody": [1.0, 2.0, 4.0], "peer": [2.0, 6.0, 16.0]}
    ours, peer = compared("steps", "small", seconds, "s", {"peer": 2.5})
    assert (ours.ratio, peer.ratio, peer.met) == (None, 3.0, True)
    _, peer = compared("faces", "small", seconds, "faces/s", {"peer": 2.5}, higher_is_better=True)
    assert (peer.ratio, peer.met) == (1 / 3, False)
