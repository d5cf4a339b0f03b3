"""Runs of several processes: connection, agreement on settings, and common failure."""

import contextlib
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
from absl import flags
from jax.experimental import multihost_utils

flags.disclaim_key_flags()  # --help lists them as those of the command


def define_flags() -> None:
    """Defines the flags of an entry point that can be one of several processes."""
    flags.DEFINE_string("coordinator_address", None, "HOST:PORT of process 0.")
    flags.DEFINE_integer("num_processes", None, "Number of processes of this run.", lower_bound=1)
    flags.DEFINE_integer("process_id", None, "Index of this process, from 0.", lower_bound=0)
    flags.DEFINE_enum("distributed", "off", ["off", "auto"], "auto: detect these from a TPU slice, SLURM or Open MPI.")
    flags.DEFINE_integer(
        "heartbeat_timeout", 60, "Seconds without a heartbeat of a process after which all stop.", lower_bound=1
    )


def join(values: flags.FlagValues) -> None:
    """Connects to the other processes if the flags ask for several; to be called before anything else uses JAX.

    All processes except the first print nothing on standard output from then on.

    Raises:
      ValueError: flags are missing.
      ConnectionError: the other processes cannot be reached.
    """
    flagged = {
        "coordinator_address": values.coordinator_address,
        "num_processes": values.num_processes,
        "process_id": values.process_id,
    }
    given = {name: value for name, value in flagged.items() if value is not None}
    if values.distributed == "off" and not given:
        return
    if values.distributed == "off" and (missing := flagged.keys() - given.keys()):
        raise ValueError(f"one of several processes needs --{', --'.join(sorted(missing))} as well")
    timeout = values.heartbeat_timeout
    try:
        jax.distributed.initialize(**given, heartbeat_timeout_seconds=timeout, shutdown_timeout_seconds=timeout)
    except ValueError as error:
        if values.distributed == "off":
            raise
        raise ValueError(
            f"--distributed=auto finds no cluster here ({error}): "
            "name --coordinator_address, --num_processes and --process_id instead"
        ) from error
    except RuntimeError as error:
        raise ConnectionError(f"the processes do not find each other at {given}: {error}") from error
    if not first():
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open until the process ends


def first() -> bool:
    """Whether this is the first process, which writes files and prints."""
    return jax.process_index() == 0


def share() -> tuple[int, int]:
    """Index of this process and number of processes."""
    return jax.process_index(), jax.process_count()


def wait_for_all(where: str) -> None:
    """Barrier: returns once every process has called it."""
    multihost_utils.sync_global_devices(where)


def first_succeeded(succeeded: bool) -> bool:
    """Whether process 0 passed True; a barrier, at which the other processes learn of its failure."""
    return succeeded if jax.process_count() == 1 else bool(multihost_utils.broadcast_one_to_all(np.array(succeeded)))


def agree(facts: dict[str, Any]) -> None:
    """Checks that all processes have the same facts.

    Args:
      facts: JSON documents by name.

    Raises:
      ValueError: facts differ; names them and the process.
    """
    documents = (json.dumps(fact, sort_keys=True).encode() for fact in facts.values())
    digests = np.array([np.frombuffer(hashlib.sha256(document).digest(), np.uint32) for document in documents])
    for process, theirs in enumerate(multihost_utils.process_allgather(digests, tiled=False)):
        differing = [name for name, same in zip(facts, (theirs == digests).all(axis=1), strict=True) if not same]
        if differing:
            raise ValueError(
                f"processes {jax.process_index()} and {process} differ in {', '.join(differing)}: "
                "every process needs the same flags, the same files of samples and the same --workdir"
            )


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Context that ends a failing process at once, so that the others fail as well instead of waiting for it."""
    try:
        yield
    except Exception as error:
        if jax.process_count() == 1 or flags.FLAGS.verbosity > 0:
            raise
        which = f"error in process {jax.process_index()} of {jax.process_count()}"
        if isinstance(error, jax.errors.JaxRuntimeError):
            first_line = str(error).strip().partition("\n")[0]
            error = f"another one has failed or cannot be reached ({first_line})\nStart all again to resume."
        print(f"{which}: {error}", file=sys.stderr, flush=True)
        os._exit(1)  # a regular exit would wait for the others, which wait for this process
