"""Features of samples in memory, from which batches are made without decoding pictures."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from datasets.plan import Planned
from recog.batch import Batch


class Features(NamedTuple):
    """Features of samples with their labels; loads a planned batch whose ``images`` are features, as in `values`."""

    rows: Batch
    """All samples as one batch, N rows in any order."""
    places: dict[int, int]
    """Row of each sample, by its index in the source."""

    @classmethod
    def join(cls, batches: Iterable[Batch]) -> "Features":
        """Joins batches of features; rows without a sample are left out."""
        whole: Batch = jax.tree.map(lambda *parts: np.concatenate(parts), *batches)
        rows: Batch = jax.tree.map(lambda x: x[whole.mask], whole)
        return cls(rows, {index: row for row, index in enumerate(rows.ids.tolist())})

    @property
    def values(self) -> Float[np.ndarray, "N D"] | Float[np.ndarray, "N 2 D"]:
        """Features of all samples, or of the samples and their mirror images."""
        return self.rows.images

    def __call__(self, planned: Planned) -> Batch:
        """Makes a batch; samples that could not be loaded when the features were computed leave their rows empty."""
        rows = np.array([self.places.get(index, -1) for index in planned.indices.tolist()])
        mask = rows >= 0

        def pick(array: np.ndarray) -> Any:
            picked = array[rows]
            picked[~mask] = 0
            return picked

        batch: Batch = jax.tree.map(pick, self.rows)
        return batch._replace(ids=np.where(mask, batch.ids, -1), mask=mask)
