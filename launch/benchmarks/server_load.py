"""Load on a server: clients that ask again as soon as they are answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from launch.benchmarks.http_client import Connection


class Load(NamedTuple):
    """Answers that clients got."""

    seconds: float
    statuses: dict[int, int]
    """Number of answers by status."""
    lost: int
    """Requests whose connection was closed before an answer."""
    latencies: list[float]
    """Seconds of each answer."""

    def percentile(self, share: float) -> float:
        """Latency in milliseconds that this share of the answers, in percent, did not exceed."""
        return 1000 * float(np.percentile(self.latencies, share)) if self.latencies else float("nan")


async def put_load(
    host: str,
    port: int,
    requests: Sequence[bytes],
    clients: int,
    seconds: float,
    midway: Callable[[], None] | None = None,
) -> Load:
    """Runs clients.

    Args:
      host: address of the server.
      port: its port.
      requests: requests, which are sent in turn.
      clients: number of clients; each keeps its connection.
      seconds: time after which no new request is sent.
      midway: called at half of the time, such as to end the server; then clients end once they are refused.
    """
    statuses, latencies, lost = Counter[int](), list[float](), 0
    started = time.perf_counter()

    async def client(number: int) -> None:
        nonlocal lost
        connection, turn = Connection(host, port), number
        while time.perf_counter() - started < seconds:
            sent = time.perf_counter()
            try:
                await connection.send(requests[turn % len(requests)])
            except ConnectionRefusedError:
                return
            answer = await connection.receive()
            if answer is None:
                lost += 1
                return
            statuses[answer.status] += 1
            latencies.append(time.perf_counter() - sent)
            turn += clients
            if answer.closes:
                connection.close()
            if answer.status != 200 and midway:
                break
        connection.close()

    async def call_midway() -> None:
        await asyncio.sleep(seconds / 2)
        if midway:
            midway()

    await asyncio.gather(call_midway(), *(client(number) for number in range(clients)))
    return Load(time.perf_counter() - started, dict(statuses), lost, latencies)
