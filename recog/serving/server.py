"""Process of a server: start, warm-up, and an end that loses no request it has taken."""

import asyncio
import errno
import os
import signal
import socket
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from recog.serving.app import make_app
from recog.serving.lifecycle import DRAINING, STARTING, Lifecycle
from recog.serving.limits import Limits
from recog.serving.log import log
from recog.serving.metrics import Metrics
from recog.serving.models import Models

GRACE = 1.0
"""Seconds for which a server that is about to end still answers (503), so that clients go elsewhere."""


class _Protocol(HttpToolsProtocol):
    """A connection, which is closed if the head of a request does not arrive in time, or does not end."""

    head_seconds = 10.0
    """Maximum seconds within which the head of a request must arrive; `serve` takes fewer if a whole request has
    fewer."""
    head_size = 64 * 1024
    """Number of bytes after which a head that has not ended is too large."""
    _head_timer: asyncio.TimerHandle | None = None
    _head_received = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        cycle = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._stop()
            return
        if self._head_timer is None:
            self._await_head()
        self._head_received += len(data)
        if self._head_received > self.head_size:
            self._close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        self._head_received = 0
        self._head_timer = self.loop.call_later(self.head_seconds, self._close)

    def _stop(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _close(self) -> None:
        self._head_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.close()


class _Server(uvicorn.Server):
    """A server that answers what it has taken before it ends.

    Args:
      config: settings.
      lifecycle: its state.
      greeting: text to write to stderr once it listens.
    """

    def __init__(self, config: uvicorn.Config, lifecycle: Lifecycle, greeting: str):
        super().__init__(config)
        self._lifecycle, self._greeting = lifecycle, greeting
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, sockets: Any = None) -> None:
        """Serves until a signal ends it."""
        self._loop = asyncio.get_running_loop()
        await super().serve(sockets)

    async def startup(self, sockets: Any = None) -> None:
        """Listens."""
        await super().startup(sockets)
        sys.stderr.write(self._greeting)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drains the server at the first signal, ends it at once at SIGINT after that."""
        if sig == signal.SIGINT and self._draining():
            self.should_exit = self.force_exit = True
        elif not self._draining():
            self._lifecycle.drain()
            assert self._loop
            self._loop.call_soon_threadsafe(lambda: asyncio.ensure_future(self._drain()))

    def _draining(self) -> bool:
        return self._lifecycle.state == DRAINING

    async def _drain(self) -> None:
        log("draining", requests=self._lifecycle.in_flight)
        await asyncio.sleep(GRACE)
        while self._lifecycle.in_flight:
            await asyncio.sleep(0.05)
        self.should_exit = True


def serve(
    models: Models,
    limits: Limits,
    metrics: Metrics,
    *,
    host: str,
    port: int,
    token: str = "",
    widths: Sequence[int] | None = None,
) -> None:
    """Serves models until SIGTERM or SIGINT.

    Args:
      models: the models.
      limits: limits of requests.
      metrics: metrics, also those of the models.
      host: address to listen at.
      port: port; 0 for a free one.
      token: secret that requests must send; empty for none.
      widths: widths in pixels of the pictures to expect; None for all usual ones.

    Raises:
      OSError: the address or the port cannot be used.
      Exception: the models cannot be prepared.
    """

    class Protocol(_Protocol):
        head_seconds = min(_Protocol.head_seconds, limits.upload_seconds)

    lifecycle = Lifecycle(limits.requests)
    config = uvicorn.Config(
        make_app(models, limits, metrics, lifecycle, token),
        host,
        port,
        http=Protocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=round(limits.answer_seconds + limits.upload_seconds),
    )
    listening = _listen(host, port)
    url = _url(host, listening.getsockname()[1])
    server = _Server(config, lifecycle, _greeting(url, models, token))

    failures: list[Exception] = []

    def warm_up() -> None:
        try:
            models.warm_up(widths, lambda: lifecycle.state == STARTING)
        except Exception as error:
            failures.append(error)
            server.should_exit = True
            return
        if lifecycle.ready():
            log("ready", url=url)

    warming = threading.Thread(target=warm_up)
    warming.start()
    server.run(sockets=[listening])
    lifecycle.drain()
    warming.join()  # a process must not end while it compiles
    if failures:
        raise failures[0]


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        mend = (
            "choose another --port" if error.errno == errno.EADDRINUSE else "choose --host and --port of this machine"
        )
        reason = error.strerror if isinstance(error, socket.gaierror) else os.strerror(error.errno or 0)
        raise OSError(f"cannot listen at {_url(host, port)} ({reason}): {mend}") from error


def _url(host: str, port: int) -> str:
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    return f"http://{shown}:{port}"


def _greeting(url: str, models: Models, token: str) -> str:
    names = [*models.readers, *(["plates of photographs"] if models.plates else [])]
    path = "/v1/read" if models.readers else "/v1/plates"
    secret = ' -H "Authorization: Bearer $RECOG_TOKEN"' if token else ""
    return f"{url} serves {', '.join(names)} once it is ready; try: curl -F files=@PICTURE.jpg{secret} {url}{path}\n"
