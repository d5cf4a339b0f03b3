"""Bodies of requests: received within limits of size, memory and time, and divided into pictures."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import NamedTuple

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from recog.serving.limits import Limits
from recog.serving.refusals import BusyError, RefusedError, SlowUploadError, TooLargeError

DISCARDED_SECONDS = 5.0
"""Time for which the rest of a body that is too large is received, so that its client reads the answer."""


class Sent(NamedTuple):
    """One picture file of a request."""

    name: str | None
    """Name of the file, if the client told one."""
    content: bytes


class Memory:
    """Bytes that all requests hold together: bodies and decoded photographs.

    Args:
      room: maximum number of bytes.
    """

    def __init__(self, room: int):
        self._room = room
        self.held = 0

    def share(self) -> "Share":
        """The part of one request, which must be closed."""
        return Share(self)

    def take(self, count: int) -> None:
        """Raises `BusyError` if there is no room for so many bytes more."""
        if self.held + count > self._room:
            raise BusyError("other requests occupy the memory for pictures: try again", retry_after=1)
        self.held += count


class Share:
    """Bytes that one request holds; a context manager that releases them."""

    def __init__(self, memory: Memory):
        self._memory, self._held = memory, 0

    def take(self, count: int) -> None:
        """Holds so many bytes more; raises `BusyError` if there is no room."""
        self._memory.take(count)
        self._held += count

    def __enter__(self) -> "Share":
        return self

    def __exit__(self, *_: object) -> None:
        self._memory.held -= self._held


async def receive_body(request: Request, limits: Limits, share: Share) -> bytes:
    """The body of a request.

    Raises:
      TooLargeError: more bytes than accepted.
      SlowUploadError: it did not arrive in time.
      BusyError: there is no memory for it.
      RefusedError: the client went away.
    """
    chunks, size, stream = [], 0, request.stream()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limits.body:
        await _refuse(stream, limits)
    try:
        async with asyncio.timeout(limits.upload_seconds):
            async for chunk in stream:
                size += len(chunk)
                if size > limits.body:
                    break
                share.take(len(chunk))
                chunks.append(chunk)
    except TimeoutError:
        raise SlowUploadError(f"the body did not arrive within {limits.upload_seconds:g} s: send it faster") from None
    except ClientDisconnect:
        raise RefusedError("the connection ended before the body was complete: send it again") from None
    if size > limits.body:
        chunks.clear()
        await _refuse(stream, limits)
    return b"".join(chunks)


async def _refuse(stream: AsyncIterator[bytes], limits: Limits) -> None:
    """Receives what follows for a while without keeping it, and refuses the body."""
    left = 4 * limits.body
    try:
        async with asyncio.timeout(min(DISCARDED_SECONDS, limits.upload_seconds)):
            async for chunk in stream:
                left -= len(chunk)
                if left < 0:
                    break
    except (TimeoutError, ClientDisconnect):
        pass
    raise TooLargeError(f"the body is larger than the {limits.body:,} bytes accepted: send less at once")


async def receive_pictures(request: Request, limits: Limits, share: Share) -> list[Sent]:
    """The pictures of a request: files of a form, or the body itself.

    Raises:
      RefusedError: see `receive_body`; or the form is malformed, has no file, or too many.
    """
    body = await receive_body(request, limits, share)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        if not body:
            raise RefusedError("the body is empty: send a picture, or a form with files")
        return [Sent(None, body)]
    share.take(len(body))  # the form's copy
    return await _from_form(request, body, limits)


async def _from_form(request: Request, body: bytes, limits: Limits) -> list[Sent]:
    async def once() -> AsyncGenerator[bytes, None]:
        yield body
        yield b""

    parser = MultiPartParser(request.headers, once(), max_files=limits.files, max_part_size=limits.body)
    parser.spool_max_size = limits.body + 1  # in memory
    try:
        form = await parser.parse()
    except (MultiPartException, KeyError) as error:
        if "Too many files" in str(error):
            raise TooLargeError(f"more than the {limits.files} files accepted: send fewer at once") from error
        raise RefusedError(f"the form is malformed ({error}): send multipart/form-data with files") from error
    uploads = [value for value in form.getlist("files") if isinstance(value, UploadFile)]
    if not uploads:
        raise RefusedError("the form has no files: send each picture in a field named files, with a file name")
    sent = [Sent(upload.filename, await upload.read()) for upload in uploads]
    await form.close()
    return sent
