"""Pictures without labels, to be read by a trained model (``data.unlabelled``) or to adapt one (``launch.adapt``)."""

from pathlib import Path

from datasets.class_layout import SUFFIXES, pictures_below
from datasets.sources import Sample, load_picture


class Pictures:
    """All pictures below a folder, sorted by their paths; hidden files and folders are passed over.

    Labels are empty, so that nothing can be trained on them.

    Raises:
      FileNotFoundError: the folder does not exist or holds no pictures.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} does not exist: name a folder of pictures")
        self._paths = sorted(map(str, pictures_below(self.folder)))
        if not self._paths:
            raise FileNotFoundError(f"{self.folder} holds no pictures; expected files that end in {SUFFIXES}")

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        origin = self.origin(index)
        return Sample(load_picture(self.folder / self._paths[index], origin), "", origin)

    def origin(self, index: int) -> str:
        """Path of the file; bytes that are not UTF-8 are escaped."""
        return str(self.folder / self._paths[index]).encode(errors="backslashreplace").decode()

    def key(self, index: int) -> bytes:
        """Path of the file below the folder, in UTF-8."""
        return self._paths[index].encode(errors="surrogateescape")
