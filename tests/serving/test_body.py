"""Bodies are received within limits of size, memory and time."""

import asyncio

import pytest
from starlette.requests import Request

from recog.serving.body import Memory, receive_body
from recog.serving.limits import Limits
from recog.serving.refusals import BusyError, RefusedError, SlowUploadError, TooLargeError


def receive(chunks: list[bytes], ending: str = "complete", limits: Limits = Limits(), memory: int = 1000) -> bytes:  # noqa: B008
    """The body of a request that arrives in chunks, and then is complete, stalls or is given up."""
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ending == "complete":
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    if ending == "given up":
        messages.append({"type": "http.disconnect"})
    waiting = iter(messages)

    async def next_message():
        message = next(waiting, None)
        if message is None:
            await asyncio.Event().wait()
        return message

    scope = {"type": "http", "method": "POST", "path": "/", "headers": []}
    held = Memory(memory)
    with held.share() as share:
        try:
            return asyncio.run(receive_body(Request(scope, next_message), limits, share))  # pyright: ignore[reportArgumentType]
        finally:
            assert held.held <= memory


def test_chunks_are_joined():
    assert receive([b"ab", b"", b"c"]) == b"abc"
    assert receive([]) == b""


def test_a_body_that_stalls_is_slow():
    with pytest.raises(SlowUploadError, match=r"0\.05 s"):
        receive([b"ab"], "stalls", Limits(upload_seconds=0.05))


def test_a_body_that_is_given_up_is_refused():
    with pytest.raises(RefusedError, match="complete"):
        receive([b"ab"], "given up")


@pytest.mark.parametrize("ending", ["complete", "given up", "stalls"])
def test_a_body_that_is_too_large_is_refused_however_it_ends(ending):
    with pytest.raises(TooLargeError, match="10 bytes"):
        receive([b"12345"] * 3, ending, Limits(body=10, upload_seconds=0.05))


def test_bodies_share_the_memory():
    with pytest.raises(BusyError, match="memory"):
        receive([b"12345"] * 3, memory=10)
    memory = Memory(10)
    with memory.share() as one, memory.share() as other:
        one.take(6)
        with pytest.raises(BusyError):
            other.take(5)
        other.take(4)
    assert memory.held == 0
