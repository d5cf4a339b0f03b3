"""A `jax.profiler` trace of some steps of a run."""

import contextlib
from pathlib import Path

import jax

from recog.training.state import TrainState


class Profile:
    """Traces the steps from one to another, into ``profile/`` in a work folder; none when no step is named.

    Args:
      workdir: the run's folder.
      steps: ``FIRST:LAST``, both traced, counted from 1 as in the logs; empty traces none.

    Raises:
      ValueError: ``steps`` is no such range.
    """

    def __init__(self, workdir: str | Path, steps: str = ""):
        self.folder = Path(workdir) / "profile"
        """Where the trace is written; TensorBoard and xprof open it."""
        self._first, self._last = _parse(steps)
        self._tracing = False

    def missed(self, start: int, end: int) -> str:
        """What to say where a run from after step ``start`` to step ``end`` does not begin the trace; empty otherwise.

        No error: a job that was cut off is started again with the flags that it had.
        """
        if not self._first or start < self._first <= end:
            return ""
        return (
            f"note: --profile_steps={self._first}:{self._last} begins outside the steps that are left, "
            f"{start + 1} to {end}: nothing is traced"
        )

    def before(self, step: int) -> contextlib.AbstractContextManager:
        """To be entered around the work of a step; starts the trace where it is the first."""
        if step == self._first:
            jax.profiler.start_trace(str(self.folder))
            self._tracing = True
        return jax.profiler.StepTraceAnnotation("train", step_num=step) if self._tracing else contextlib.nullcontext()

    def after(self, step: int, state: TrainState) -> bool:
        """Ends the trace, once the last step's work is done; whether it did."""
        if not self._tracing or step < self._last:
            return False
        jax.block_until_ready(state)
        self.close()
        return True

    def close(self) -> None:
        """Writes what was traced, if a run ends before its last step to be traced."""
        if self._tracing:
            jax.profiler.stop_trace()
            self._tracing = False


def _parse(steps: str) -> tuple[int, int]:
    if not steps:
        return 0, 0
    first, colon, last = steps.partition(":")
    if not (colon and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise ValueError(f"--profile_steps={steps}: name the first and the last step to trace, such as 10:20")
    return int(first), int(last)
