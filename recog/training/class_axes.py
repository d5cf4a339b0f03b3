"""Entries that belong to classes in a model's arrays, matched by class name between two models."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Int


class ClassAxis(NamedTuple):
    """Layout of an axis over classes: equal groups of entries, each ending with one entry per class.

    A linear classifier has one group of classes alone; LPRNet's last convolution takes the channels of three feature
    maps and then one per class; YOLO's heads have a group for each prior, with box and objectness before the classes.
    """

    groups: int
    """Number of groups, which is the number of entries that one more class adds."""
    others: int
    """Number of entries before the classes in each group."""

    def size(self, classes: int) -> int:
        """Entries along the axis for this number of classes."""
        return self.groups * (self.others + classes)

    def places(self, classes: int, ids: Sequence[int]) -> Int[np.ndarray, " N"]:
        """Indices of each group's other entries and of these of its ``classes`` classes."""
        group = np.array([*range(self.others), *(self.others + class_id for class_id in ids)], np.int64)
        return (np.arange(self.groups)[:, None] * (self.others + classes) + group).ravel()


ClassAxes = Mapping[str, Mapping[int, ClassAxis]]
"""Axes over classes by path and number of the axis; arrays without such an axis are left out."""


def class_axes(shapes: Mapping[str, Any], extended: Mapping[str, Any], classes: int) -> ClassAxes:
    """Finds the axes over classes, which are those that grow with one more class.

    Args:
      shapes: arrays or their shapes, by path, of a model.
      extended: the same for that model with one more class.
      classes: number of classes of the first.
    """
    found: dict[str, dict[int, ClassAxis]] = {}
    for path, array in shapes.items():
        for axis, (size, larger) in enumerate(zip(array.shape, extended[path].shape, strict=True)):
            if groups := larger - size:
                found.setdefault(path, {})[axis] = ClassAxis(groups, size // groups - classes)
    return found


class Entries(NamedTuple):
    """Values for some of an array's entries."""

    places: tuple[Int[np.ndarray, " _"], ...]
    """Indices along each axis; the entries are all their combinations."""
    values: Array | np.ndarray
    """Values of the entries, with one axis for each of the array's."""

    def alone(self, axis: int, size: int) -> "Entries":
        """These entries, and zeros at all other places of an axis of this size."""
        values = np.zeros((*self.values.shape[:axis], size, *self.values.shape[axis + 1 :]), self.values.dtype)
        values[(slice(None),) * axis + (self.places[axis],)] = self.values
        return Entries((*self.places[:axis], np.arange(size), *self.places[axis + 1 :]), values)

    def into(self, array: jax.Array) -> jax.Array:
        """The array with these entries replaced."""
        return array.at[np.ix_(*self.places)].set(self.values)


@dataclasses.dataclass(frozen=True)
class MatchedClasses:
    """Classes of a model to train and of a trained one, matched by name; blanks match because both have no name.

    Example:
      >>> matched = MatchedClasses(("", "a", "b"), ("b", "a", ""), {"bias": {0: ClassAxis(groups=1, others=0)}})
      >>> matched.entries("bias", (3,), np.array([0.5, 0.25, 0.125])).values
      array([0.125, 0.25 , 0.5  ])
    """

    ours: tuple[str, ...]
    """Class names of the model to train, in the order of their ids."""
    theirs: tuple[str, ...]
    """Class names of the trained model."""
    axes: ClassAxes
    """Axes over classes of the model to train."""

    @property
    def shared(self) -> list[str]:
        """Class names that both have, in our order."""
        theirs = set(self.theirs)
        return [name for name in self.ours if name in theirs]

    @property
    def new(self) -> list[str]:
        """Class names that the trained model lacks."""
        theirs = set(self.theirs)
        return [name for name in self.ours if name not in theirs]

    def entries(self, path: str, shape: tuple[int, ...], trained: Array) -> Entries | None:
        """Entries of an array over classes for the classes that both models have, and for no class in particular.

        Where classes are input and output, as in LPRNet's last convolution, new ones add nothing to others at first.

        Args:
          path: path of the array, one of `axes`.
          shape: shape of the array in the model to train.
          trained: the array of the trained model.

        Returns:
          None if the shapes differ by more than the number of classes, or there are no such entries.
        """
        axes = self.axes[path]
        expected = tuple(axes[n].size(len(self.theirs)) if n in axes else size for n, size in enumerate(shape))
        if trained.shape != expected:
            return None
        ours, theirs = (
            _places(sizes, axes, len(names), _ids(names, self.shared))
            for sizes, names in ((shape, self.ours), (expected, self.theirs))
        )
        values = trained[np.ix_(*theirs)]
        if not values.size:
            return None
        entries = Entries(ours, values)
        for axis in sorted(axes)[:-1]:
            entries = entries.alone(axis, shape[axis])
        return entries


def _ids(names: Sequence[str], chosen: Sequence[str]) -> list[int]:
    """Class ids of the chosen names."""
    ids = {name: class_id for class_id, name in enumerate(names)}
    return [ids[name] for name in chosen]


def _places(
    shape: tuple[int, ...], axes: Mapping[int, ClassAxis], classes: int, ids: Sequence[int]
) -> tuple[Int[np.ndarray, " _"], ...]:
    """Indices along each axis of the entries of these classes and of no class in particular."""
    return tuple(axes[n].places(classes, ids) if n in axes else np.arange(size) for n, size in enumerate(shape))
