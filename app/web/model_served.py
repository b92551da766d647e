"""The model that answers a request."""

from typing import Annotated

from fastapi import Depends, Request

from app.faces.service import FaceService, Model


async def _model(request: Request) -> Model:
    faces: FaceService = request.app.state.faces
    return faces.model


#: FastAPI asks for it once a request, however many dependencies want it: an answer is never made of two models.
ModelServed = Annotated[Model, Depends(_model)]
