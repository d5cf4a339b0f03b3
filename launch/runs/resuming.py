"""Checkpoint from which a run resumes: the newest that is whole."""

import shutil
from pathlib import Path

import jax

from launch.runs.folder import steps_done
from recog.mesh import make_mesh, replicated
from recog.training.checkpoints import Checkpoints, Saved, abstract, damage
from recog.training.state import TrainState

DAMAGED = "damaged"
"""Folder below ``checkpoints`` for those that cannot be restored."""


def steps_to_resume(workdir: Path, shapes: TrainState) -> int:
    """Step of the newest whole checkpoint; newer ones are moved out of the way, with a message.

    Runs of several processes do not look for damage here; restoring reports it.

    Args:
      workdir: the run's folder.
      shapes: abstract state of the run.

    Returns:
      The step, or 0 if there is no checkpoint.

    Raises:
      ValueError: all checkpoints are damaged.
    """
    if not (done := steps_done(workdir)) or jax.process_count() > 1:
        return done
    like, damaged = abstract(shapes, replicated(make_mesh())), {}
    with Checkpoints(workdir, writes=False) as checkpoints:
        for saved in checkpoints.newest():
            if (found := _damage(saved, like)) is None:
                _move_away(workdir, list(damaged))
                for other, reason in damaged.items():
                    print(f"the checkpoint of step {other.step} is damaged ({reason}): goes on from {saved.step}")
                return saved.step
            damaged[saved] = found
    reasons = "; ".join(f"step {saved.step}: {reason}" for saved, reason in damaged.items())
    raise ValueError(
        f"all checkpoints in {workdir / 'checkpoints' / 'latest'} are damaged or of another version ({reasons}): "
        f"copy them again, or start anew in another --workdir, from the best one with --config.init_from={workdir}"
    )


def _damage(saved: Saved, like: TrainState) -> str | None:
    """Description of what is damaged in a checkpoint; None if it is whole."""
    try:
        saved.restore(like)
    except Exception as error:
        if (found := damage(error)) is None:
            raise
        return found
    return None


def _move_away(workdir: Path, damaged: list[Saved]) -> None:
    for saved in damaged:
        target = workdir / "checkpoints" / DAMAGED / f"{saved.folder.parent.name}_{saved.step}"
        shutil.rmtree(target, ignore_errors=True)  # of an earlier time
        target.parent.mkdir(exist_ok=True)
        saved.folder.rename(target)
