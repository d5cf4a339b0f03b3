"""Messages for a disk that is full, whichever library could not write."""

import contextlib
import errno
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

FULL = re.compile(r"No space left on device|Disk quota exceeded")
"""Messages of the operating system, which libraries put into theirs."""


class DiskFullError(OSError):
    """Nothing could be written because a disk or quota is full."""


def is_full(error: BaseException) -> bool:
    """Whether an error, or one that led to it, is that of a full disk or quota."""
    chain, seen = [error], set()
    while chain:
        one = chain.pop()
        if id(one) in seen:
            continue
        if (isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT)) or FULL.search(str(one)):
            return True
        seen.add(id(one))
        chain += [cause for cause in (one.__cause__, one.__context__) if cause]
        chain += one.exceptions if isinstance(one, BaseExceptionGroup) else ()
    return False


@contextlib.contextmanager
def full_disk_named(folders: Sequence[Path], kept: str = "the last checkpoint") -> Iterator[None]:
    """Context that raises `DiskFullError`, with the mend, instead of errors of a full disk.

    Args:
      folders: work folders that are written to.
      kept: place from which the command goes on when it is given again.
    """
    try:
        yield
    except Exception as error:
        if not is_full(error):
            raise
        raise DiskFullError(
            f"the disk of {folders[0]} is full, or its quota: free some space and give the same command again, which "
            f"goes on from {kept}"
        ) from error
