"""The files of a job: what makes way for what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.jobs.file_names import outdated_snapshots
from app.jobs.files import JobFiles
from app.jobs.plan import Plan


@given(
    st.integers(1, 3_000),
    st.integers(0, 100),
    st.lists(st.tuples(st.integers(0, 3_000), st.booleans()), max_size=40),
)
def test_of_snapshots_beyond_the_plan_the_newest_stay(
    tmp_path_factory: pytest.TempPathFactory, steps: int, first_step: int, taken: list[tuple[int, bool]]
) -> None:
    files, planned = JobFiles(tmp_path_factory.mktemp("job"), "0123456789abcdef"), Plan(steps, first_step)
    assert files.names() == [], "a job without files"
    folder = files.snapshot(0).parent
    folder.mkdir(parents=True)
    for one in taken:
        files.snapshot(*one).touch()
    for name in ("real.json", ".000000001.json-part"):  # being written
        (folder / name).touch()
    most = 5
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("app.jobs.file_names.MOST_EXTRA_SNAPSHOTS", most)
        files.delete(outdated_snapshots(files.names(), planned))

    extra = sorted({(step, half) for step, half in taken if half or not planned.has_snapshot(step)})
    stay = {(step, half) for step, half in taken if (step, half) not in extra[:-most]}
    left = {path.name for path in folder.iterdir()}
    assert left == {files.snapshot(*one).name for one in stay} | {"real.json", ".000000001.json-part"}
