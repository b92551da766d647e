"""The body of ``POST /session``."""

from pydantic import BaseModel, ConfigDict, Field


class SessionRequest(BaseModel):
    """A key."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    key: str = Field(
        min_length=1,
        max_length=300,
        pattern="^[!-~]+$",
        examples=["nobody_tIKzuo9cGGVjGT5LlFY_0Fd3nZsZbkMdWTeXzz5NZwQ"],
        description="As `nobody keys add` printed it.",
    )
