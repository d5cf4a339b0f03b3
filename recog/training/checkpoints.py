"""Checkpoints of the training state, from which runs resume.

``checkpoints/latest`` holds the newest few, ``checkpoints/best`` the one with the best validation result. Each is a
folder with the state (Orbax) and a JSON card with codec, configuration and metrics. The position in the data stream is
the state's step, so that a run can resume with any number of workers, devices and processes.

Cards hold checksums of the arrays and of themselves (`recog.training.checksums`), which restoring verifies. Not noticed
is damage to the checkpoints of earlier versions that leaves them readable, and to arrays with parts on several hosts.
"""

import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from recog.training.checksums import check, checksums
from recog.training.state import TrainState

CHECKSUMS = "checksums"
"""Key of a card with the checksums of the checkpoint."""

KEPT = 2
"""Number of newest checkpoints to keep; the previous one is complete if the machine fails while writing the last."""


class Restored(NamedTuple):
    """A restored checkpoint."""

    state: TrainState
    card: dict[str, Any]
    step: int


class Saved(NamedTuple):
    """A saved checkpoint."""

    manager: ocp.CheckpointManager
    step: int

    @property
    def folder(self) -> Path:
        """Folder of its files."""
        return Path(self.manager.directory) / str(self.step)

    def card(self) -> dict[str, Any]:
        """Its card, without checking it."""
        card = self.manager.restore(self.step, args=ocp.args.Composite(card=ocp.args.JsonRestore()))["card"]
        return {name: value for name, value in card.items() if name != CHECKSUMS}

    def restore(self, like: TrainState) -> Restored:
        """Restores and checks it; ``like`` holds abstract arrays with the shardings to restore to.

        Raises:
          Exception: it is damaged; see `damage`.
        """
        asked = ocp.args.Composite(state=ocp.args.StandardRestore(_fields(like)), card=ocp.args.JsonRestore())
        items = self.manager.restore(self.step, args=asked)
        state, card = TrainState(**items["state"]), items["card"]
        check(state, card, card.pop(CHECKSUMS, {}))  # earlier versions saved none
        return Restored(state, card, self.step)


class Checkpoints:
    """Checkpoints of one work folder; closing waits for those still being written.

    Args:
      workdir: the run's folder.
      card: JSON stored with every checkpoint, such as codec and configuration.
      writes: False opens them read-only, even while another process trains; nothing is created or deleted.
    """

    def __init__(self, workdir: str | Path, card: dict[str, Any] | None = None, *, writes: bool = True):
        folder = Path(workdir).absolute() / "checkpoints"
        self._card = card or {}
        self._latest = _manager(folder / "latest", KEPT, writes=writes)
        self._best = _manager(folder / "best", 1, writes=writes)

    def latest_step(self) -> int | None:
        """Step of the newest checkpoint; None if there is none."""
        return self._latest.latest_step()

    def best_step(self) -> int | None:
        """Step of the best checkpoint; None if there is none."""
        return self._best.latest_step()

    def save(self, state: TrainState, step: int) -> None:
        """Saves the state as the newest checkpoint, at most once per step."""
        if self._latest.latest_step() != step:
            self._latest.save(step, args=self._items(state, {}))

    def save_if_best(
        self, state: TrainState, step: int, metrics: dict[str, float], ranks_by: str, ties_by: str = ""
    ) -> bool:
        """Saves the state as the best unless an earlier one has a higher ``ranks_by``; the latest wins ties.

        Args:
          state: state of the run.
          step: its step.
          metrics: its rates.
          ranks_by: name of the rate that ranks states, higher is better.
          ties_by: name of the rate that ranks states equal in that, lower is better; empty for none.
        """
        best, best_step = self.best_metrics(), self.best_step()
        if best_step is not None and best_step >= step:
            return False  # a resumed run repeats steps that it had evaluated before it was interrupted
        if best and best[ranks_by] > metrics[ranks_by]:
            return False
        if ties_by and ties_by in best and best[ranks_by] == metrics[ranks_by] and best[ties_by] < metrics[ties_by]:
            return False
        self._best.save(step, args=self._items(state, metrics))
        return True

    def best_metrics(self) -> dict[str, float]:
        """Metrics of the best checkpoint; empty if there is none, or its card is damaged."""
        step = self.best_step()
        if step is None:
            return {}
        self._best.wait_until_finished()
        try:
            return Saved(self._best, step).card()["metrics"]
        except Exception as error:
            if damage(error) is None:
                raise
            return {}

    def restore(self, like: TrainState) -> Restored:
        """Restores the newest checkpoint; ``like`` holds abstract arrays with the shardings to restore to.

        Raises:
          FileNotFoundError: the folder holds no checkpoint.
          Exception: it is damaged; see `damage`.
        """
        if not (steps := self._latest.all_steps()):
            raise _none(self._latest)
        return Saved(self._latest, max(steps)).restore(like)

    def newest(self) -> list[Saved]:
        """The checkpoints from which the run can resume, the newest first."""
        return _newest_first(self._latest)

    def for_use(self) -> list[Saved]:
        """Checkpoints for evaluation and export, in order of preference: the best, then the newest.

        Raises:
          FileNotFoundError: the folder holds no checkpoint.
        """
        if not (saved := _newest_first(self._best) + _newest_first(self._latest)):
            raise _none(self._latest)
        return saved

    def close(self) -> None:
        """Waits until all checkpoints are written."""
        self._latest.close()
        self._best.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _items(self, state: TrainState, metrics: dict[str, float]) -> ocp.args.Composite:
        card = {**self._card, "metrics": metrics}
        card |= {CHECKSUMS: checksums(state, card)}
        return ocp.args.Composite(state=ocp.args.StandardSave(_fields(state)), card=ocp.args.JsonSave(card))


def _fields(state: TrainState) -> dict[str, Any]:
    """Fields by name, without those that are None, which earlier versions do not have."""
    fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
    return {name: value for name, value in fields.items() if value is not None}


def _newest_first(manager: ocp.CheckpointManager) -> list[Saved]:
    return [Saved(manager, step) for step in sorted(manager.all_steps(), reverse=True)]


def _none(manager: ocp.CheckpointManager) -> FileNotFoundError:
    return FileNotFoundError(f"{manager.directory.parent} holds no checkpoint: train first")


def damage(error: Exception) -> str | None:
    """Description of the damage to a checkpoint whose restoring failed with this error; None for other failures."""
    first = str(error).strip().partition("\n")[0][:200]
    if any(other in str(error) for other in ("PERMISSION_DENIED", "RESOURCE_EXHAUSTED")):
        return None
    kinds = (ValueError, LookupError, TypeError, AttributeError, EOFError, FileNotFoundError)
    return first if isinstance(error, kinds) or type(error) is Exception else None  # the last is TensorStore's


def _manager(folder: Path, keep: int, *, writes: bool) -> ocp.CheckpointManager:
    """Orbax manager of one folder; without ``writes``, it does not create, delete or write anything by itself.

    Orbax's ``read_only`` is not used because it logs three warnings for each manager.
    """
    # The names of barriers between processes must differ from those of the other manager at the same step.
    together = ocp.options.MultiprocessingOptions(barrier_sync_key_prefix=folder.name)
    options = ocp.CheckpointManagerOptions(
        max_to_keep=keep if writes else None,
        create=writes,
        multiprocessing_options=together,
        save_root_metadata=writes,  # a barrier, which a process that does not see the folder would miss
    )
    return ocp.CheckpointManager(folder, options=options)


def abstract(state: TrainState, sharding: Any) -> TrainState:
    """Shapes and types of a state, with one sharding for all arrays or a tree of shardings."""
    if isinstance(sharding, jax.sharding.Sharding):
        sharding = jax.tree.map(lambda _: sharding, state)
    return jax.tree.map(lambda x, where: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=where), state, sharding)
