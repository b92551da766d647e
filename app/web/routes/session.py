"""Sessions of browsers: a cookie with the key, for what cannot send a header."""

from fastapi import APIRouter, Request, Response

from app.web.dependencies import KEY_COOKIE, Owner
from app.web.errors import problem_response
from app.web.schemas.session import SessionRequest

router = APIRouter(prefix="/session", tags=["jobs"])

#: After so many seconds, the browser has to be given the key again.
_SECONDS = 30 * 86_400
#: Only calls about jobs get the cookie: pictures of faces are the same for everybody.
_PATH = "/jobs"


@router.post(
    "", status_code=204, responses=problem_response(401, "Nobody has this key."), summary="Give a key to the browser"
)
async def begin(body: SessionRequest, request: Request, response: Response, owner: Owner) -> None:
    """Set a cookie with the key, by which the pages, pictures and event streams of this browser show the key's jobs.

    Programs send the header `Authorization: Bearer KEY` instead.
    """
    await owner(body.key)
    secure = request.url.scheme == "https"
    response.set_cookie(KEY_COOKIE, body.key, _SECONDS, path=_PATH, secure=secure, httponly=True, samesite="strict")


@router.delete("", status_code=204, summary="Take the key away from the browser")
async def end(request: Request, response: Response) -> None:
    """Delete the cookie. The key stays valid."""
    secure = request.url.scheme == "https"
    response.delete_cookie(KEY_COOKIE, path=_PATH, secure=secure, httponly=True, samesite="strict")
