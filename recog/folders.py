"""Files that operating systems leave in folders of pictures."""

from pathlib import PurePath

_LEFT_BY_SYSTEMS = (".DS_Store", "__MACOSX", "Thumbs.db")


def left_by_system(path: PurePath) -> bool:
    """Whether a path below a folder is of macOS or Windows, not of the user: ``._*``, ``.DS_Store``, ``__MACOSX``...

    ``._a.jpg`` holds attributes of ``a.jpg`` and has its suffix, but is no picture.
    """
    return any(part.startswith("._") or part in _LEFT_BY_SYSTEMS for part in path.parts)
