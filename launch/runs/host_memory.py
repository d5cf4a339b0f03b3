"""Memory that a program keeps from one step to the next, instead of asking the system for it again."""

import ctypes
import os
import sys

KEPT = {
    "M_TRIM_THRESHOLD": (-1, -1),  # never give the end of the heap back
    "M_MMAP_THRESHOLD": (-3, 2**31 - 1),  # large arrays lie in the heap too
    "M_ARENA_MAX": (-8, 1),  # the heap is that of all threads: theirs would be too small for such arrays
}
"""Parameters of glibc's ``mallopt``: their numbers and values."""


def keep_host_memory() -> None:
    """Has glibc keep what is freed, for whatever is allocated next; to be called before JAX starts its threads.

    On CPUs, XLA allocates a step's working memory when the step starts and frees it when it ends, and glibc hands
    arrays of more than 32 MiB back to the system. So each step has the system map and clear hundreds of MiB, page by
    page: a fifth of a step's time. The price is that a process stays as large as it ever was, and that small arrays
    which outlive a step can cut the heap in pieces: steps of 0.7 GiB had a process of 1.7 GiB grow to 3.1.

    Whoever has set glibc's malloc by the environment (``GLIBC_TUNABLES`` or a variable that starts with ``MALLOC_``)
    keeps what they set; other C libraries are left as they are.
    """
    chosen = any(name == "GLIBC_TUNABLES" or name.startswith("MALLOC_") for name in os.environ)
    if chosen or sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        for number, value in KEPT.values():
            mallopt(number, value)
