"""What a snapshot carries: some coordinates of its points and, where a job asks for them, views."""

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, Field

#: Points in a snapshot.
SHOWN_POINTS = 400
#: Scores per axis of the plane.
GRID = 40
#: Coordinates in a snapshot; the exercise plots five.
SHOWN_DIMENSIONS = 5

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
