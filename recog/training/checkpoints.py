"""Checkpoints: the training state, from which a run goes on.

``checkpoints/latest`` holds the newest few, ``checkpoints/best`` the one that the validation samples rank highest. Each
is a folder with the state (Orbax) and a JSON card: codec, configuration, metrics. The data stream needs no place in
them: the state's step is its position. So a run goes on with any number of workers, devices and processes.
"""

from pathlib import Path
from typing import Any, NamedTuple

import jax
import orbax.checkpoint as ocp

from recog.training.state import TrainState

KEPT = 2
"""Newest checkpoints kept: should a machine die while writing one, the one before is whole."""


class Restored(NamedTuple):
    """A checkpoint read back."""

    state: TrainState
    card: dict[str, Any]
    step: int


class Checkpoints:
    """The checkpoints of one work folder; close it to wait for those still being written.

    Args:
      workdir: the run's folder.
      card: facts stored with every checkpoint: what is needed to use its parameters.
      writes: False opens them for reading, while another process may still train: nothing is created or deleted.
    """

    def __init__(self, workdir: str | Path, card: dict[str, Any] | None = None, *, writes: bool = True):
        folder = Path(workdir).absolute() / "checkpoints"
        self._card = card or {}
        self._latest = _manager(folder / "latest", KEPT, writes=writes)
        self._best = _manager(folder / "best", 1, writes=writes)

    def latest_step(self) -> int | None:
        """Step of the newest checkpoint; None when there is none."""
        return self._latest.latest_step()

    def best_step(self) -> int | None:
        """Step of the best checkpoint; None when there is none."""
        return self._best.latest_step()

    def save(self, state: TrainState, step: int) -> None:
        """Saves the state as the newest checkpoint, once for each step."""
        if self._latest.latest_step() != step:
            self._latest.save(step, args=self._items(state, {}))

    def save_if_best(self, state: TrainState, step: int, metrics: dict[str, float], ranks_by: str) -> bool:
        """Keeps the state as the best unless an earlier one had a higher ``ranks_by``; of equals, the latest."""
        best, best_step = self.best_metrics(), self.best_step()
        if best_step is not None and best_step >= step:
            return False  # a resumed run passes steps again that it had evaluated before it was cut off
        if best and best[ranks_by] > metrics[ranks_by]:
            return False
        self._best.save(step, args=self._items(state, metrics))
        return True

    def best_metrics(self) -> dict[str, float]:
        """Metrics of the best checkpoint; empty when there is none."""
        step = self.best_step()
        if step is None:
            return {}
        self._best.wait_until_finished()
        return self._best.restore(step, args=ocp.args.Composite(card=ocp.args.JsonRestore()))["card"]["metrics"]

    def restore(self, like: TrainState) -> Restored:
        """The newest checkpoint, as abstract arrays with the shardings to restore to ask for it.

        Raises:
          FileNotFoundError: the folder holds no checkpoint.
        """
        return _restore(self._latest, like)

    def card_for_use(self) -> dict[str, Any]:
        """The card of the checkpoint that `restore_for_use` restores.

        Raises:
          FileNotFoundError: the folder holds no checkpoint.
        """
        manager = self._for_use()
        return manager.restore(_newest(manager), args=ocp.args.Composite(card=ocp.args.JsonRestore()))["card"]

    def restore_for_use(self, like: TrainState) -> Restored:
        """The best checkpoint, or the newest when none was evaluated; for evaluation and export.

        Raises:
          FileNotFoundError: the folder holds no checkpoint.
        """
        return _restore(self._for_use(), like)

    def replaced(self) -> bool:
        """Whether the checkpoint that `restore_for_use` would restore is there no more, as a better one has come."""
        manager = self._for_use()
        return not (manager.directory / str(_newest(manager))).exists()

    def close(self) -> None:
        """Waits until everything is written."""
        self._latest.close()
        self._best.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _for_use(self) -> ocp.CheckpointManager:
        return self._best if self.best_step() is not None else self._latest

    def _items(self, state: TrainState, metrics: dict[str, float]) -> ocp.args.Composite:
        card = {**self._card, "metrics": metrics}
        return ocp.args.Composite(state=ocp.args.StandardSave(state), card=ocp.args.JsonSave(card))


def _newest(manager: ocp.CheckpointManager) -> int:
    step = manager.latest_step()
    if step is None:
        raise FileNotFoundError(f"{manager.directory.parent} holds no checkpoint: train first")
    return step


def _restore(manager: ocp.CheckpointManager, like: TrainState) -> Restored:
    step = _newest(manager)
    asked = ocp.args.Composite(state=ocp.args.StandardRestore(like), card=ocp.args.JsonRestore())
    items = manager.restore(step, args=asked)
    return Restored(items["state"], items["card"], step)


def _manager(folder: Path, keep: int, *, writes: bool) -> ocp.CheckpointManager:
    """An Orbax manager of one folder; without ``writes`` it creates, deletes and writes nothing by itself.

    Orbax's own ``read_only`` adds nothing to that but three warnings for each manager.
    """
    # Processes wait for one another by names that must not be those of the other manager's at the same step.
    together = ocp.options.MultiprocessingOptions(barrier_sync_key_prefix=folder.name)
    options = ocp.CheckpointManagerOptions(
        max_to_keep=keep if writes else None,
        create=writes,
        multiprocessing_options=together,
        save_root_metadata=writes,  # where all processes meet: one of them may see no folder, and is to say so
    )
    return ocp.CheckpointManager(folder, options=options)


def abstract(state: TrainState, sharding: Any) -> TrainState:
    """Shapes and types without any array, with one sharding for all or a tree of them."""
    if isinstance(sharding, jax.sharding.Sharding):
        sharding = jax.tree.map(lambda _: sharding, state)
    return jax.tree.map(lambda x, where: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=where), state, sharding)
