"""Passage of every request: its id, the token, the state of the server, the log and the metrics."""

import hmac
import re
import time
import traceback
import uuid
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recog.serving.errors import error_response, refusal_response
from recog.serving.lifecycle import DRAINING, Lifecycle
from recog.serving.log import log
from recog.serving.metrics import Metrics
from recog.serving.refusals import RefusedError, UnauthorizedError

_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_OPEN = ("/v2/health/", "/docs", "/static-offline-docs/", "/openapi.json")
"""Beginnings of paths that need no token, beside the page."""
_READS = ("/v1/read", "/v1/plates", "/infer")
"""Ends of paths that are answered by models."""


class Gate:
    """ASGI application around another one.

    Args:
      app: answers requests.
      lifecycle: decides whether requests that models answer are taken.
      metrics: counts requests.
      token: secret that requests must send (``Authorization: Bearer ...``); empty for none.
    """

    def __init__(self, app: ASGIApp, lifecycle: Lifecycle, metrics: Metrics, token: str = ""):
        self._app, self._lifecycle, self._metrics = app, lifecycle, metrics
        self._token = token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request, or refuses it."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers, started, status = Headers(scope=scope), time.perf_counter(), 0
        given = headers.get("x-request-id", "")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                added = MutableHeaders(scope=message)
                added["X-Request-ID"] = request_id
                if self._lifecycle.state == DRAINING:
                    added["Connection"] = "close"
            await send(message)

        error = None
        try:
            await self._pass(scope, headers, receive, send_and_note)
        except Exception as raised:
            error = "".join(traceback.format_exception(raised)).strip()
            if not status:
                message = "an error of the server, which is in its log under this request's id"
                await error_response(message, 500, request_id)(scope, receive, send_and_note)
        finally:
            self._note(scope, request_id, status, time.perf_counter() - started, error)

    async def _pass(self, scope: Scope, headers: Headers, receive: Receive, send: Send) -> None:
        reads = scope["path"].endswith(_READS)
        try:
            self._check_token(scope["path"], headers)
            if reads:
                self._lifecycle.enter()
        except RefusedError as refused:
            response = refusal_response(refused, scope["state"]["request_id"])
            return await response(scope, receive, send)
        try:
            await self._app(scope, receive, send)
        finally:
            if reads:
                self._lifecycle.leave()

    def _check_token(self, path: str, headers: Headers) -> None:
        if not self._token or path == "/" or path.startswith(_OPEN):
            return
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(token.strip().encode("latin-1"), self._token):
            raise UnauthorizedError("this server needs its token: send the header Authorization: Bearer TOKEN")

    def _note(self, scope: Scope, request_id: str, status: int, seconds: float, error: str | None) -> None:
        asked = scope["path"] if scope["path"] in _READS else "other"
        path = getattr(scope.get("route"), "path", asked)
        status = status or 499  # the client went away
        self._metrics.requests.labels(path, status).inc()
        self._metrics.seconds.labels(path).observe(seconds)
        facts: dict[str, Any] = scope["state"].get("facts", {})
        client = scope["client"][0] if scope.get("client") else None
        log(
            "request",
            request_id=request_id,
            client=client,
            method=scope["method"],
            path=scope["path"],
            status=status,
            seconds=round(seconds, 4),
            **facts,
            error=error,
        )
