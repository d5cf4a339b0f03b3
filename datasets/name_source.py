"""Pictures whose file names are their labels: ``皖A12345.jpg``, or ``皖A12345_3.jpg`` where several show one text."""

import unicodedata
from pathlib import Path

from datasets.sources import BadSampleError, Sample, read_picture

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""Of the files that are pictures, in small or capital letters."""


class NamedPictures:
    """The pictures of a folder, by file name; other files and folders within it are passed over.

    The text stands before the last underscore of the name, or is the whole name where there is none. It is brought to
    Unicode's composed form (NFC), because some file systems keep letters and their accents apart.

    Raises:
      FileNotFoundError: no such folder, or no picture in it.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} does not exist: name a folder of pictures")
        files = (path for path in self.folder.iterdir() if path.suffix.lower() in SUFFIXES)
        self._names = sorted(path.name for path in files if not path.name.startswith("."))
        if not self._names:
            raise FileNotFoundError(f"{self.folder} holds no picture: it must hold files that end in {SUFFIXES}")

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Sample:
        name, origin = self._names[index], self.origin(index)
        try:
            name.encode()
        except UnicodeEncodeError as error:
            raise BadSampleError(origin, "its name is not UTF-8: rename it") from error
        text = self._text(index)
        if not text:
            raise BadSampleError(origin, "its name holds no text: put it before the last underscore")
        return Sample(read_picture(self.folder / name, origin), text, origin)

    def origin(self, index: int) -> str:
        """The file's path; what is not UTF-8 in it as escapes."""
        return str(self.folder / self._names[index]).encode(errors="backslashreplace").decode()

    def key(self, index: int) -> bytes:
        """The file's name."""
        return self._names[index].encode(errors="surrogateescape")

    def group(self, index: int) -> bytes:
        """The text: pictures of one plate may be all but the same."""
        return self._text(index).encode(errors="surrogateescape")

    def _text(self, index: int) -> str:
        stem = Path(self._names[index]).stem
        return unicodedata.normalize("NFC", stem.rpartition("_")[0] if "_" in stem else stem)
