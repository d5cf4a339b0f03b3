"""Samples in an LMDB database, as deep-text-recognition-benchmark, PARSeq and PaddleOCR write it.

The key ``num-samples`` holds their number, ``image-000000001`` and ``label-000000001`` the first one's picture file and
its text in UTF-8. Needs the package ``lmdb``.
"""

import threading
import weakref
from pathlib import Path

import lmdb

from datasets.sources import BadSampleError, Sample

_OPENED: weakref.WeakValueDictionary[tuple[int, int], lmdb.Environment] = weakref.WeakValueDictionary()
"""By device and inode: a process may open a database only once."""
_OPENING = threading.Lock()


class Lmdb:
    """A database of samples; copies in worker processes open it anew.

    Args:
      path: the folder that holds ``data.mdb``, or the database file itself. It must not be written to meanwhile.

    Raises:
      FileNotFoundError: no such database.
      ValueError: the file is no LMDB database, is cut short, or does not say how many samples it holds.
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._environment = _open(self.path)
        self._count = self._read_count()

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Sample:
        if not 0 <= index < self._count:
            raise IndexError(f"sample {index} of {self._count}")
        origin, image_key, label_key = self.origin(index), self.key(index), b"label-%09d" % (index + 1)
        try:
            image, label = self._read(image_key, label_key)
        except lmdb.Error as error:
            raise BadSampleError(origin, f"cannot be read: {error}") from error
        for key, value in ((image_key, image), (label_key, label)):
            if value is None:
                raise BadSampleError(origin, f"there is no {key.decode()}, though num-samples is {self._count}")
        try:
            return Sample(image, label.decode(), origin)
        except UnicodeDecodeError as error:
            raise BadSampleError(origin, f"the label {label!r} is not UTF-8: write it as UTF-8") from error

    def origin(self, index: int) -> str:
        """The database and the picture's key."""
        return f"{self.path} ({self.key(index).decode()})"

    def key(self, index: int) -> bytes:
        """The picture's key, the only name that it has."""
        return b"image-%09d" % (index + 1)

    def _read(self, *keys: bytes) -> list:
        """The values of some keys; None for those that are not there."""
        with self._environment.begin() as transaction:
            return [transaction.get(key) for key in keys]

    def _read_count(self) -> int:
        try:
            (count,) = self._read(b"num-samples")
        except lmdb.Error as error:
            raise ValueError(f"{self.path} cannot be read: {error}") from error
        if count is None or not count.isdigit():
            raise ValueError(
                f"{self.path} is no database of samples: num-samples is {'missing' if count is None else repr(count)}, "
                "and must be their number"
            )
        return int(count)

    def __reduce__(self):
        return type(self), (self.path,)


def _open(path: Path) -> lmdb.Environment:
    """The process's one environment of a database, read-only."""
    file = path / "data.mdb" if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist: an LMDB database is a file, or a folder that holds data.mdb")
    status = file.stat()
    with _OPENING:
        opened = _OPENED.get((status.st_dev, status.st_ino))
        if opened is None:
            opened = _open_file(file, status.st_size)
            _OPENED[status.st_dev, status.st_ino] = opened
        return opened


def _open_file(file: Path, size: int) -> lmdb.Environment:
    """Raises ``ValueError`` where reading would fail, or end the process: a mapped file must have all of its pages."""
    try:
        environment = lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False)
    except lmdb.Error as error:
        raise ValueError(f"{file} is no LMDB database: {error}") from error
    pages, page_size = environment.info()["last_pgno"] + 1, environment.stat()["psize"]
    if size < pages * page_size:
        environment.close()
        raise ValueError(f"{file} is cut short: {size} bytes of {pages * page_size}: copy it again")
    return environment
