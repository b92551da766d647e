"""Turns the messages of a training process into what is published about the job."""

import numpy as np
import numpy.typing as npt

from app.jobs import file_names
from app.jobs.files import JobFiles
from app.jobs.record.publications import Lease, Publication
from app.jobs.trainer.messages import Checkpoint, Done, Message, Phase, Progress, Snapshot
from models.catalogue import LOSS_NAMES


def add_message(publication: Publication, lease: Lease, message: Message, files: JobFiles) -> None:
    """Add a message about these files to a publication and bring the lease up to date."""
    match message:
        case Phase():
            publication.values["phase"] = message.name
            publication.events.append(("phase", {"phase": message.name, "step": lease.step}))
        case Progress():
            _add_progress(publication, lease, message)
        case Snapshot() if message.half:
            _add_files(publication, files, file_names.snapshot(message.step, half=True))
            publication.events.append(("snapshot", {"step": message.step, "half": True, "figures": message.figures}))
        case Snapshot() if message.step > lease.snapshot:
            _add_files(publication, files, file_names.snapshot(message.step))
            if lease.snapshot < 0:
                _add_files(publication, files, file_names.REAL)
            _add_snapshot(publication, lease, message)
        case Checkpoint():
            before = publication.values.get("checkpoint")
            if before is not None and before not in lease.kept:
                del publication.files[file_names.checkpoint(before)]
            _add_files(publication, files, file_names.checkpoint(message.file))
            if message.step > lease.checkpoint_step:  # the job has progressed since it was acquired
                lease.stalls = publication.values["stalls"] = 0
            lease.checkpoint = publication.values["checkpoint"] = message.file
            publication.values["checkpoint_step"] = message.step
            if message.kept:
                publication.kept_checkpoints[str(message.step)] = message.file
                lease.kept.add(message.file)
        case Done():
            publication.values |= {"weights": message.weights, "weights_step": message.step}
            _add_files(publication, files, *(file_names.network(message.weights, name) for name in file_names.NETWORKS))


def _add_files(publication: Publication, files: JobFiles, *names: str) -> None:
    publication.files |= {name: files.path(name) for name in names}


def _add_progress(publication: Publication, lease: Lease, message: Progress) -> None:
    lease.seconds += message.seconds
    publication.values["seconds"] = lease.seconds
    # A process that resumes from a checkpoint repeats steps whose losses are published already.
    new = message.losses[max(0, len(message.losses) - max(0, message.step - lease.step)) :]
    if not len(new):
        return
    lease.step = message.step
    speed = len(message.losses) / max(message.seconds, 1e-6) if message.paced else None
    publication.values |= {"step": message.step, "losses": _named(new[-1], lease), "steps_per_second": speed}
    publication.blocks.append((message.step, new))
    means = _named(new.mean(axis=0, dtype="float64"), lease)
    publication.events.append(("progress", {"step": message.step, "losses": means, "steps_per_second": speed}))


def _named(losses: npt.NDArray[np.floating], lease: Lease) -> dict[str, float]:
    return dict(zip(LOSS_NAMES[lease.specification.model], losses.tolist(), strict=True))


def _add_snapshot(publication: Publication, lease: Lease, message: Snapshot) -> None:
    step = message.step
    if lease.snapshot < 0:
        publication.events.append(("data", {"step": step}))
    lease.snapshot = publication.values["snapshot"] = step
    publication.values["figures"] = message.figures
    publication.events.append(("snapshot", {"step": step, "figures": message.figures}))
    # A warning that still holds keeps its text, which names the step at which it appeared.
    warnings = {name: lease.warnings.get(name, text) for name, text in message.warnings.items()}
    if warnings != lease.warnings:
        lease.warnings = publication.values["warnings"] = warnings
        publication.events.append(("warnings", {"step": step, "warnings": warnings}))
