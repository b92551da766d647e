"""Views: what a snapshot carries besides points and scores, where a job asks for it."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

ViewName = Literal["manifold", "gradient"]


def _each_once(views: tuple[ViewName, ...]) -> tuple[ViewName, ...]:
    return tuple(name for name in get_args(ViewName) if name in views)


Views = Annotated[
    tuple[ViewName, ...],
    AfterValidator(_each_once),
    Field(
        examples=[["manifold", "gradient"]],
        description="What each snapshot carries besides points and scores. `manifold`: the generator's image of a grid "
        "of latent vectors. `gradient`: where the generator's loss pulls the first 100 generated points.",
    ),
]
