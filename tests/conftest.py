"""What all tests need."""

import gc
import os
import resource
import signal
from pathlib import Path

import hypothesis
import jax
import pytest
from absl import flags
from jax.sharding import AbstractDevice, AbstractMesh, AxisType

# How long an example takes says nothing where other processes use the same cores.
hypothesis.settings.register_profile("any machine", deadline=None)
hypothesis.settings.load_profile("any machine")
flags.FLAGS(["test"])  # grain hands its flags to worker processes, and they have to be parsed for that

# Tests compile the same few programs again and again, some in processes of their own.
CACHE = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(__file__).parent.parent / ".pytest_cache" / "jax"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.2",
}
os.environ |= CACHE
# And most of their time goes into compiling, of which most optimises what then runs for milliseconds.
COMPILE_FAST = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
if jax.__version_info__ < (0, 11):  # a later XLA ends the process over a flag that it does not know
    COMPILE_FAST.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = " ".join((os.environ.get("XLA_FLAGS", ""), *COMPILE_FAST)).strip()
jax.config.update("jax_compilation_cache_dir", CACHE["JAX_COMPILATION_CACHE_DIR"])
jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


@pytest.fixture(scope="module", autouse=True)
def forget_programs():
    """Drops what a file's tests have compiled, which would grow to gigabytes over all files."""
    yield
    jax.clear_caches()
    gc.collect()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    """Tells by which signal a worker of pytest-xdist ended, which tells a lack of memory from a crash."""
    if error is None:
        return
    code = node.gateway._io.popen.wait(timeout=60)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    how = f"status {code}" if code >= 0 else f"signal {signal.Signals(-code).name}"
    report = node.config.pluginmanager.get_plugin("terminalreporter")
    report.write_line(f"\n[{node.gateway.id}] ended with {how}; the largest process so far took {peak:.1f} GiB")


def with_devices(count: int) -> dict[str, str]:
    """The environment of a process in the project's folder whose CPU counts as ``count`` devices."""
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count={count}"
    return os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(Path(__file__).parent.parent)}


def nvidia_device() -> AbstractMesh:
    """A mesh to lower programs in for an NVIDIA device that is not there: ``jax.sharding.use_abstract_mesh``."""
    device = AbstractDevice("NVIDIA H100 80GB HBM3", None, "cuda")
    return AbstractMesh((1,), ("data",), axis_types=(AxisType.Auto,), abstract_device=device)
