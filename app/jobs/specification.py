"""What a job trains: the bodies of requests, and the complete specification that is stored."""

from dataclasses import fields
from typing import Annotated, Any, Self, cast, get_args

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    FailFast,
    Field,
    ModelWrapValidatorHandler,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticKnownError

from app.jobs.scaling import ColumnTransform
from app.jobs.snapshot_views import Views
from app.jobs.texts import Metadata, Name, Owner
from models.catalogue import TOY_DIMENSIONS, GanName, LatentType, ToyName
from models.presets import PRESETS, CriticActivation, PresetName, ToySettings

MAX_SEED = 2**31 - 1
#: Sums and differences of a few numbers must stay finite.
MAX_POINT = 1e300
MAX_POINTS = 100_000
#: Of rows, coordinates, batches and layers, and of steps: larger numbers than any limit may be set to.
MAX_SIZE, MAX_STEP = 2**31, 10**12


def _a_number(value: object) -> object:
    """Refuse what Pydantic would take for a whole number although it is none in JSON."""
    if isinstance(value, bool | str):
        raise PydanticKnownError("int_type")
    return value


#: Unlike a strict ``int``, 1.0 as well: JSON does not tell it from 1.
_WHOLE = BeforeValidator(_a_number)
_Large = Annotated[int, Field(ge=1, le=1_000_000), _WHOLE]
_Batch = Annotated[int, Field(ge=1, le=MAX_SIZE), _WHOLE]
_Width = Annotated[int, Field(ge=1, le=MAX_SIZE), _WHOLE]
_Updates = Annotated[int, Field(ge=1, le=100), _WHOLE]
_Seed = Annotated[int, Field(ge=0, le=MAX_SEED), _WHOLE]
_Coordinate = Annotated[float, Field(strict=True, allow_inf_nan=False, ge=-MAX_POINT, le=MAX_POINT)]
_Rate = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
_Penalty = Annotated[float, Field(strict=True, ge=0, le=1e6, allow_inf_nan=False)]
_Clip = Annotated[float, Field(strict=True, gt=0, le=1e6, allow_inf_nan=False)]
_Decay = Annotated[float, Field(strict=True, ge=0, lt=1, allow_inf_nan=False)]
_Share = Annotated[float, Field(strict=True, ge=0, le=1, allow_inf_nan=False)]
_Gain = Annotated[float, Field(strict=True, gt=0, le=1_000, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ToyData(_Strict):
    """A toy distribution by its name."""

    name: ToyName = Field(examples=["four_clouds"])
    size: Annotated[int, Field(ge=1, le=10_000_000), _WHOLE] = Field(
        1_000, description="How many real examples are drawn."
    )
    noise: float | None = Field(
        None,
        strict=True,
        ge=0,
        le=10,
        allow_inf_nan=False,
        description="Standard deviation along each axis; left out, the distribution's own.",
    )


class PointData(_Strict):
    """The caller's own examples, one row each, all of one length."""

    name: Name | None = Field(None, examples=["my drawing"], description="What you call them.")
    # Stop at the first wrong number: a list of all errors would be larger than the body.
    points: Annotated[list[Annotated[list[_Coordinate], FailFast()]], FailFast()] = Field(
        min_length=1, max_length=MAX_POINTS, description="Numbers in units of your own. More come as a file."
    )

    @model_validator(mode="after")
    def _rectangular(self) -> Self:
        lengths = [len(row) for row in self.points]
        if min(lengths) != max(lengths) or not lengths[0]:
            if not lengths[0]:
                raise ValueError("expected rows of at least one number; row 0 has none")
            odd = next(i for i, length in enumerate(lengths) if length != lengths[0])
            raise ValueError(f"expected rows of one length, got {lengths[0]} in row 0 and {lengths[odd]} in row {odd}")
        return self


class JobData(_Strict):
    """The data of another job, its own points or toy data, exactly as that job learns them."""

    job: str = Field(description="Its id.", examples=["0123456789abcdef"])


_MODELS = get_args(GanName)

#: The names of the kinds of data in the locations of pydantic's errors.
DATA_TAGS = (_TOY, _POINTS, _JOB) = ("toy data", "own points", "data of a job")


def _kind_of_data(value: object) -> str:
    def has(name: str) -> bool:
        return (value.get(name) if isinstance(value, dict) else getattr(value, name, None)) is not None

    return _POINTS if has("points") else _JOB if has("job") else _TOY


class StoredData(_Strict):
    """Examples that were stored with the job: its own points or an uploaded file. Not for requests."""

    name: str | None = Field(None, description="What the caller calls them: the name of the file, without its ending.")
    rows: int
    dimensions: int
    titles: tuple[str, ...] | None = Field(None, description="Of the columns, where the file has them.")
    skipped: tuple[str, ...] = Field((), description="What of the file is not among the examples.")
    warnings: tuple[str, ...] = Field((), description="What may be meant otherwise than it was taken.")
    transform: ColumnTransform | None = Field(
        None,
        description="value = output · scale + offset, by column: the network learns in 0 … 1, and whatever the service "
        "shows is in your units. Null: the examples are trained on as they are.",
    )


class Training(_Strict):
    """How long and how a network pair is trained; every default is the exercise's."""

    epochs: _Large = 16
    steps_per_epoch: _Large = 100
    batch_size: _Batch = Field(200, description="Real examples a step sees; at most as many as there are.")
    disc_iter: _Updates = Field(2, description="Updates of the discriminator to each of the generator.")
    learning_rate: _Rate = Field(0.005, description="Of both Adam optimizers.")
    lambda_gp: _Penalty = Field(10, description="Only with wgan_gp: weight of the penalty.")
    clip: _Clip = Field(1, description="Only with wgan_clip: weights stay in ±clip.")
    final_rate: _Share = Field(
        1,
        description="Share of the learning rate to which it falls along half a cosine; 1 keeps it.",
    )
    beta_1: _Decay | None = Field(
        None,
        description="Of both Adam optimizers: decay of the mean gradient. Null: the exercise's, 0.3 with wgan_gp, else "
        "0.5.",
    )
    beta_2: _Decay | None = Field(None, description="Likewise: decay of the mean squared gradient.")
    ema: _Decay | None = Field(
        None,
        description="Momentum of a moving average of the generator's weights, such as 0.999. The averaged generator is "
        "shown, measured and exported then. Null: the last one.",
    )
    critic_activation: CriticActivation = Field(
        "tanh", description="Of the discriminator's output. `linear` does not bound the scores."
    )
    generator_gain: _Gain = Field(
        1,
        description="Factor for the initial weights of the generator's first layer, whose units then also bend in "
        "different places: such networks learn fine detail sooner.",
    )
    critic_gain: _Gain = Field(1, description="The same for the discriminator.")

    @property
    def total_steps(self) -> int:
        """Training steps in all."""
        return self.epochs * self.steps_per_epoch


class _Subject(_Strict):
    model: GanName
    data: Annotated[
        Annotated[ToyData, Tag(_TOY)] | Annotated[PointData, Tag(_POINTS)] | Annotated[JobData, Tag(_JOB)],
        Discriminator(_kind_of_data),
    ] = Field(ToyData(name="four_clouds"), description="What is learnt.")
    gen_shape: tuple[_Width, ...] | None = Field(
        None,
        max_length=100,
        description="Widths of the generator from latent to example; the discriminator mirrors it. "
        "Left out: the exercise's, [1,10,10,2], [2,10,10,5] or [49,98,98,49], by the dimension of the data.",
        examples=[[2, 10, 10, 5]],
    )
    latent_type: LatentType = "normal"
    seed: _Seed = Field(0, description="The same seed and settings give the same weights.")

    @field_validator("gen_shape")
    @classmethod
    def _deep_enough(cls, shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if shape is not None and len(shape) < 3:
            raise ValueError(f"expected at least three widths (latent, hidden …, example), got {list(shape)}")
        return shape


def _model_or_preset(schema: dict[str, Any]) -> None:
    schema["required"] = []
    schema["anyOf"] = [{"required": ["model"]}, {"required": ["preset"]}]
    schema["examples"] = [
        {"model": "wgan_gp", "data": {"name": "four_clouds"}, "seed": 0},
        {"preset": "ring8", "seed": 1},
    ]


class JobRequest(Training, _Subject):
    """The body of ``POST /jobs``."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        json_schema_extra=_model_or_preset,
    )

    preset: PresetName | None = Field(
        None,
        description="A training that is known to work, see `GET /presets`. It fills in whatever the body leaves out.",
    )
    normalize: bool = Field(
        True,
        strict=True,
        description="Points of your own are scaled column by column into 0 … 1, where the generator's sigmoid ends, "
        "and scaled back wherever they are shown. `false`: they are trained on as they are, and must lie in 0 … 1.",
    )
    views: Views = ()
    name: Name | None = Field(None, examples=["my first GAN"])
    owner: Owner | None = Field(
        None,
        examples=["table-3"],
        description="Whose job it is: any text of yours. Owners take turns in the queue. It protects nothing: "
        "whoever may see the job may steer it.",
    )
    metadata: Metadata = Field({}, description="Anything you want to find again with the job.")

    @model_validator(mode="wrap")
    @classmethod
    def _fill_in(cls, body: object, validate: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(body, dict) or body.get("preset") is None:
            return validate(body)
        if body["preset"] not in get_args(PresetName):
            return validate({"model": "wgan_gp"} | body)  # one complaint, about the preset
        preset = PRESETS[cast(PresetName, body["preset"])]
        model = body.get("model", preset.model)
        filled = preset.with_model(model).job() if model in _MODELS else preset.job()
        request = validate(filled | body)
        # What the preset filled in may give way to a file and its dimension.
        request.model_fields_set.difference_update({"data", "gen_shape"} - body.keys())
        return request


class ForkRequest(_Strict):
    """The body of ``POST /jobs/{id}/fork``: the checkpoint to start from and whatever should be different."""

    step: Annotated[int, Field(ge=0, le=MAX_STEP), _WHOLE] | None = Field(
        None, description="Of a kept checkpoint; left out, the newest."
    )
    epochs: _Large | None = None
    steps_per_epoch: _Large | None = None
    batch_size: _Batch | None = None
    disc_iter: _Updates | None = None
    learning_rate: _Rate | None = None
    lambda_gp: _Penalty | None = None
    clip: _Clip | None = None
    seed: _Seed | None = None
    views: Views | None = None
    name: Name | None = None
    owner: Owner | None = None
    metadata: Metadata | None = None


class StepRequest(_Strict):
    """The body of ``POST /jobs/{id}/step``."""

    steps: _Large = Field(1, description="Training steps; then the job pauses again.")
    half: bool = Field(
        False,
        strict=True,
        description="Stop between the two networks: the discriminator's updates of the next step are shown. Asked for "
        "again, the generator's follows. Together with `steps`, only 1 is possible.",
    )

    @model_validator(mode="after")
    def _one_half(self) -> Self:
        if self.half and self.steps != 1:
            raise ValueError(f"expected steps 1 or none with half, got {self.steps}")
        return self


class RenameRequest(_Strict):
    """The body of ``PATCH /jobs/{id}``."""

    name: Name | None = Field(examples=["my first GAN"], description="The new name; null takes the name away.")


#: Version of a stored :class:`Specification`. When a stored field changes its name or meaning, raise it and convert the
#: stored ones in a migration, see ``app.jobs.record.migrations``.
SPECIFICATION_VERSION = 1


class Specification(Training):
    """A complete, checked job: it is stored, and the training process gets it."""

    model: GanName
    data: ToyData | StoredData
    gen_shape: Annotated[tuple[_Width, ...], Field(min_length=3, max_length=100)]
    latent_type: LatentType
    seed: int
    preset: str | None = Field(None, description="Of the request; its settings stand here in full.")
    views: Views = ()

    @property
    def dimensions(self) -> int:
        """Coordinates of an example."""
        return self.data.dimensions if isinstance(self.data, StoredData) else TOY_DIMENSIONS[self.data.name]

    @property
    def rows(self) -> int:
        """Real examples."""
        return self.data.rows if isinstance(self.data, StoredData) else self.data.size

    @property
    def settings(self) -> ToySettings:
        """How the networks are built and trained."""
        return ToySettings(**self.model_dump(include={field.name for field in fields(ToySettings)}))
