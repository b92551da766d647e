"""Schemathesis against the whole API: no 5xx, nothing undocumented, every error in the one shape.

``python -m tests.soak.api 20000`` sends at least so many requests, made from ``/openapi.json``, to a real service with
keys and jobs in several states, and prints how they were answered. It ends with 1 if a check fails; what failed, with a
curl command that repeats it, stands above the figures.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tests.integration.jobs.harness import LONG, SHORT, Service, service

KEY = "fuzzing-" + "k" * 40

#: One request may take so long; the largest answers of the widest networks take some seconds of a core.
SECONDS = 60

#: Requests of the phases ``examples`` and ``coverage``, which the document decides, and of each random example, about.
_FIXED, _EACH = 2_300, 23
#: Random examples of calls that draw.
_PICTURES = 50
#: Jobs made at random end after so many seconds of training, or each would train for an hour.
_JOB_SECONDS = 5
_PHASES = "examples,coverage,fuzzing,stateful"

_CONFIGURATION = """
hooks = "tests.soak.api_checks"
continue-on-failure = true
request-timeout = {seconds}
max-stream-events = 5
cache.enabled = false
warnings = false

[reports]
ndjson.path = "{report}"

[auth.openapi.HTTPBearer]
bearer = "{key}"

[generation]
deterministic = true
no-shrink = true

[phases]
stateful.enabled = {stateful}

# Most calls about a job name one that exists.
[dictionaries.jobs]
values = {jobs}

[dictionaries.lost]
values = {lost}

[parameters]
job_id = {{ dictionary = "jobs", probability = 0.8 }}

[[operations]]
include-method = "DELETE"
parameters.job_id = {{ dictionary = "lost", probability = 0.8 }}

[checks]
# A budget (pixels, numbers) or a rule over several fields is not in a JSON schema; such a request gets a 4xx in words.
positive_data_acceptance.expected-statuses = ["2xx", "3xx", "4xx"]

# As the protocols of avatars want it, a size out of range is clipped, and other nonsense is ignored.
[[operations]]
include-path = "/avatar/{{name}}"
checks.negative_data_rejection.enabled = false

# In a query, `id=true` is a list of one text, whatever was meant.
[[operations]]
include-path = "/jobs"
include-method = "DELETE"
checks.negative_data_rejection.enabled = false

# A film takes seconds to draw, a picture most of one: fewer of them, so that all other calls can have more.
[[operations]]
include-path-regex = "/jobs/{{job_id}}/(film|picture.png)"
generation.max-examples = {pictures}

# POST /session reads the key from the form and needs none to be called.
[[operations]]
include-path = "/session"
checks.ignored_auth.enabled = false
"""


class Report(NamedTuple):
    """How many requests were sent, how they were answered by status, and what schemathesis said."""

    requests: int
    statuses: Counter[int]
    failed: bool
    text: str


def attack(running: Service, folder: Path, examples: int, *, phases: str) -> Report:
    """Send requests made from the service's OpenAPI document.

    Args:
        running: a service that has the key of this module.
        folder: for the configuration and the report.
        examples: random requests for each operation; the phases ``examples`` and ``coverage`` add a fixed number.
        phases: schemathesis' phases, with commas between.
    """
    configuration, report = folder / "schemathesis.toml", folder / "requests.ndjson"
    running.client.headers["Authorization"] = f"Bearer {KEY}"
    jobs = [running.submit(**body)["id"] for body in (LONG, SHORT, SHORT | {"seed": 8})]
    lost = [running.submit(**SHORT)["id"] for _ in range(3)]
    running.ask({"id": jobs[0]}, "cancel")  # at once: the film of a long training takes a minute to draw
    running.wait({"id": jobs[1]})
    configuration.write_text(
        _CONFIGURATION.format(
            seconds=SECONDS,
            report=report,
            key=KEY,
            jobs=json.dumps(jobs),
            lost=json.dumps(lost),
            stateful=json.dumps("stateful" in phases),
            pictures=min(examples, _PICTURES),
        )
    )
    command = ["schemathesis", "--config-file", configuration, "run", f"{running.address}/openapi.json"]
    command += ["--max-examples", examples, "--phases", phases]
    done = subprocess.run(
        [Path(sys.executable).with_name(str(command[0])), *map(str, command[1:])],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    with report.open() as lines:
        statuses = Counter(_statuses(lines))
    return Report(statuses.total(), statuses, done.returncode != 0, done.stdout)


def _statuses(lines: Iterable[str]) -> Iterator[int]:
    """Give the status of every answer in a report."""
    for line in lines:
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for exchange in recorder.get("interactions", {}).values():
            if exchange.get("response"):
                yield exchange["response"]["status_code"]


def main() -> int:
    """Run the attack, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("requests", type=int, nargs="?", default=20_000)
    wanted: int = parser.parse_args().requests
    started = time.monotonic()
    settings = {"api_keys": f"admin={KEY}", "key_jobs": 1_000, "job_seconds": _JOB_SECONDS}
    with tempfile.TemporaryDirectory() as name, service(Path(name), **settings) as running:
        report = attack(running, Path(name), max(1, (wanted - _FIXED) // _EACH), phases=_PHASES)
        memory = running.process.memory_info().rss / 2**20
        running.stop()  # which fails if its log has a traceback
    if report.failed:
        print(report.text)
    kinds = Counter(f"{status // 100}xx" for status in report.statuses.elements())
    print(
        f"{report.requests:,} requests in {time.monotonic() - started:.0f} s: "
        + ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items()))
        + f"; checks {'failed' if report.failed else 'passed'}; memory of the service at the end {memory:.0f} MiB"
    )
    return int(report.failed or report.requests < wanted)


if __name__ == "__main__":
    sys.exit(main())
