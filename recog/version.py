"""Version of this package."""

import importlib.metadata


def own_version() -> str:
    """Version of the installed package; ``from a checkout`` where it is not installed."""
    try:
        return importlib.metadata.version("recog")
    except importlib.metadata.PackageNotFoundError:
        return "from a checkout"
