"""What a process keeps is seen in a process of its own, by the pages it asks the system for."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = """
import resource, threading
from recog.cli.host_memory import keep_host_memory

def faults():
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

def fill():
    b"1" * (100 << 20)

def in_thread():
    thread = threading.Thread(target=fill)
    thread.start()
    thread.join()

keep_host_memory()
in_thread()
before = faults()
in_thread()
print(faults() - before)
"""


def faults(**variables: str) -> int:
    """When 100 MiB are allocated and written for a second time, in another thread."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("MALLOC_", "GLIBC_TUNABLES"))}
    script = [sys.executable, "-c", FAULTS]
    done = subprocess.run(script, env=usual | variables, text=True, capture_output=True, check=True)
    return int(done.stdout)


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc alone is set")
def test_freed_memory_is_kept():
    assert faults() < 1000  # 100 MiB are 25,600 pages of 4 KiB


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="glibc's malloc alone is set")
@pytest.mark.parametrize(
    "variables", [{"MALLOC_ARENA_MAX": "2"}, {"GLIBC_TUNABLES": "glibc.malloc.arena_max=2"}], ids=str
)
def test_what_the_environment_sets_stays(variables):
    pages = (100 << 20) // os.sysconf("SC_PAGE_SIZE")
    assert faults(**variables) > pages // 2 or huge_pages()


def huge_pages() -> bool:
    """Whether the system gives large pages unasked: few are needed then."""
    setting = Path("/sys/kernel/mm/transparent_hugepage/enabled")
    return setting.exists() and "[always]" in setting.read_text()
