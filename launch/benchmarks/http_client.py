"""HTTP/1.1 client for load and for malformed requests: asyncio streams, one connection each."""

import asyncio
from typing import NamedTuple


class Answer(NamedTuple):
    """Answer of a server."""

    status: int
    body: bytes
    closes: bool
    """Whether the server closes the connection."""


class Connection:
    """A connection that sends one request at a time.

    Args:
      host: address of the server.
      port: port of the server.
    """

    def __init__(self, host: str, port: int):
        self._host, self._port = host, port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, *parts: bytes, pause: float = 0.0) -> None:
        """Connects if needed and sends bytes, with pauses in seconds between the parts."""
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection(self._host, self._port)
        for part in parts:
            self._writer.write(part)
            await self._writer.drain()
            await asyncio.sleep(pause)

    async def receive(self) -> Answer | None:
        """The next answer; None if the server closes the connection without one."""
        assert self._reader
        try:
            head = await self._reader.readuntil(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").strip().split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await self._reader.readexactly(int(headers.get("content-length", 0)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Answer(int(first.split()[1]), body, headers.get("connection", "").lower() == "close")

    def end(self) -> None:
        """Tells the server that nothing follows."""
        assert self._writer
        self._writer.write_eof()

    def close(self) -> None:
        """Closes the connection."""
        if self._writer:
            self._writer.close()
        self._reader = self._writer = None


def post(path: str, body: bytes, *headers: str, length: int | None = None) -> bytes:
    """Bytes of a request with a body.

    Args:
      path: path with its query.
      body: content.
      headers: further lines of the head.
      length: length of the body to declare; None for the true one.
    """
    lines = [f"POST {path} HTTP/1.1", "Host: benchmark", f"Content-Length: {len(body) if length is None else length}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + body


def form(*files: tuple[str, bytes]) -> tuple[bytes, str]:
    """A form with files, and the header that describes it."""
    parts = [
        f'--limit\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        + content
        + b"\r\n"
        for name, content in files
    ]
    return b"".join(parts) + b"--limit--\r\n", "Content-Type: multipart/form-data; boundary=limit"
