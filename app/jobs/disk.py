"""What a job writes, by its settings alone: how many checkpoints it keeps, and bytes at most."""

from typing import NamedTuple

from app.jobs.plan import MOST_CHECKPOINTS, Plan
from app.jobs.snapshot_views import GRID, SHOWN_DIMENSIONS, SHOWN_POINTS
from app.jobs.specification import Specification, StoredData
from models.catalogue import discriminator_widths, parameters

#: Of a number of four decimals below 10, of any other, and of a whole number of a view, with what stands around it.
_DECIMALS_BYTES, _NUMBER_BYTES, _WHOLE_BYTES = 8, 25, 8
#: Of what a snapshot has besides: figures, modes, names, brackets.
_FRAME_BYTES = 4 * 2**10
#: Of the losses of a step.
HISTORY_BYTES = 3 * 4
#: What a file has besides the numbers, for each layer of a network: names and shapes of weights and moments.
_LAYER_BYTES = 8 * 2**10


class DiskUse(NamedTuple):
    """Bytes that a job writes at most.

    Args:
        checkpoint: one of them.
        kept: how many the job keeps.
        others: its own points, snapshots, networks and losses.
    """

    checkpoint: int
    kept: int
    others: int

    @property
    def total(self) -> int:
        """All together; the newest checkpoint lies beside those that are kept."""
        return (self.kept + 1) * self.checkpoint + self.others


def snapshot_bytes(specification: Specification) -> int:
    """Return the bytes of a snapshot at most."""
    data, shown = specification.data, min(SHOWN_DIMENSIONS, specification.dimensions)
    # Toy data lie between 0 and 1, and the scores of a tanh between -1 and 1.
    points = SHOWN_POINTS * shown * (_NUMBER_BYTES if isinstance(data, StoredData) else _DECIMALS_BYTES)
    scores = GRID**2 * (_DECIMALS_BYTES if specification.critic_activation == "tanh" else _NUMBER_BYTES)
    views = len(specification.views) * SHOWN_POINTS * shown * _WHOLE_BYTES
    return points + scores + views + _FRAME_BYTES


def disk_use(specification: Specification, most: int) -> DiskUse:
    """Do the arithmetic for a job that keeps as many checkpoints as fit into ``most`` bytes, and one in any case."""
    shape, widths = specification.gen_shape, discriminator_widths(specification.gen_shape)
    generator, discriminator = parameters(shape), parameters(widths)
    names = _LAYER_BYTES * (len(shape) + len(widths))
    # float32: a weight and two moments of Adam, and the averaged weights.
    checkpoint = 12 * (generator + discriminator) + (4 * generator if specification.ema is not None else 0) + names
    # The generator twice, as HDF5 and for NumPy; new networks lie beside those of the stop before.
    networks = 2 * (4 * (2 * generator + discriminator) + names)
    points = 4 * specification.rows * specification.dimensions if isinstance(specification.data, StoredData) else 0
    steps = specification.total_steps
    snapshots = 1 + Plan(steps).most_snapshots  # the real examples are like one
    others = networks + points + snapshots * snapshot_bytes(specification) + HISTORY_BYTES * steps
    kept = min(MOST_CHECKPOINTS, max(1, (most - others) // checkpoint - 1))
    return DiskUse(checkpoint, kept, others)
