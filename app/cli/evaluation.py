"""Measures the quality of weights: generated faces against real ones, beside a floor of real against real."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from app.faces.generator import FaceGenerator
from app.faces.latents import latents_of_seeds
from models.faces.loading import faces_sha256, split_holdout
from models.faces.metrics import evaluate_faces, memorisation

Faces = npt.NDArray[np.uint8]
Figures = dict[str, float]

_FEWEST = 6  # for neighbourhoods of five


class RealFaces(NamedTuple):
    """Real faces, uint8 ``(count, 16, 16)``: to measure against, for the floor, and (if known) those trained on."""

    real: Faces
    others: Faces
    training: Faces | None


def choose_faces(images: Faces, *, trained: FaceGenerator | None = None, floor: Faces | None = None) -> RealFaces:
    """Split images for :func:`evaluate`.

    Args:
        images: uint8 ``(count, 16, 16)``.
        trained: a generator that was trained on these images; then only those that its training kept out are measured
            against, and the others serve the floor and the memorisation test. None for images that no generator has
            seen.
        floor: other real faces for the floor; None takes half of the images. The floor's faces are in random order, the
            same each time: a folder is in the order of its names, so its first faces may be alike.

    Raises:
        ValueError: the generator's training kept nothing out, or saw other images; or ``floor`` is given beside it.
    """
    if trained is None:
        if floor is not None:
            return RealFaces(images, split_holdout(floor, 0, seed=0)[0], None)
        return RealFaces(*split_holdout(images, len(images) // 2, seed=0), None)
    if floor is not None:
        raise ValueError("--floor: expected none with --development, where the faces trained on serve the floor")
    training = trained.training or {}
    if not training.get("holdout"):
        raise ValueError("expected weights whose training kept faces out (--holdout), got weights that name none")
    if training.get("faces_sha256") != faces_sha256(images):
        raise ValueError("expected the very images that the weights were trained on, in the same order, got others")
    seen, kept_out = split_holdout(images, int(training["holdout"]), int(training["seed"]))
    return RealFaces(kept_out, seen, np.concatenate([seen, seen[:, :, ::-1]]))


def evaluate(
    generators: Mapping[str, FaceGenerator],
    faces: RealFaces,
    *,
    count: int = 2_000,
    runs: int = 3,
    on_progress: Callable[[int], None] = lambda done: None,
) -> dict[str, dict[str, Any]]:
    """Measure sets of weights on the same real faces.

    Args:
        generators: by name.
        faces: see :func:`choose_faces`.
        count: faces to generate a run; fewer if the floor has fewer, see :func:`compared`.
        runs: how many; run ``i`` takes the seeds from ``i * count``.
        on_progress: called after each run, and after the floor, with the number of measurements so far.

    Returns:
        For each name, and for ``real faces`` (the floor, one run): ``metrics`` (means over the runs), ``spread``
        (standard deviations over the runs, n - 1 in the denominator; empty for one run) and, if the training faces are
        known, ``memorisation``.

    Raises:
        ValueError: there are too few faces to measure anything.
    """
    if min(len(faces.real), len(faces.others)) < _FEWEST:
        raise ValueError(
            f"expected at least {_FEWEST} real faces to measure against and {_FEWEST} for the floor, "
            f"got {len(faces.real)} and {len(faces.others)}"
        )
    count = compared(faces, count)
    results: dict[str, dict[str, Any]] = {}
    done = 0
    for name, generator in generators.items():
        figures, copied = [], []
        for run in range(runs):
            fake = generator(latents_of_seeds(range(run * count, (run + 1) * count)))
            figures.append(evaluate_faces(faces.real, fake, seed=run))
            if faces.training is not None:
                copied.append(memorisation(faces.training, fake, faces.real)._asdict())
            done += 1
            on_progress(done)
        spread = _over_runs(partial(np.std, ddof=1), figures) if runs > 1 else {}
        results[name] = {"metrics": _over_runs(np.mean, figures), "spread": spread}
        if copied:
            results[name]["memorisation"] = _over_runs(np.mean, copied)
    floor = evaluate_faces(faces.real, faces.others[:count], seed=0)
    results["real faces"] = {"metrics": floor, "spread": {}}
    on_progress(done + 1)
    return results


def compared(faces: RealFaces, count: int) -> int:
    """Return how many faces are compared with the real ones: at most the floor's, as figures depend on the count."""
    return min(count, len(faces.others))


def _over_runs(summary: Callable[[list[float]], Any], figures: list[dict[str, Any]]) -> Figures:
    """Summarise the runs' figures; those that could not be measured, or are infinite, are left out."""
    names = [name for name, value in figures[0].items() if value is not None]
    summaries = {name: float(summary([run[name] for run in figures])) for name in names}
    return {name: value for name, value in summaries.items() if np.isfinite(value)}


def report(
    generator: FaceGenerator,
    faces: RealFaces,
    own: Mapping[str, Any],
    results: Mapping[str, Any],
    count: int,
    runs: int,
) -> dict[str, Any]:
    """Return the content of ``quality.json``: one generator's figures, the floor, and how they were measured."""
    return {
        "generator_sha256": generator.sha256,
        **own,
        "floor": results["real faces"]["metrics"],
        "real_faces": len(faces.real),
        "real_faces_sha256": hashlib.sha256(faces.real.tobytes()).hexdigest(),
        "generated_faces": compared(faces, count),
        "runs": runs,
    }
