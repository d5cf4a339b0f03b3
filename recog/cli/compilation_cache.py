"""Cache of compiled programs on disk, so that restarted runs do not compile again."""

import hashlib
import os
import sys
from pathlib import Path

_VARIABLE = "JAX_COMPILATION_CACHE_DIR"


def use_compilation_cache() -> None:
    """Enables the cache in the user's cache folder, unless ``JAX_COMPILATION_CACHE_DIR`` names another one.

    ``JAX_ENABLE_COMPILATION_CACHE=false`` disables it.
    """
    if "jax" not in sys.modules:  # it reads the variable when it is imported, if it is
        os.environ.setdefault(_VARIABLE, str(cache_folder()))
        return
    import jax

    if not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))


def cache_folder() -> Path:
    """Folder ``$XDG_CACHE_HOME/recog/jax-...`` for this kind of processor; different machines may share a home."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "recog" / f"jax-{hashlib.sha256(_instructions().encode()).hexdigest()[:8]}"


def _instructions() -> str:
    """Instruction sets of the processor as listed by Linux; empty on other systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
