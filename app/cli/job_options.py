"""The settings of a job as options, and what becomes of them in a request."""

import json
from typing import Annotated, Any

import typer

Json = dict[str, Any]


def _widths(text: str) -> list[int]:
    try:
        return [int(part) for part in text.strip("[]() ").split(",")]
    except ValueError:
        raise typer.BadParameter(
            f"expected whole numbers with commas between, such as 2,10,10,5, got {text!r}"
        ) from None


def _object(text: str) -> Json:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise typer.BadParameter(f'expected a JSON object such as {{"series": 3}}, got {text!r}')
    return value


Widths = Annotated[
    Any,
    typer.Option(
        metavar="WIDTHS", parser=_widths, help="Widths of the generator from latent to example, such as 2,10,10,5."
    ),
]
LatentType = Annotated[str | None, typer.Option(help="normal, uniform or spheric. Default: normal.")]
Epochs = Annotated[int | None, typer.Option(help="Epochs in all; with fork, those before it included.")]
StepsPerEpoch = Annotated[int | None, typer.Option(help="Training steps of an epoch.")]
BatchSize = Annotated[int | None, typer.Option(help="Real examples a step sees.")]
DiscIter = Annotated[int | None, typer.Option(help="Updates of the discriminator to each of the generator.")]
LearningRate = Annotated[float | None, typer.Option(help="Of both Adam optimizers.")]
LambdaGp = Annotated[float | None, typer.Option(help="wgan_gp: weight of the gradient penalty.")]
Clip = Annotated[float | None, typer.Option(help="wgan_clip: weights stay in ±clip.")]
FinalRate = Annotated[
    float | None,
    typer.Option(help="Share of the learning rate to which it falls along a cosine. Default: 1."),
]
Beta1 = Annotated[
    float | None, typer.Option("--beta-1", help="Of both Adam optimizers. Default: the exercise's for the GAN.")
]
Beta2 = Annotated[float | None, typer.Option("--beta-2", help="Likewise.")]
Ema = Annotated[
    float | None, typer.Option(help="Momentum of a moving average of the generator's weights. Default: no average.")
]
CriticActivation = Annotated[str | None, typer.Option(help="Of the discriminator's output: tanh (default) or linear.")]
GeneratorGain = Annotated[
    float | None, typer.Option(help="Factor for the initial weights of the generator's first layer. Default: 1.")
]
CriticGain = Annotated[float | None, typer.Option(help="The same for the discriminator.")]
Views = Annotated[
    Any,
    typer.Option(
        metavar="NAMES",
        parser=lambda text: [name.strip() for name in text.split(",") if name.strip()],
        help="What snapshots carry besides points and scores: manifold, gradient or both, with a comma between.",
    ),
]
Seed = Annotated[int | None, typer.Option(help="The same seed and settings give the same weights.")]
Name = Annotated[str | None, typer.Option(help="Name of the job.")]
Owner = Annotated[str | None, typer.Option(help="Whose job it is: owners take turns in the queue.")]
Metadata = Annotated[Any, typer.Option(metavar="JSON", parser=_object, help="An object that is kept with the job.")]


def given(context: typer.Context, *others: str) -> Json:
    """Return the options that were given, by the names of the API, without ``others``."""
    return {name: value for name, value in context.params.items() if value is not None and name not in others}
