"""The commands that measure networks: ``nobody evaluate`` and ``nobody toys``."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast, get_args

import typer
from pydantic_core import to_json
from rich.table import Column, Table
from rich.text import Text

from app import ROOT
from app.cli import consoles
from app.cli.terminal import Show, in_existing_folder, load_faces, progress_bar
from models.catalogue import CLASS_NAMES
from models.presets import PRESETS, PresetName

# The modules that load TensorFlow are imported by the commands that need them: --help answers at once.


def evaluate(
    images: Annotated[Path, typer.Option(help="Real faces: a .npy of (count, 16, 16) uint8, or a folder of pictures.")],
    weights: Annotated[Path, typer.Option(help="Weights to measure: a file, or its folder.")] = ROOT / "weights",
    against: Annotated[Path | None, typer.Option(help="Other weights to measure beside them.")] = None,
    floor: Annotated[
        Path | None,
        typer.Option(help="Other real faces, measured for comparison, in random order; without, half of the images."),
    ] = None,
    development: Annotated[
        bool, typer.Option(help="The images are those trained on: take only the ones kept out of training.")
    ] = False,
    count: Annotated[
        int, typer.Option(min=100, help="Faces to generate a run, at most as many as the floor has.")
    ] = 2_000,
    runs: Annotated[int, typer.Option(min=1, help="Runs, each with new faces; their spread is shown.")] = 3,
    strict: Annotated[bool, typer.Option("--strict", help="End at the first picture that cannot be read.")] = False,
    json_file: Annotated[
        Path | None,
        typer.Option(
            "--json",
            dir_okay=False,
            callback=in_existing_folder,
            help="Write the figures here; /info quotes WEIGHTS/quality.json.",
        ),
    ] = None,
) -> None:
    """Measure weights against real faces that they were not trained on.

    Shows the Fréchet distance, sliced Wasserstein distance, KID, precision, recall, density, coverage and the accuracy
    of a classifier that tells real from generated, beside the same figures of real faces against real faces.
    """
    import app.quiet_tensorflow  # noqa: F401 (first)
    from app.cli import evaluation
    from app.faces.generator import FaceGenerator

    console = consoles.console(stderr=True)
    try:
        generators = {str(folder): FaceGenerator(folder) for folder in (weights, against) if folder is not None}
        faces = evaluation.choose_faces(
            load_faces(console, images, strict),
            trained=generators[str(weights)] if development else None,
            floor=None if floor is None else load_faces(console, floor, strict),
        )
        compared = f"{evaluation.compared(faces, count):,}"
        console.print(
            f"{len(faces.real):,} real faces, against {compared} generated ones a run and {compared} other real ones",
            highlight=False,
        )
        with progress_bar(console, runs * len(generators) + 1, "measuring") as show:
            results = evaluation.evaluate(
                generators, faces, count=count, runs=runs, on_progress=lambda done: show(done, "measuring")
            )
    except (ValueError, OSError) as error:
        consoles.fail(error)
    consoles.results().print(_figures_table(results))
    if json_file is not None:
        report = evaluation.report(generators[str(weights)], faces, results[str(weights)], results, count, runs)
        json_file.write_text(json.dumps(report, indent=2) + "\n")


def toys(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PRESET",
            help=f"{', '.join(get_args(PresetName))}; all of them by default.",
        ),
    ] = None,
    gans: Annotated[
        str, typer.Option(help="Which of WGAN_GP, Simple_GAN and WGAN_clip, with commas between.")
    ] = "WGAN_GP",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each, with the seeds 0, 1, …")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON with each seed's figures, for scripts.")] = False,
) -> None:
    """Train the toy presets and measure what they learnt: modes, high quality, reverse KL, distances.

    Shows the mean over the seeds.
    """
    import app.quiet_tensorflow  # noqa: F401 (first)
    from models.toys.report import evaluate_preset

    console = consoles.console(stderr=True)
    try:
        chosen = {name: PRESETS[cast(PresetName, name)] for name in names or PRESETS}
        runs = [(name, preset.with_gan(gan.strip())) for name, preset in chosen.items() for gan in gans.split(",")]
    except KeyError as error:
        consoles.fail(f"unknown preset: expected some of {', '.join(PRESETS)}, got {error}")
    except ValueError as error:
        consoles.fail(error)
    found: list[dict[str, Any]] = []
    try:
        with progress_bar(console, sum(preset.total_steps for _, preset in runs) * seeds, "training") as show:
            before = 0
            for name, preset in runs:
                on_progress = partial(
                    _show_seed, show, f"{name} {CLASS_NAMES[preset.model]}", before, preset.total_steps
                )
                rows = evaluate_preset(preset, range(seeds), on_progress)
                found.append({"preset": name, "gan": CLASS_NAMES[preset.model], "means": _means(rows), "runs": rows})
                before += seeds * preset.total_steps
    except ArithmeticError as error:
        consoles.fail(error)
    if as_json:
        typer.echo(to_json(found, indent=2, inf_nan_mode="null"))  # JSON has no infinity
        return
    table = Table("preset", "GAN", "figures (means)")
    for one in found:
        table.add_row(one["preset"], one["gan"], ", ".join(f"{key} {value:.4g}" for key, value in one["means"].items()))
    consoles.results().print(table)


def _show_seed(show: Show, label: str, before: int, steps: int, seed: int, progress: Any) -> None:
    show(before + seed * steps + progress.step, label)


def _means(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {key: sum(row[key] for row in rows) / len(rows) for key in rows[0] if key != "seed"}


def _figures_table(results: Mapping[str, Any]) -> Table:
    table = Table("", *(Column(Text(name), overflow="fold") for name in results))
    for part in ("metrics", "memorisation"):
        for name in next(iter(results.values())).get(part, {}):
            cells = []
            for figures in results.values():
                value, spread = figures.get(part, {}).get(name), figures["spread"].get(name, 0.0)
                cells.append("" if value is None else f"{value:.4f}" + (f" ± {spread:.4f}" if spread else ""))
            table.add_row(name, *cells)
    return table
