"""Samples in an LMDB database, in the format of deep-text-recognition-benchmark, PARSeq and PaddleOCR.

The key ``num-samples`` holds the number of samples, ``image-000000001`` and ``label-000000001`` hold the first one's
picture file and its text in UTF-8. Needs the package ``lmdb``.
"""

import threading
import weakref
from pathlib import Path

import lmdb

from datasets.sources import BadSampleError, Sample

_OPENED: weakref.WeakValueDictionary[tuple[int, int], lmdb.Environment] = weakref.WeakValueDictionary()
"""Open databases by device and inode: a process may open a database only once."""
_OPENING = threading.Lock()


class Lmdb:
    """A database of samples; copies in worker processes open it anew.

    Args:
      path: folder that holds ``data.mdb``, or the database file itself. It must not be written to while it is open.

    Raises:
      FileNotFoundError: the database does not exist.
      ValueError: the file is not an LMDB database, is truncated, or does not hold its number of samples.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._environment = _open(self.path)
        self._count = self._load_count()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self._count:
            raise IndexError(f"sample {index} of {self._count}: use 0 to {self._count - 1}")
        origin, image_key, label_key = self.origin(index), self.key(index), b"label-%09d" % (index + 1)
        try:
            image, label = self._load(image_key, label_key)
        except lmdb.Error as error:
            raise BadSampleError(origin, f"cannot be read: {error}") from error
        for key, value in ((image_key, image), (label_key, label)):
            if value is None:
                raise BadSampleError(
                    origin, f"{key.decode()} is missing, though num-samples is {self._count}: write the database anew"
                )
        try:
            return Sample(image, label.decode(), origin)
        except UnicodeDecodeError as error:
            raise BadSampleError(origin, f"label {label[:100]!r} is not UTF-8: write it as UTF-8") from error

    def origin(self, index: int) -> str:
        """Path of the database and key of the picture."""
        return f"{self.path} ({self.key(index).decode()})"

    def key(self, index: int) -> bytes:
        """Database key of the picture, its only name."""
        return b"image-%09d" % (index + 1)

    def _load(self, *keys: bytes) -> list:
        """Values of these keys; None for a missing one."""
        with self._environment.begin() as transaction:
            return [transaction.get(key) for key in keys]

    def _load_count(self) -> int:
        try:
            (count,) = self._load(b"num-samples")
        except lmdb.Error as error:
            raise ValueError(f"{self.path} cannot be read: {error}") from error
        if count is None or not count.isdigit():
            raise ValueError(
                f"{self.path} is not a database of samples: num-samples is "
                f"{'missing' if count is None else repr(count)}; expected the number of samples"
            )
        return int(count)

    def __reduce__(self):
        return type(self), (self.path,)


def _open(path: Path) -> lmdb.Environment:
    """Returns the one read-only environment that this process has for a database, opened if necessary."""
    file = path / "data.mdb" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: name an LMDB file, or a folder that holds data.mdb")
    status = file.stat()
    with _OPENING:
        opened = _OPENED.get((status.st_dev, status.st_ino))
        if opened is None:
            opened = _open_file(file, status.st_size)
            _OPENED[status.st_dev, status.st_ino] = opened
        return opened


def _open_file(file: Path, size: int) -> lmdb.Environment:
    """Opens a database after checking that it is complete: reading a missing page of a mapped file ends the process.

    Raises:
      ValueError: the file is not an LMDB database, or is truncated.
    """
    try:
        environment = lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise ValueError(f"{file} is not an LMDB database: {error}") from error
    pages, page_size = environment.info()["last_pgno"] + 1, environment.stat()["psize"]
    if size < pages * page_size:
        environment.close()
        raise ValueError(f"{file} is truncated, {size} bytes of {pages * page_size}: copy it again")
    return environment
