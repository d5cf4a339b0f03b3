"""Errors of a server in one form: what is wrong, the status and the request's id."""

from collections.abc import Mapping

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from recog.serving.refusals import RefusedError, UnauthorizedError


def answer_errors(app: FastAPI) -> None:
    """Makes an application answer its own errors and those of its framework in the form of `error_response`."""

    @app.exception_handler(RefusedError)
    async def refuse(request: Request, refused: Exception) -> JSONResponse:
        assert isinstance(refused, RefusedError)
        return refusal_response(refused, request.state.request_id)

    @app.exception_handler(HTTPException)
    async def miss(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, HTTPException)
        message = f"{request.method} {request.url.path!r:.100}: {error.detail}; /docs lists what there is"
        return error_response(message, error.status_code, request.state.request_id, error.headers)

    @app.exception_handler(RequestValidationError)
    async def name(request: Request, error: Exception) -> JSONResponse:
        assert isinstance(error, RequestValidationError)
        wrong = [f"{each['loc'][-1]}={each['input']!r:.50}: {each['msg']}" for each in error.errors()]
        return error_response("; ".join(wrong), 422, request.state.request_id)


def refusal_response(refused: RefusedError, request_id: str) -> JSONResponse:
    """Answer of a request that is refused."""
    headers = {"Retry-After": str(refused.retry_after)} if refused.retry_after else {}
    if refused.status == UnauthorizedError.status:
        headers["WWW-Authenticate"] = "Bearer"
    return error_response(str(refused), refused.status, request_id, headers)


def error_response(
    message: str, status: int, request_id: str, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    """Answer that says what is wrong."""
    content = {"error": message, "status": status, "request_id": request_id}
    return JSONResponse(content, status, headers)
