"""Measures a server of artifacts on this machine: throughput and latency under load, hostile requests, and its end.

    python -m launch.benchmarks.serve --artifact=ARTIFACT [--clients=64] [--seconds=30] [--hostile=1000]
    python -m launch.benchmarks.serve --detector=ARTIFACT --artifact=ARTIFACT ...

Prints

- the artifact's own pictures per second from files in batches of the server's size, without a server;
- the server's pictures per second, its share of the artifact's own, latencies and failures, with clients that send a
  picture at a time (``--files`` pictures) and ask again as soon as they are answered;
- answers to hostile requests by kind (`launch.benchmarks.hostile`), wrong ones, and the server's memory around them;
- answers of a server that gets SIGTERM under load, and requests it has lost.

Clients and server share the cores. The exit status is 1 if anything fails. With a detector, the load is photographs.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from absl import flags

from launch.benchmarks.hostile import BODY, UPLOAD_SECONDS, Outcome, attack
from launch.benchmarks.http_client import form, post
from launch.benchmarks.served import Served
from launch.benchmarks.server_load import Load, put_load
from launch.benchmarks.timing import machine
from launch.runs import entry
from recog.export.artifact import Artifact
from recog.serving.named import artifact_folder
from recog.serving.plate_reader import PICTURES, PlateReader

KINDS = 40
"""Number of different pictures."""


def main(argv: Sequence[str]) -> None:
    """Prints the measurements."""
    del argv
    values = flags.FLAGS
    if not values.artifact:
        raise ValueError("no reader to measure: set --artifact=ARTIFACT")
    pictures = _pictures(bool(values.detector))
    own = _own(values, pictures)
    print(f"artifact alone: {own:,.1f} pictures/s", flush=True)
    path, count = "/v1/plates" if values.detector else "/v1/read", values.files
    requests = [
        post(path, *form(*[(f"{n}.jpg", pictures[(first + n) % KINDS]) for n in range(count)]))
        for first in range(KINDS)
    ]
    failed = False
    with Served(_flags(values)) as served:
        asyncio.run(put_load(served.host, served.port, requests, values.clients, 2.0))  # the first of every kind
        load = asyncio.run(put_load(served.host, served.port, requests, values.clients, values.seconds))
        failed |= _print_load(load, count, own)
    if values.hostile:
        limits = [f"--max_body={BODY}", f"--upload_seconds={UPLOAD_SECONDS}"]
        with Served([*_flags(values), *limits]) as served:
            asyncio.run(attack(served.host, served.port, values.hostile // 5))
            before = served.mebibytes()
            outcome = asyncio.run(attack(served.host, served.port, values.hostile))
            _print_outcome(outcome, before, served.mebibytes())
            after = asyncio.run(put_load(served.host, served.port, requests, 1, 0.5))
            failed |= outcome.wrong > 0 or set(after.statuses) != {200}
    with Served(_flags(values)) as served:
        load = asyncio.run(put_load(served.host, served.port, requests, values.clients, 6.0, served.terminate))
        print(f"SIGTERM under load: answers {load.statuses}, lost {load.lost}, exit status {served.wait()}")
        failed |= load.lost > 0
    print(machine("fastapi", "uvicorn"))
    sys.exit(failed)


def _flags(values: flags.FlagValues) -> list[str]:
    """Flags of the server."""
    chosen = [f"--artifact={values.artifact}", f"--runtime={values.runtime}"]
    return [*chosen, *([f"--detector={values.detector}"] if values.detector else []), *values.serve]


def _pictures(photographs: bool) -> list[bytes]:
    """JPEG files with digits on noise: lines of text of different widths, or photographs with a sign."""
    random, found = np.random.default_rng(0), []
    for _ in range(KINDS):
        height, width = (480, 640) if photographs else (60, int(random.integers(120, 360)))
        pixels = random.integers(160, 220, (height, width, 3)).astype(np.uint8)
        text = "".join(random.choice(list("0123456789"), width // 40))
        cv2.putText(pixels, text[:8], (10, height // 2 + 14), cv2.FONT_HERSHEY_SIMPLEX, 1.3, (20, 20, 20), 3)
        found.append(cv2.imencode(".jpg", pixels)[1].tobytes())
    return found


def _own(values: flags.FlagValues, pictures: Sequence[bytes]) -> float:
    """Pictures per second that the artifacts read from files in batches, without a server."""
    artifact = Artifact.load(artifact_folder(values.artifact), values.runtime)
    with ThreadPoolExecutor() as pool:
        if values.detector:
            detector = Artifact.load(artifact_folder(values.detector), values.runtime)
            decode, read, together = _reading_plates(PlateReader(detector, artifact))
        else:
            decode, read, together = artifact.fit, artifact.read_fitted, artifact.grid.rows[-1]
        batches = [[pictures[(first + n) % KINDS] for n in range(together)] for first in range(0, KINDS, 7)]

        def run(batch: list[bytes]) -> object:
            return read(list(pool.map(decode, batch)))

        for batch in batches:
            run(batch)  # compiles
        started, count = time.perf_counter(), 0
        while time.perf_counter() - started < values.seconds / 3:
            run(batches[count % len(batches)])
            count += 1
        return count * together / (time.perf_counter() - started)


def _reading_plates(reader: PlateReader) -> tuple[Callable[[bytes], Any], Callable[[list[Any]], object], int]:
    """Functions that decode a photograph and read several, and the number that the server reads together."""
    return reader.upright, lambda pictures: reader.read_located(pictures, reader.locate(pictures)), PICTURES


def _print_load(load: Load, files: int, own: float) -> bool:
    """Prints answers under load; returns whether any failed."""
    rate = load.statuses.get(200, 0) * files / load.seconds
    wrong = sum(count for status, count in load.statuses.items() if status != 200) + load.lost
    latencies = ", ".join(f"p{share} {load.percentile(share):,.0f} ms" for share in (50, 99))
    print(f"server: {rate:,.1f} pictures/s, {rate / own:.0%} of the artifact's own; {latencies}; {wrong} failures")
    return wrong > 0


def _print_outcome(outcome: Outcome, before: float, after: float) -> None:
    for name, statuses in outcome.statuses.items():
        print(f"  {name:<28}" + ", ".join(f"{status or 'closed'}: {n}" for status, n in sorted(statuses.items())))
    print(f"hostile requests: {outcome.wrong} wrong answers; memory {before:,.0f} -> {after:,.0f} MiB")


if __name__ == "__main__":
    flags.DEFINE_string("artifact", "", "Artifact of a reader.")
    flags.DEFINE_string("detector", "", "Artifact of a detector; then photographs are read.")
    flags.DEFINE_enum("runtime", "jax", ["jax", "onnx"], "Runtime of the models.")
    flags.DEFINE_integer("clients", 64, "Number of clients.", 1)
    flags.DEFINE_float("seconds", 30.0, "Seconds of load.", 0.1)
    flags.DEFINE_integer("hostile", 1000, "Number of hostile requests; 0 leaves them out.", 0)
    flags.DEFINE_integer("files", 1, "Pictures of a request.", 1)
    flags.DEFINE_multi_string("serve", [], "A further flag of the server, such as --serve=--widths=128,256.")
    entry.run(main)
