"""Compiled programs kept on disk, so that a run that is started again does not compile again."""

import hashlib
import os
from pathlib import Path

import jax


def use_compilation_cache() -> None:
    """Keeps them below the user's cache folder, unless ``JAX_COMPILATION_CACHE_DIR`` names another place.

    ``JAX_ENABLE_COMPILATION_CACHE=false`` keeps none.
    """
    if not jax.config.values["jax_compilation_cache_dir"]:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))


def cache_folder() -> Path:
    """``$XDG_CACHE_HOME/recog/jax-...``, another for each kind of processor: homes may be shared by unlike machines."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "recog" / f"jax-{hashlib.sha256(_instructions().encode()).hexdigest()[:8]}"


def _instructions() -> str:
    """What the processor can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return ""
    return next((line for line in lines if line.startswith(("flags", "Features"))), "")
