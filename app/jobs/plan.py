"""The plan of a job: at which steps it takes snapshots and keeps checkpoints."""

import math

#: Checkpoints that a job keeps at most; fewer where they are large.
MOST_CHECKPOINTS = 10
#: Snapshots that are not in the plan, taken where the job was stopped or between two updates: the newest ones stay.
MOST_EXTRA_SNAPSHOTS = 50
#: A job takes about 50 snapshots; with more than 500 steps between them, up to 200.
_FEWEST_SNAPSHOTS, _MOST_SNAPSHOTS, _LONG = 50, 200, 500
#: Steps after which there is a snapshot in any case: nobody should wait a second to see that something moves.
_EARLY = 32


class Plan:
    """The steps at which a job takes snapshots and keeps checkpoints.

    Args:
        steps: of the whole job.
        first_step: from which it is trained on.
        kept: checkpoints that stay at most, that of the last step included.
    """

    def __init__(self, steps: int, first_step: int = 0, kept: int = MOST_CHECKPOINTS) -> None:
        self.steps = steps
        self.first_step = first_step
        few = math.ceil(steps / _FEWEST_SNAPSHOTS)
        self.every = few if few <= _LONG else max(_LONG, math.ceil(steps / _MOST_SNAPSHOTS))
        self.early = min(first_step + _EARLY, steps) if self.every > _EARLY else steps
        self.keep_every = self.every * math.ceil(math.ceil(steps / self.every) / kept)

    @property
    def most_snapshots(self) -> int:
        """Snapshots at most: those of the plan, the first and the early one among them, and the extra ones."""
        return math.ceil(self.steps / self.every) + 2 + MOST_EXTRA_SNAPSHOTS

    def next_snapshot(self, step: int) -> int:
        """Return the first step after ``step`` with a snapshot."""
        following = min((step // self.every + 1) * self.every, self.steps)
        return min(following, self.early) if step < self.early else following

    def has_snapshot(self, step: int) -> bool:
        """Return whether this step has a snapshot."""
        return step % self.every == 0 or step in (self.first_step, self.early, self.steps)

    def keeps_checkpoint(self, step: int) -> bool:
        """Return whether this step's checkpoint is kept; that of the last step is kept by the end of the session."""
        return step % self.keep_every == 0 and step < self.steps
