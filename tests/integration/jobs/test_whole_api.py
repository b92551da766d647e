"""The whole API, attacked with requests that are made from its OpenAPI document."""

from pathlib import Path

import pytest

from tests.integration.jobs.harness import service
from tests.soak import api

pytestmark = pytest.mark.e2e


def test_a_short_attack_on_the_whole_api(tmp_path: Path) -> None:
    with service(tmp_path, api_keys=f"admin={api.KEY}") as running:
        report = api.attack(running, tmp_path, 3, phases="examples,fuzzing")
        running.stop()
    assert not report.failed, report.text
    assert report.statuses[200] >= 20
    assert report.statuses[422] >= 20
    assert not [status for status in report.statuses if status >= 500]
