"""Records the run that the lab plays at first sight, ``static/ring8.json.gz``, from a job of a running service.

The shipped one is ``{"preset": "ring8_penalty"}``: ``python -m tests.e2e.record_example http://127.0.0.1:8000 JOB``.
"""

import gzip
import json
import sys
import urllib.request
from itertools import pairwise
from typing import Any

from tests.conftest import ROOT

PATH = ROOT / "static" / "ring8.json.gz"
PICTURES, POINTS, REAL, SIDE = 12, 112, 64, 14
#: Steps of a coordinate between 0 and 1, and of the scores between their lowest and highest.
UNITS, LEVELS = 160, 10


def events(job: str) -> list[dict[str, Any]]:
    """Get all events of a job."""
    found: list[dict[str, Any]] = []
    while True:
        after = found[-1]["id"] if found else 0
        request = urllib.request.Request(f"{job}/events?after={after}", headers={"Accept": "application/json"})
        with urllib.request.urlopen(request) as answer:
            news = json.load(answer)["events"]
        if not news:
            return found
        found += news


def whole(points: list[list[float]], count: int) -> list[int]:
    """Give the coordinates of the first points as whole numbers, one after the other."""
    return [round(UNITS * coordinate) for point in points[:count] for coordinate in point]


def some_of(scores: list[list[float]]) -> list[float]:
    """Give fewer scores of the same plane."""
    places = [round(i * (len(scores) - 1) / (SIDE - 1)) for i in range(SIDE)]
    return [scores[row][column] for row in places for column in places]


def landscape(some: list[float]) -> list[int]:
    """Give scores as levels between the lowest and the highest."""
    return [round((score - min(some)) / (max(some) - min(some)) * LEVELS) for score in some]


def picture(snapshot: dict[str, Any]) -> dict[str, Any]:
    """Give what is shown of a snapshot."""
    some, figures = some_of(snapshot["scores"]), snapshot["figures"]
    return {
        "step": snapshot["step"],
        "figures": {
            "modes_fairly_covered": figures["modes_fairly_covered"],
            "high_quality": round(figures["high_quality"], 3),
        },
        "covered": snapshot["covered"],
        "low": round(min(some), 2),
        "high": round(max(some), 2),
        "points": whole(snapshot["generated"], POINTS),
        "scores": landscape(some),
    }


def change(before: dict[str, Any], after: dict[str, Any]) -> dict[str, Any]:
    """Give a picture with what changed since the one before: small numbers, which pack well."""
    return after | {
        name: [b - a for a, b in zip(before[name], after[name], strict=True)] for name in ("points", "scores")
    }


def main(service: str, job_id: str) -> None:
    """Write the file."""
    with urllib.request.urlopen(f"{service}/jobs/{job_id}") as answer:
        job = json.load(answer)
    all_events = events(f"{service}/jobs/{job_id}")
    real = next(event["data"] for event in all_events if event["event"] == "data")
    snapshots = [event["data"] for event in all_events if event["event"] == "snapshot"]
    # More of them at the beginning, where more happens.
    places = sorted({round((len(snapshots) - 1) * (i / (PICTURES - 1)) ** 1.3) for i in range(PICTURES)})
    pictures = [picture(snapshots[place]) for place in places]
    example: dict[str, Any] = {
        "id": "",
        "name": None,
        "status": "example",
        "phase": None,
        "warnings": {},
        "first_step": 0,
    }
    recorded = {
        "job": example | {name: job[name] for name in ("model", "data", "seed", "step", "steps")},
        "real": {**real, "real": whole(real["real"], REAL)},
        "units": UNITS,
        "levels": LEVELS,
        "side": SIDE,
        "snapshots": [pictures[0], *(change(*pair) for pair in pairwise(pictures))],
    }
    PATH.write_bytes(gzip.compress(json.dumps(recorded, separators=(",", ":")).encode(), mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
