"""Hostile requests, each with the answers that are right."""

import asyncio
import struct
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import cv2
import numpy as np

from launch.benchmarks.http_client import Connection, form, post

TOGETHER = 32
"""Number of hostile clients at the same time."""
BODY, UPLOAD_SECONDS = 1_000_000, 3
"""Limits of the server that is tried: bytes of a body, seconds of an upload."""
CLOSED = 0
"""Stands for the status of a connection that is closed without an answer."""


class Attack(NamedTuple):
    """A kind of request."""

    name: str
    right: tuple[int, ...]
    """Statuses that are right."""
    send: Callable[[Connection], Awaitable[None]]
    ends: bool = False
    """Whether the client ends its side of the connection after sending."""


class Outcome(NamedTuple):
    """Answers to many requests."""

    statuses: dict[str, dict[int, int]]
    """Number of answers by kind of request and status."""
    wrong: int
    """Number of answers that are not right."""


def _simple(name: str, right: int | tuple[int, ...], request: bytes, ends: bool = False) -> Attack:
    return Attack(name, right if isinstance(right, tuple) else (right,), lambda c: c.send(request), ends)


def _png(height: int, width: int) -> bytes:
    """A black PNG file that is small whatever its size; of huge ones only the first rows are there."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes((width + 1) * min(height, 1000)), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def attacks(path: str = "/v1/read") -> list[Attack]:
    """All kinds of hostile requests."""
    noise = np.random.default_rng(0).integers(0, 256, (60, 200, 3)).astype(np.uint8)
    png, jpeg = (cv2.imencode(suffix, noise)[1].tobytes() for suffix in (".png", ".jpg"))
    large = bytes(BODY + 200_000)
    chunk = b"10000\r\n" + bytes(0x10000) + b"\r\n"
    start = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    tiff = struct.pack("<2sHIHHHIIHHIII", b"II", 42, 8, 2, 256, 4, 1, 60000, 257, 4, 1, 60000, 0)
    bombs = {
        "PNG": _png(60000, 60000),
        "GIF": b"GIF89a" + struct.pack("<HH", 65535, 65535) + bytes(20),
        "BMP": b"BM" + bytes(12) + struct.pack("<Iii", 40, 60000, -60000) + bytes(40),
        "WebP": b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\0\xff\xff\0",
        "TIFF": tiff,
        "PNM": b"P6 60000 60000 255\n",
    }
    wrong = {"text": b"hello", "PDF": b"%PDF-1.7\n", "ZIP": b"PK\3\4", "SVG": b"<svg xmlns='x'/>", "zeros": bytes(99)}
    head, slow = post(path, b"", length=5000), [b"x"] * 20
    return [
        _simple("oversize", 413, post(path, large)),
        _simple("oversize in chunks", 413, start + chunk * 17 + b"0\r\n\r\n"),
        _simple("oversize, declared alone", (413, CLOSED), post(path, b"", length=10**12), ends=True),
        _simple("truncated PNG", 415, post(path, png[: len(png) // 2])),
        _simple("truncated JPEG", 415, post(path, jpeg[:300])),
        _simple("one byte", 415, post(path, b"\x89")),
        *(_simple(f"bomb, {name}", 413, post(path, content)) for name, content in bombs.items()),
        _simple("black PNG of a megapixel", 200, post(path, _png(1000, 1000))),
        *(_simple(f"not a picture, {name}", 415, post(path, content)) for name, content in wrong.items()),
        _simple("empty", 400, post(path, b"")),
        _simple("bad option", 400, post(f"{path}?model=nobody", png)),
        _simple("malformed form", 400, post(path, b"--limit\r\n\r\n", "Content-Type: multipart/form-data")),
        _simple("unfinished form", 400, post(path, form(("a.png", png))[0][:60], form()[1])),
        _simple("many files", 413, post(path, *form(*[("a.png", b"x")] * 500))),
        _simple("Content-Length too large", (400, CLOSED), post(path, png, length=len(png) + 100), ends=True),
        _simple("Content-Length too small", (400, 415), post(path, png, length=len(png) // 2)),
        _simple("Content-Length negative", 400, post(path, png, length=-1)),
        _simple("not HTTP", 400, b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03\r\n\r\n"),
        Attack("slow body", (408,), lambda c: c.send(head, *slow, pause=0.25)),
        Attack("silent body", (408,), lambda c: c.send(head)),
        Attack("slow head", (CLOSED,), lambda c: c.send(f"POST {path} HT".encode())),
    ]


async def attack(host: str, port: int, count: int) -> Outcome:
    """Sends so many hostile requests, of all kinds in turn."""
    kinds, room = attacks(), asyncio.Semaphore(TOGETHER)
    statuses: dict[str, Counter[int]] = {kind.name: Counter() for kind in kinds}

    async def one(kind: Attack) -> bool:
        async with room:
            connection = Connection(host, port)
            try:
                await kind.send(connection)
                if kind.ends:
                    connection.end()
            except ConnectionError:
                pass  # the answer may have arrived before
            answer = await asyncio.wait_for(connection.receive(), 120)
            connection.close()
            status = answer.status if answer else CLOSED
            statuses[kind.name][status] += 1
            return status in kind.right

    right = await asyncio.gather(*(one(kinds[number % len(kinds)]) for number in range(count)))
    return Outcome({name: dict(found) for name, found in statuses.items() if found}, right.count(False))
