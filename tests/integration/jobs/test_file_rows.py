"""The files of jobs in PostgreSQL: who holds the job writes them, with what is published about it, and nobody else."""

import asyncio
import tempfile
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from app.config import Settings
from app.jobs.disk import HISTORY_BYTES
from app.jobs.errors import NotThereError
from app.jobs.file_names import POINTS, REAL, checkpoint, network, snapshot
from app.jobs.files import JobFiles
from app.jobs.limits import specify
from app.jobs.record import file_rows
from app.jobs.record.adoption import adopt
from app.jobs.record.database import retry_until_available
from app.jobs.record.leases import LeaseStore, LostLeaseError
from app.jobs.record.publications import Lease, Publication
from app.jobs.record.space import Space
from app.jobs.record.store import JobStore
from app.jobs.record.tables import files, jobs
from app.jobs.record.values import Copied, NewJob, Written, new_id
from app.jobs.service.database import JobDatabase, reading_files_of
from app.jobs.service.figures import JobFigures
from app.jobs.service.submit import fork
from app.jobs.specification import ForkRequest, JobRequest
from app.jobs.states import State
from app.jobs.trainer.messages import Checkpoint, Done, Message, Snapshot
from app.jobs.worker.publishing import add_message

SPECIFICATION = specify(JobRequest(model="simple_gan"), None, Settings())
MIB = 2**20


@pytest.fixture(autouse=True)
def _of_postgresql(settings: Settings) -> None:
    if settings.database_url is None:
        pytest.skip("with SQLite, files lie in the data folder")


@pytest.fixture
def database(settings: Settings, store: JobStore) -> JobDatabase:
    database = JobDatabase(settings)
    database._record.store = store  # which the tests close
    return database


def _submit(store: JobStore, *new: Written | Copied) -> str:
    job_id = new_id()
    store.submit(job_id, NewJob(SPECIFICATION, None, {}, job_id, files=new))
    return job_id


def _take(leases: LeaseStore, job_id: str) -> Lease:
    lease = leases.acquire(job_id, 1)
    assert lease is not None
    return lease


def _publish(leases: LeaseStore, lease: Lease, folder: Path, *messages: Message, ends: bool = False) -> Publication:
    """Publish messages of a process that has written the files; the content of each is its name."""
    publication = Publication()
    for message in messages:
        add_message(publication, lease, message, JobFiles(folder, lease.job_id))
    for name, path in publication.files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    leases.publish(lease, publication, (lambda _: (State.SUCCEEDED, None)) if ends else None)
    return publication


def _files(engine: sa.Engine, job_id: str) -> dict[str, bytes]:
    """Return the content of all files of a job."""
    query = sa.select(files.c.name, files.c.content).join(jobs).where(jobs.c.id == job_id).order_by(files.c.part)
    found: dict[str, bytes] = {}
    with engine.connect() as connection:
        for name, content in connection.execute(query):
            found[name] = found.get(name, b"") + content
    return found


def test_files_are_published_with_the_messages_that_name_them_and_make_way_like_on_a_disk(
    store: JobStore, leases: LeaseStore, database: JobDatabase, engine: sa.Engine, tmp_path: Path
) -> None:
    job_id = _submit(store)
    lease = _take(leases, job_id)

    def names() -> set[str]:
        found = _files(engine, job_id)
        assert all(content.decode() == name for name, content in found.items())
        return set(found)

    _publish(leases, lease, tmp_path, Snapshot(0, None, {}))
    assert names() == {REAL, snapshot(0)}
    made: list[Message] = [
        Checkpoint(5, "000000005-1.npz", False),
        Snapshot(8, None, {}),
        Checkpoint(8, "000000008-1.npz", False),
    ]
    assert checkpoint("000000005-1.npz") not in _publish(leases, lease, tmp_path, *made).files, "there is a newer one"
    pictures = {REAL, snapshot(0), snapshot(8)}
    assert names() == pictures | {checkpoint("000000008-1.npz")}
    _publish(leases, lease, tmp_path, Checkpoint(10, "000000010-1.npz", True))
    _publish(leases, lease, tmp_path, Snapshot(12, None, {}, half=True), Checkpoint(12, "000000012-1.npz", False, True))
    pictures |= {snapshot(12, half=True)}
    assert names() == pictures | {checkpoint("000000010-1.npz"), checkpoint("000000012-1.npz")}
    _publish(leases, lease, tmp_path, Done(False, "weights-0", 12))
    _publish(leases, lease, tmp_path, Done(True, "weights-1", 12), ends=True)
    networks = {network("weights-1", name) for name in ("generator.h5", "discriminator.h5", "generator.npz")}
    assert names() == pictures | networks | {checkpoint("000000010-1.npz"), checkpoint("000000012-1.npz")}

    size = sum(map(len, _files(engine, job_id).values()))
    kept = {job.job_id: job.bytes for job in Space(store, Settings()).kept()}
    assert kept[job_id] == size + HISTORY_BYTES * store.get(job_id)["step"]
    disk = asyncio.run(JobFigures(database).disk())
    assert disk is not None
    assert (disk.used >= size, disk.free) == (True, None)
    store.delete(job_id)
    assert names() == set()


def test_a_worker_that_has_lost_the_job_writes_no_file(
    store: JobStore, leases: LeaseStore, engine: sa.Engine, tmp_path: Path
) -> None:
    job_id = _submit(store)
    stale = _take(leases, job_id)
    newer = _take(leases, job_id)
    with pytest.raises(LostLeaseError):
        _publish(leases, stale, tmp_path, Snapshot(0, None, {}), Checkpoint(5, "000000005-1.npz", True))
    with pytest.raises(LostLeaseError):
        leases.fetch(stale, JobFiles(tmp_path, job_id))
    assert _files(engine, job_id) == {}
    _publish(leases, newer, tmp_path, Checkpoint(5, "000000005-2.npz", True))
    assert list(_files(engine, job_id)) == [checkpoint("000000005-2.npz")]


def test_a_publication_that_is_repeated_is_there_once_and_one_that_fails_not_at_all(
    store: JobStore, leases: LeaseStore, engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = _submit(store)
    lease = _take(leases, job_id)
    monkeypatch.setattr("app.jobs.record.database._RETRY_SECONDS", 0.0)
    write, tries = file_rows.write_file, []

    def failing(connection: sa.Connection, number: int, name: str, path: Path) -> None:
        tries.append(name)
        write(connection, number, name, path)
        if len(tries) == 2:
            raise OperationalError("", None, Exception("no space left on its disk"))

    publication = Publication()
    for message in (Snapshot(0, None, {}), Checkpoint(5, "000000005-1.npz", True)):
        add_message(publication, lease, message, JobFiles(tmp_path, job_id))
    for path in publication.files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"1")
    with monkeypatch.context() as patch:
        patch.setattr(file_rows, "write_file", failing)
        with pytest.raises(OperationalError):
            leases.publish(lease, publication)
        assert _files(engine, job_id) == {}
        retry_until_available(lambda: leases.publish(lease, publication))
    assert _files(engine, job_id) == dict.fromkeys(publication.files, b"1")
    lease.revision -= 1  # the answer was lost
    for path in publication.files.values():
        path.write_bytes(b"2")
    leases.publish(lease, publication)
    assert _files(engine, job_id) == dict.fromkeys(publication.files, b"1")


def test_large_files_go_in_and_out_in_parts(
    store: JobStore, leases: LeaseStore, database: JobDatabase, engine: sa.Engine, tmp_path: Path
) -> None:
    content = np.random.default_rng(0).bytes(5 * MIB // 2)
    job_id = _submit(store, Written(POINTS, [b"header", memoryview(content)]))
    job = store.get(job_id)
    with engine.connect() as connection:
        lengths = connection.execute(
            sa.select(sa.func.octet_length(files.c.content)).where(files.c.job == job["number"])
        )
        assert sorted(lengths.scalars()) == [6, MIB // 2, MIB, MIB]
    found = database.files(job)
    assert found.names() == [POINTS]
    assert found.read(POINTS) == b"header" + content
    with found.open(POINTS) as file:
        with engine.begin() as connection:
            file_rows.delete(connection, job["number"], [POINTS])
        assert file.read() == b"header" + content, "open, it is read to its end"
    for look in (found.read, found.open):
        with pytest.raises(NotThereError, match="are gone"), reading_files_of(job_id):
            look(POINTS)
    assert found.names() == []

    with engine.begin() as connection:
        file_rows.write(connection, job["number"], checkpoint("1-1.npz"), [content])
    lease = _take(leases, job_id)
    lease.checkpoint = "1-1.npz"
    there = JobFiles(tmp_path, job_id)
    there.make()
    leases.fetch(lease, there)
    assert there.checkpoint("1-1.npz").read_bytes() == content
    lease.checkpoint = "2-1.npz"
    leases.fetch(lease, there)
    assert not there.checkpoint("2-1.npz").exists(), "the process says that it is gone"


def test_a_fork_copies_inside_the_database_or_is_not_submitted(
    store: JobStore, leases: LeaseStore, database: JobDatabase, engine: sa.Engine, tmp_path: Path
) -> None:
    parent = _submit(store)
    lease = _take(leases, parent)
    _publish(leases, lease, tmp_path, Checkpoint(5, "000000005-1.npz", True))
    child = fork(database, parent, ForkRequest(step=5, epochs=20))
    assert _files(engine, child.id) == {checkpoint("000000005-0.npz"): checkpoint("000000005-1.npz").encode()}
    with engine.begin() as connection:
        file_rows.delete(connection, lease.number, [checkpoint("000000005-1.npz")])
    before = [row["id"] for row in store.page((), 1_000)]
    with pytest.raises(NotThereError, match="the checkpoint of step 5 is gone"):
        fork(database, parent, ForkRequest(step=5, epochs=20))
    assert [row["id"] for row in store.page((), 1_000)] == before


def test_files_of_an_installation_of_before_are_adopted_once(
    store: JobStore, leases: LeaseStore, database: JobDatabase, engine: sa.Engine, settings: Settings
) -> None:
    """They lay in a folder that all machines shared; the job runs on from its checkpoint."""
    job_id, other = _submit(store), new_id()
    old, unknown = JobFiles(settings.data, job_id), JobFiles(settings.data, other)
    _publish(
        leases, _take(leases, job_id), settings.data, Snapshot(0, None, {}), Checkpoint(5, "000000005-1.npz", False)
    )
    with engine.begin() as connection:  # the release before wrote none
        connection.execute(sa.delete(files))
    (old.folder / "checkpoints" / ".000000006-1.npz.abc").write_text("half")
    unknown.make()

    kept = _files(engine, job_id)
    assert kept == {}
    adopt(engine, settings.data)
    assert not old.folder.exists()
    assert unknown.folder.exists(), "another database may use the same folder"
    expected = {name: name.encode() for name in (REAL, snapshot(0), checkpoint("000000005-1.npz"))}
    assert _files(engine, job_id) == expected

    # Another worker that comes when the files are in the database and not all of the folder is deleted changes nothing.
    old.make()
    old.real.write_text("another one")
    adopt(engine, settings.data)
    assert _files(engine, job_id) == expected
    assert not old.folder.exists()

    with tempfile.TemporaryDirectory() as scratch:
        there = JobFiles(Path(scratch), job_id)
        there.make()
        leases.fetch(_take(leases, job_id), there)
        assert there.names() == [checkpoint("000000005-1.npz")]
        assert there.read(checkpoint("000000005-1.npz")) == expected[checkpoint("000000005-1.npz")]
    assert database.files(store.get(job_id)).read(REAL) == expected[REAL]
    unknown.remove()
