"""A container's share of the processors counts, by both versions of control groups."""

import os
from pathlib import Path

import pytest

from app import processors


@pytest.mark.parametrize(
    ("ours", "files", "expected"),
    [
        ("0::/\n", {}, 8),
        ("0::/\n", {"cpu.max": "max 100000\n"}, 8),
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "150000 100000\n"}, 2),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 1),
        ("0::/\n", {"cpu.max": "9900000 100000\n"}, 8),
        ("0::/pod/one\n", {"pod/cpu.max": "300000 100000\n", "pod/one/cpu.max": "max 100000\n"}, 3),
        ("0::/pod/one\n", {"cpu.max": "500000 100000\n"}, 5),
        ("4:cpu,cpuacct:/\n0::/\n", {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ("4:cpu:/docker/one\n", {"cpu/cpu.cfs_quota_us": "50000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 1),
        ("4:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("4:cpuset:/\n", {"cpu/cpu.cfs_quota_us": "100000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 8),
        ("0::/\n", {"cpu.max": "nonsense"}, 8),
        (None, {"cpu.max": "100000 100000\n"}, 8),
    ],
)
def test_the_smallest_share_counts(
    ours: str | None, files: dict[str, str], expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups, told = tmp_path / "groups", tmp_path / "cgroup"
    for name, text in files.items():
        (groups / name).parent.mkdir(parents=True, exist_ok=True)
        (groups / name).write_text(text)
    if ours is not None:
        told.write_text(ours)
    monkeypatch.setattr(processors, "_GROUPS", groups)
    monkeypatch.setattr(processors, "_OURS", told)
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    assert processors.processors() == expected
