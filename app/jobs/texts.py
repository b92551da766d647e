"""Texts of the clients that are kept with a job: only what every database can store."""

import json
from typing import Annotated, Any

from pydantic import AfterValidator, Field, JsonValue

MAX_METADATA = 16_384


def _small_and_plain(metadata: dict[str, Any]) -> dict[str, Any]:
    try:
        text = json.dumps(metadata, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("expected JSON without NaN and infinities") from None
    if len(text) > MAX_METADATA:
        raise ValueError(f"expected at most {MAX_METADATA:,} characters of JSON, got {len(text):,}")
    _plain(text.replace("\\u0000", "\0"))
    return metadata


def _plain(text: str) -> str:
    if "\0" in text:
        raise ValueError("expected text without NUL characters")
    text.encode()  # a lone surrogate is a ValueError
    return text


Metadata = Annotated[dict[str, JsonValue], AfterValidator(_small_and_plain)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_plain)]
Owner = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_plain)]
