"""Pictures sorted by class: ``classes:FOLDER`` reads ``FOLDER/cat/0.jpg`` and Kaggle's ``FOLDER/cat.0.jpg``."""

from pathlib import Path

from datasets.class_layout import SUFFIXES, class_of, is_part, natural_order, pictures_below, suggestion
from datasets.sources import BadSampleError, Sample, load_picture


class ClassPictures:
    """Pictures of a folder whose labels are classes, in the order of their paths, with numbers by value.

    The label of a picture in a folder of its class, at any depth, is the name of the first folder; that of a picture
    outside of them stands in its name, ``NAME.NUMBER.SUFFIX``. Hidden files and folders, and files with other suffixes,
    are passed over.

    Example:
      >>> source = ClassPictures("train")  # train/cat.0.jpg, train/dog.0.jpg
      >>> source[1].label
      'dog'

    Raises:
      FileNotFoundError: the folder does not exist or holds no pictures.
      ValueError: the folder has ``labels.tsv``, or its folders are the parts of a set, such as ``train`` and ``test``.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder} does not exist: name a folder that holds a folder for each class")
        if (self.folder / "labels.tsv").is_file():
            raise ValueError(f"{self.folder} holds labels.tsv: read it as folder:{self.folder}")
        paths = sorted(pictures_below(self.folder), key=natural_order)
        if not paths:
            raise FileNotFoundError(f"{self.folder} holds no pictures; expected files that end in {SUFFIXES}")
        found = {class_of(path) for path in paths if len(path.parts) > 1}
        if found and all(map(is_part, found)):
            mend = suggestion(self.folder) or f"classes:{self.folder / min(found)}"
            raise ValueError(
                f"{self.folder} holds the parts {', '.join(sorted(found))} of a set, not classes: name one, {mend}"
            )
        self._paths = [str(path) for path in paths]

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, index: int) -> Sample:
        path, origin = self._paths[index], self.origin(index)
        try:
            path.encode()
        except UnicodeEncodeError as error:
            raise BadSampleError(origin, "the path is not UTF-8: rename the file or its folder") from error
        label = class_of(Path(path))
        if not label:
            reason = "its class is unknown: move it into a folder of its class, or rename it to CLASS.NUMBER.SUFFIX"
            raise BadSampleError(origin, reason)
        return Sample(load_picture(self.folder / path, origin), label, origin)

    def origin(self, index: int) -> str:
        """Path of the file; bytes that are not UTF-8 are escaped."""
        return str(self.folder / self._paths[index]).encode(errors="backslashreplace").decode()

    def key(self, index: int) -> bytes:
        """Path below the folder, in UTF-8."""
        return Path(self._paths[index]).as_posix().encode(errors="surrogateescape")
