"""Turns the messages of a training process into what is published about the job."""

import numpy as np
import numpy.typing as npt

from app.jobs.record.leases import Lease, Publication
from app.jobs.trainer.messages import Checkpoint, Message, Phase, Progress, Snapshot
from models.catalogue import LOSS_NAMES


def add_message(publication: Publication, lease: Lease, message: Message) -> None:
    """Add a message to a publication and bring the lease up to date."""
    match message:
        case Phase():
            publication.values["phase"] = message.name
            publication.events.append(("phase", {"phase": message.name, "step": lease.step}))
        case Progress():
            _add_progress(publication, lease, message)
        case Snapshot() if message.half:
            publication.events.append(("snapshot", {"step": message.step, "half": True, "figures": message.figures}))
        case Snapshot() if message.step > lease.snapshot:
            _add_snapshot(publication, lease, message)
        case Checkpoint():
            if message.step > lease.checkpoint_step:  # the job has progressed since it was acquired
                lease.stalls = publication.values["stalls"] = 0
            lease.checkpoint = publication.values["checkpoint"] = message.file
            publication.values["checkpoint_step"] = message.step
            if message.kept:
                publication.kept_checkpoints[str(message.step)] = message.file
                lease.kept.add(message.file)


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
