"""Several processes as one run: how each finds the others, what they must agree on, and how one's failure ends all."""

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


def define_flags() -> None:
    """The flags by which an entry point becomes one of several processes."""
    flags.DEFINE_string("coordinator_address", None, "HOST:PORT at which the others reach process 0.")
    flags.DEFINE_integer("num_processes", None, "Processes of this run.", lower_bound=1)
    flags.DEFINE_integer("process_id", None, "Which of them this is, from 0.", lower_bound=0)
    flags.DEFINE_enum(
        "distributed", "off", ["off", "auto"], "auto: learn the above from a TPU slice, SLURM or Open MPI."
    )
    flags.DEFINE_integer(
        "heartbeat_timeout", 60, "Seconds without a sign of life of a process after which all stop.", lower_bound=1
    )


def join(values: flags.FlagValues) -> None:
    """Joins the other processes, if the flags say that there are any; before anything else uses jax.

    All but the first process print nothing on standard output from then on.

    Raises:
      ValueError: the flags are not enough.
      ConnectionError: the others cannot be reached.
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
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - for as long as the process lives


def first() -> bool:
    """Whether this is the process that writes reports."""
    return jax.process_index() == 0


def share() -> tuple[int, int]:
    """This process and how many there are."""
    return jax.process_index(), jax.process_count()


def wait_for_all(where: str) -> None:
    """Returns once every process has come here."""
    multihost_utils.sync_global_devices(where)


def agree(facts: dict[str, Any]) -> None:
    """Makes sure that all processes have found the same.

    Args:
      facts: JSON documents by name.

    Raises:
      ValueError: names what differs, and in which process.
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
    """Ends a process that fails in here at once, so that the others hear of it instead of waiting for it."""
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
        os._exit(1)  # leaving as usual would wait for the others, and they for this one
