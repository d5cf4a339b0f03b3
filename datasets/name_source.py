"""Pictures labelled by their file names: ``皖A12345.jpg``, or ``皖A12345_3.jpg`` for several pictures of one text."""

import unicodedata
from pathlib import Path

from datasets.class_layout import SUFFIXES
from datasets.sources import BadSampleError, Sample, load_picture


class NamedPictures:
    """Pictures of a folder, sorted by file name; subfolders, hidden files and other files are ignored.

    The label is the part of the name before its last underscore, or the whole name without suffix if it has none. It is
    brought to Unicode's composed form (NFC), because some file systems keep letters and their accents apart.

    Raises:
      FileNotFoundError: the folder does not exist or holds no pictures.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} does not exist: name a folder of pictures")
        files = (path for path in self.folder.iterdir() if path.suffix.lower() in SUFFIXES)
        self._names = sorted(path.name for path in files if not path.name.startswith("."))
        if not self._names:
            raise FileNotFoundError(f"{self.folder} holds no pictures; expected files that end in {SUFFIXES}")

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Sample:
        name, origin = self._names[index], self.origin(index)
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise BadSampleError(origin, "the file name is not UTF-8: rename the file") from error
        text = self._text(index)
        if not text:
            raise BadSampleError(origin, "the file name holds no label: put it before the last underscore")
        return Sample(load_picture(self.folder / name, origin), text, origin)

    def origin(self, index: int) -> str:
        """Path of the file; bytes that are not UTF-8 are escaped."""
        return str(self.folder / self._names[index]).encode(errors="backslashreplace").decode()

    def key(self, index: int) -> bytes:
        """File name, in UTF-8."""
        return self._names[index].encode(errors="surrogateescape")

    def group(self, index: int) -> bytes:
        """Label in UTF-8: pictures of one plate may be nearly identical, and must stay on one side of a split."""
        return self._text(index).encode(errors="surrogateescape")

    def _text(self, index: int) -> str:
        stem = Path(self._names[index]).stem
        return unicodedata.normalize("NFC", stem.rpartition("_")[0] if "_" in stem else stem)
