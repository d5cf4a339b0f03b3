"""Traces of training steps by `jax.profiler`."""

import contextlib
from pathlib import Path

import jax

from recog.training.state import TrainState


class Profile:
    """Traces a range of steps into ``profile/`` in a work folder.

    Args:
      workdir: the run's folder.
      steps: ``FIRST:LAST``, inclusive and counted from 1 as in the logs; empty traces nothing.

    Raises:
      ValueError: ``steps`` is not such a range.
    """

    def __init__(self, workdir: str | Path, steps: str = ""):
        self.folder = Path(workdir) / "profile"
        """Folder of the trace, for TensorBoard or xprof."""
        self._first, self._last = _parse(steps)
        self._tracing = False

    def missed(self, start: int, end: int) -> str:
        """Warning if a run from after step ``start`` to step ``end`` does not reach the trace; empty otherwise.

        It is not an error, because interrupted jobs are restarted with the same flags.
        """
        if not self._first or start < self._first <= end:
            return ""
        return (
            f"note: --profile_steps={self._first}:{self._last} begins outside the remaining steps "
            f"{start + 1} to {end}: nothing is traced"
        )

    def before(self, step: int) -> contextlib.AbstractContextManager:
        """Context for a step; starts the trace at the first step to be traced."""
        if step == self._first:
            jax.profiler.start_trace(str(self.folder))
            self._tracing = True
        return jax.profiler.StepTraceAnnotation("train", step_num=step) if self._tracing else contextlib.nullcontext()

    def after(self, step: int, state: TrainState) -> bool:
        """Ends the trace once the last step to be traced is complete; returns whether it did."""
        if not self._tracing or step < self._last:
            return False
        jax.block_until_ready(state)
        self.close()
        return True

    def close(self) -> None:
        """Writes the trace if the run ends before the last step to be traced."""
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
