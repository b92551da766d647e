"""Executes one command: builds or restores the networks of a job, trains them and writes its files."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from app.jobs.checkpoint_pace import CheckpointPace
from app.jobs.files import JobFiles
from app.jobs.plan import Plan
from app.jobs.specification import Specification, StoredData, ToyData
from app.jobs.trainer import messages
from app.jobs.trainer.messages import Message, TrainCommand
from app.jobs.trainer.snapshots import SnapshotWriter
from models import DivergenceError, train
from models.catalogue import LOSS_NAMES
from models.files.arrays import DamagedFileError, open_array
from models.files.atomic import atomic_path
from models.files.saving import save_weights
from models.gan import GAN
from models.toys.building import build, trained_generator
from models.toys.datasets import make
from models.training import train as loop
from models.training.checkpoints import CheckpointError, load_checkpoint, save_checkpoint
from models.training.loop import assign, values_of
from models.training.train import half_step, is_compiled

#: Intervals of the progress reports, and of the checkpoints for recovery while writing them is quick, in seconds.
REPORT_SECONDS = 0.2
CHECKPOINT_SECONDS = 2.0


class Session:
    """Executes one command.

    Args:
        command: what to train, and the checkpoint to start from.
        send: sends a message to the worker.
        should_stop: called about every quarter of a second; True saves and ends the session.
    """

    def __init__(self, command: TrainCommand, send: Callable[[Message], None], should_stop: Callable[[], bool]) -> None:
        self._send = send
        self._should_stop = should_stop
        self._attempt = command.attempt
        self._files = JobFiles.at(command.folder)
        self._specification = Specification.model_validate(command.specification)
        self._start = command.checkpoint
        self._pause_at = command.pause_at
        self._half = command.half
        self._first_step = command.first_step
        self._kept = command.kept_checkpoints
        self._blocks: list[npt.NDArray[np.float32]] = []
        self._compiling = False
        self._trained = 0  # the last step with losses to report
        self._reported = time.monotonic()
        self._pace = CheckpointPace(CHECKPOINT_SECONDS)
        self._writer = ThreadPoolExecutor(1, "snapshots")
        self._writing: Future[None] | None = None  # the last snapshot

    def run(self) -> Message:
        """Train to the end, or until ``should_stop``; return how it ended."""
        with self._writer:  # waits for the last snapshot
            return self._run()

    def _run(self) -> Message:
        self._send(messages.Started(psutil.Process().memory_info().rss))
        try:
            real = self._real_examples()
            gan = build(self._specification.settings, real, self._specification.seed)
            if self._start is not None:
                restore(gan, self._files.checkpoint(self._start), self._specification)
        except CheckpointError as error:
            return messages.Failed(f"its checkpoint {self._start} is damaged or gone: {error.reason}")
        except ValueError as error:
            return messages.Failed(str(error))
        snapshots = SnapshotWriter(self._specification, self._files, real)
        try:
            finished = self._train(gan, snapshots)
        except DivergenceError as error:
            self._report(self._trained)
            return messages.Failed(f"{error}; GET /jobs/{{id}}/history shows how the losses ran until then")
        return self._end(gan, snapshots, finished)

    def _real_examples(self) -> npt.NDArray[np.float32]:
        data = self._specification.data
        if isinstance(data, ToyData):
            return make(data.name, data.size, seed=self._specification.seed, noise=data.noise)
        try:
            with self._files.points.open("rb") as file:
                points: npt.NDArray[np.float32] = np.array(open_array(file))
        except FileNotFoundError:
            raise ValueError("the job's own points are gone: its files were deleted") from None
        except DamagedFileError:
            raise ValueError("the file of the job's own points is damaged") from None
        if points.shape != (data.rows, data.dimensions):
            raise ValueError(
                f"expected the {data.rows:,} × {data.dimensions} points of the job in its file, got {points.shape}"
            )
        return points

    def _train(self, gan: GAN, snapshots: SnapshotWriter) -> bool:
        """Train from snapshot to snapshot, the same ones if the job was resumed; return whether all steps are done."""
        plan = Plan(self._specification.total_steps, self._first_step, self._kept)
        if plan.has_snapshot(gan.steps_done):
            self._snapshot(gan, snapshots)
        self._compiling = not is_compiled(gan)
        self._send(messages.Phase("compiling" if self._compiling else "training"))
        self._reported = time.monotonic()
        self._pace = CheckpointPace(CHECKPOINT_SECONDS)
        end = plan.steps if self._pause_at is None else min(self._pause_at, plan.steps)
        while gan.steps_done < end:
            train(
                gan,
                min(plan.next_snapshot(gan.steps_done), end) - gan.steps_done,
                on_progress=lambda progress: self._on_progress(gan, progress),
                should_stop=self._should_stop,
            )
            self._report(gan.steps_done)
            step = gan.steps_done
            if plan.has_snapshot(step):
                self._snapshot(gan, snapshots)
            if plan.keeps_checkpoint(step):
                self._checkpoint(gan, kept=True)
            if self._should_stop() and step < plan.steps:
                return False
        return gan.steps_done == plan.steps

    def _on_progress(self, gan: GAN, progress: loop.Progress) -> None:
        names = LOSS_NAMES[self._specification.model]
        self._blocks.append(np.stack([progress.losses[name] for name in names], axis=1))
        self._trained = progress.step
        if self._compiling:
            self._send(messages.Phase("training"))
            self._report(progress.step, paced=False)
            self._compiling = False
        now = time.monotonic()
        if now - self._reported >= REPORT_SECONDS:
            self._report(progress.step)
        # After divergence, the networks are ahead of the last step with losses.
        if self._pace.is_due() and progress.step == gan.steps_done:
            self._checkpoint(gan, kept=False)

    def _report(self, step: int, paced: bool = True) -> None:
        now = time.monotonic()
        if self._blocks:
            losses = np.concatenate(self._blocks).astype(np.float32)
            self._send(messages.Progress(step, losses, now - self._reported, paced))
            self._blocks.clear()
        self._reported = now

    def _snapshot(self, gan: GAN, snapshots: SnapshotWriter, half: bool = False) -> None:
        """Take a snapshot, which is written while the training goes on; one at a time."""
        step, write = gan.steps_done, snapshots.take(gan, half)

        def finish() -> None:
            self._send(messages.Snapshot(step, *write(), half))

        self._wait_for_snapshot()
        self._writing = self._writer.submit(finish)

    def _wait_for_snapshot(self) -> None:
        """Wait until the last snapshot is written, and raise what went wrong."""
        if self._writing is not None:
            self._writing.result()

    def _checkpoint(self, gan: GAN, kept: bool, last: bool = False) -> None:
        # Losses and snapshots first: a recovery from this checkpoint does not repeat the steps before it.
        self._report(gan.steps_done)
        self._wait_for_snapshot()
        name = f"{gan.steps_done:09}-{self._attempt}.npz"
        with self._pace.writing():
            save_checkpoint(gan, self._files.checkpoint(name))
        self._send(messages.Checkpoint(gan.steps_done, name, kept, last))

    def _end(self, gan: GAN, snapshots: SnapshotWriter, finished: bool) -> Message:
        if not finished:
            self._report(gan.steps_done)
            self._snapshot(gan, snapshots)  # shows the networks that are exported
        self._checkpoint(gan, kept=finished, last=True)
        if self._half and gan.steps_done == self._pause_at:
            self._show_half(gan, snapshots)
        folder = f"weights-{self._attempt}"
        export(gan, self._specification, self._files.weights(folder))
        return messages.Done(finished, folder, gan.steps_done)

    def _show_half(self, gan: GAN, snapshots: SnapshotWriter) -> None:
        """Show the networks between the two updates of the next step, and go back."""
        state = values_of(gan)
        half_step(gan)
        self._snapshot(gan, snapshots, half=True)
        self._wait_for_snapshot()
        assign(gan, state)


def restore(gan: GAN, checkpoint: Path, specification: Specification) -> None:
    """Load a checkpoint but keep this job's seed and learning rate, which a fork may change.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    load_checkpoint(gan, checkpoint)
    gan.seed = specification.seed
    if specification.final_rate == 1:  # else the rate follows from the step
        for network in (gan.generator, gan.discriminator):
            network.optimizer.learning_rate = specification.learning_rate


def export(gan: GAN, specification: Specification, folder: Path) -> None:
    """Write both networks as Keras weights, and the generator's arrays for readers without Keras."""
    generator = trained_generator(specification.settings, gan)
    metadata = specification.model_dump(mode="json", exclude={"data", "views"})
    if isinstance(specification.data, StoredData) and specification.data.transform is not None:
        metadata["column_transform"] = specification.data.transform.model_dump(mode="json")
    save_weights(generator, folder / "generator.h5", metadata)
    save_weights(gan.discriminator, folder / "discriminator.h5", metadata)
    arrays = {f"layer_{i:03}": np.asarray(values) for i, values in enumerate(generator.get_weights())}
    with atomic_path(folder / "generator.npz") as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)
