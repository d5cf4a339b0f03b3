"""Steps from the pictures of a request to its answer."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, TypeVar

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse

from recog.serving.body import Memory, Sent, Share, receive_pictures
from recog.serving.decoders import Decoders, Options
from recog.serving.limits import Limits
from recog.serving.metrics import Metrics
from recog.serving.refusals import LateError, RefusedError

T = TypeVar("T")

HELD = 1 << 30
"""Maximum number of bytes of bodies and decoded pictures that all requests hold together."""


class Failed(NamedTuple):
    """A picture that cannot be read."""

    error: str
    status: int
    """Status of a request with this picture alone."""


class Answering:
    """Answers requests from their pictures, within limits of memory and time.

    Args:
      limits: limits of requests.
      metrics: counts pictures.
    """

    def __init__(self, limits: Limits, metrics: Metrics):
        self._limits, self._metrics = limits, metrics
        self._pool = ThreadPoolExecutor(os.cpu_count(), "decoding")
        self._builder = ThreadPoolExecutor(1, "decoders")
        self.memory = Memory(HELD)

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown()
        self._builder.shutdown()

    async def respond(
        self,
        request: Request,
        model: str,
        answer: Callable[[Share, Sequence[Sent]], Awaitable[Sequence[dict[str, Any] | Failed]]],
    ) -> JSONResponse:
        """Response with an entry for each picture of a request.

        Args:
          request: request with pictures.
          model: name of the model.
          answer: returns an entry for each picture.

        Raises:
          RefusedError: the request, or its only picture, is refused.
        """
        with self.memory.share() as share:
            sent = await receive_pictures(request, self._limits, share)
            entries = await self.in_time(answer(share, sent))
        failed = [entry for entry in entries if isinstance(entry, Failed)]
        for entry in failed:
            self._metrics.errors.labels(entry.status).inc()
        self._metrics.pictures.labels(model).inc(len(sent) - len(failed))
        request.state.facts = {"model": model, "pictures": len(sent), "failed": len(failed) or None}
        if failed and len(sent) == 1:
            refused = RefusedError(failed[0].error)
            refused.status = failed[0].status
            raise refused
        return JSONResponse({"model": model, "results": list(map(_entry, sent, entries))})

    async def in_time(self, answer: Awaitable[T]) -> T:
        """Awaits an answer; raises `LateError` if that takes too long."""
        try:
            async with asyncio.timeout(self._limits.answer_seconds):
                return await answer
        except TimeoutError:
            raise LateError(f"no answer within {self._limits.answer_seconds:g} s: try again, or send less") from None

    async def run(self, function: Callable[..., T], *arguments: Any) -> T:
        """Result of a function that takes time, in another thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, function, *arguments)

    async def build(self, decoders: Decoders, options: Options) -> None:
        """Builds the decoder that a request asks for, in a thread of its own: a pattern may take seconds.

        Raises:
          BadOptionError: see `Decoders.decoded_by`.
        """
        if options != Options():
            await asyncio.get_running_loop().run_in_executor(self._builder, decoders.decoded_by, options)

    async def decode(
        self, decode: Callable[[bytes], np.ndarray], sent: Sequence[Sent], share: Share
    ) -> list[np.ndarray | Failed]:
        """Pixels of each picture, or why it cannot be read.

        Raises:
          BusyError: there is no memory for all of them; none is being decoded any more.
        """

        async def one(content: bytes) -> np.ndarray | Failed:
            try:
                pixels = await self.run(decode, content)
            except RefusedError as refused:
                return Failed(str(refused), refused.status)
            share.take(pixels.nbytes)
            return pixels

        try:
            async with asyncio.TaskGroup() as group:  # the first failure ends the others, which would take memory
                tasks = [group.create_task(one(each.content)) for each in sent]
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        return [task.result() for task in tasks]

    async def through(
        self, submit: Callable[[list[np.ndarray]], "list[Future[T]]"], pictures: Sequence[np.ndarray | Failed]
    ) -> "list[T | Failed]":
        """Outputs of a queue for the pictures that can be read.

        Args:
          submit: queues pictures.
          pictures: pixels, or why a picture cannot be read, which is returned in its place.
        """
        futures = submit([picture for picture in pictures if not isinstance(picture, Failed)])
        found = iter(await asyncio.gather(*map(asyncio.wrap_future, futures)))
        return [picture if isinstance(picture, Failed) else next(found) for picture in pictures]


def _entry(sent: Sent, entry: dict[str, Any] | Failed) -> dict[str, Any]:
    return {"file": sent.name} | (entry._asdict() if isinstance(entry, Failed) else entry)
