"""Which files of a job make way for others, by their names."""

import itertools

from app.jobs.file_names import NETWORKS, checkpoint, earlier_checkpoints, earlier_weights, network, snapshot_steps
from app.jobs.file_names import snapshot as snapshot_name


def test_only_earlier_checkpoints_make_way() -> None:
    """A worker that was slow, frozen or without its database is behind its process, whose messages wait."""
    kept, newest, ahead, of_a_later_attempt = (f"000000{rest}.npz" for rest in ("100-1", "200-1", "250-1", "050-2"))
    earlier = ["000000150-1.npz", "000000050-0.npz"]
    names = [checkpoint(file) for file in (*earlier, kept, newest, ahead, of_a_later_attempt)]
    names += ["points.npy", "weights-1/generator.npz", snapshot_name(100)]
    assert earlier_checkpoints(names, newest, {kept}) == [checkpoint(file) for file in earlier]


def test_what_a_later_attempt_wrote_does_not_make_way() -> None:
    weights = {name: [network(name, file) for file in NETWORKS] for name in ("weights-1", "weights-2", "weights-3")}
    names = ["real.json", checkpoint("000000100-1.npz"), *itertools.chain(*weights.values())]
    assert earlier_weights(names, "weights-2", attempt=2) == weights["weights-1"]


def test_snapshots_are_known_by_their_steps() -> None:
    names = [
        snapshot_name(200),
        snapshot_name(3),
        snapshot_name(3, half=True),
        checkpoint("000000100-1.npz"),
        "real.json",
    ]
    assert snapshot_steps(names) == [3, 200]
