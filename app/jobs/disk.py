"""What a job writes, by its settings alone: how many checkpoints it keeps, and bytes at most."""

import math
from typing import NamedTuple

from app.jobs.specification import Specification, StoredData
from models.catalogue import discriminator_widths, parameters

#: Checkpoints that a job keeps at most; fewer where they are large.
MOST_CHECKPOINTS = 10
#: A job takes about 50 snapshots; with more than 500 steps between them, up to 200.
_FEWEST_SNAPSHOTS, _MOST_SNAPSHOTS, _LONG = 50, 200, 500
#: Of a snapshot in units with many digits, and of its views.
_SNAPSHOT_BYTES, _VIEWS_BYTES = 40 * 2**10, 20 * 2**10
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


def snapshot_interval(steps: int) -> int:
    """Return the steps between two snapshots of a job of so many steps."""
    few = math.ceil(steps / _FEWEST_SNAPSHOTS)
    return few if few <= _LONG else max(_LONG, math.ceil(steps / _MOST_SNAPSHOTS))


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
    snapshot = _SNAPSHOT_BYTES + (_VIEWS_BYTES if specification.views else 0)
    snapshots = math.ceil(steps / snapshot_interval(steps)) + 3  # at the start, early, and where the job was stopped
    others = networks + points + snapshots * snapshot + HISTORY_BYTES * steps
    kept = min(MOST_CHECKPOINTS, max(1, (most - others) // checkpoint - 1))
    return DiskUse(checkpoint, kept, others)
