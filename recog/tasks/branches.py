"""Reading a text by parts: one loss for each branch, one text composed of what they read.

The loss is that of the price reader (Acta Automatica Sinica 2022), ``L = L_integer + L_decimal + eta L_no_point``: the
branch that reads all parts at once is weighted by eta where others read each part. Eta is fixed, or learnt: at each
evaluation it moves against the derivative of the validation loss through one training step.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.alphabet import Alphabet
from recog.batch import Batch
from recog.ctc import best_path, ctc_loss
from recog.decoded import Decoded
from recog.models.multitask import MultiTaskReader
from recog.structure import Structure, compose, split, targets
from recog.tasks.cross_entropy import sequence_cross_entropy, with_end
from recog.tasks.task import Loss, LossOutput, Variables, masked_mean, normalize

WEIGHTS = "weights"
"""The variable collection that holds eta: part of the training state, not trained by the optimizer, never exported."""


@dataclasses.dataclass(frozen=True)
class BranchTask:
    """Trains a `MultiTaskReader` to read the parts of a text."""

    model: MultiTaskReader
    alphabet: Alphabet
    structure: Structure
    """With the model's branches."""

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (Loss("branches", self._loss),)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Fresh variables for batches of this shape, eta among them."""
        labels = {name: tokens for name, (tokens, _) in self._split(batch).items()}
        variables = dict(self.model.init(key, normalize(batch.images), batch.widths, labels, train=False))
        if self.auxiliary is not None:
            variables[WEIGHTS] = {"eta": jnp.float32(self.model.config.eta)}
        return variables

    def frames(self, width: int) -> int | None:
        """What the model has; a part never needs more frames than the whole text."""
        return self.model.frames(width)

    def read(self, variables: Variables, images: UInt8[Array, "B H W C"], widths: Int[Array, " B"]) -> Decoded:
        """Reads all parts and composes the text."""
        read: dict[str, Decoded] = self.model.apply(  # pyright: ignore[reportAssignmentType]
            variables, normalize(images), widths, method="read"
        )
        return compose(self.structure, self.alphabet, read)

    def targets(self, labels: Int[Array, "B L"], label_lengths: Int[Array, " B"]):
        """The labels, as far as the branches read them."""
        return targets(self.structure, self.alphabet, labels, label_lengths)

    @property
    def auxiliary(self) -> str | None:
        """The branch that reads all parts where others read each: the one that eta weights."""
        return self.structure.auxiliary

    def _split(self, batch: Batch) -> dict[str, tuple[Int[Array, "B L"], Int[Array, " B"]]]:
        return split(self.structure, self.alphabet, batch.labels, batch.label_lengths)

    def _loss(self, variables: Variables, batch: Batch, key: jax.Array) -> tuple[Float[Array, ""], LossOutput]:
        losses, right, model_state = self.branch_losses(variables, batch, train=True, key=key)
        total = sum((losses[n] * self._weight(variables, n) for n in losses), start=jnp.zeros(()))
        whole = jnp.all(jnp.stack(list(right.values())), axis=0)
        sums = {"accuracy": jnp.sum(whole & batch.mask)}
        for name in losses:
            sums[f"loss_{name}"] = jnp.sum(jnp.where(batch.mask, losses[name], 0.0))
            sums[f"accuracy_{name}"] = jnp.sum(right[name] & batch.mask)
        return masked_mean(total, batch.mask), LossOutput(model_state, total, sums)

    def branch_losses(
        self, variables: Variables, batch: Batch, *, train: bool, key: jax.Array | None = None
    ) -> tuple[dict[str, Float[Array, " B"]], dict[str, Bool[Array, " B"]], Variables]:
        """Each branch's loss of each sample, which of them it reads right (attention: given the tokens before), and
        the updated collections.
        """
        parts = self._split(batch)
        given = {name: value for name, value in variables.items() if name != WEIGHTS}
        logits, model_state = self.model.apply(
            given,
            normalize(batch.images),
            batch.widths,
            {name: tokens for name, (tokens, _) in parts.items()},
            train=train,
            rngs={} if key is None else {"dropout": key},
            mutable=[name for name in given if name != "params"] if train else [],
        )
        scored = {name: self._score(logits[name], batch, *parts[name]) for name in parts}
        state = {name: value for name, value in variables.items() if name != "params"} | dict(model_state)
        return {n: loss for n, (loss, _) in scored.items()}, {n: right for n, (_, right) in scored.items()}, state

    def _score(
        self, logits: Float[Array, "B T K"], batch: Batch, tokens: Int[Array, "B L"], lengths: Int[Array, " B"]
    ) -> tuple[Float[Array, " B"], Bool[Array, " B"]]:
        blank_id = self.alphabet.blank_id
        if self.model.config.decoder == "ctc":
            frames = jnp.where(jnp.asarray(batch.widths) > 0, logits.shape[1], 0)
            read = best_path(logits, frames, blank_id=blank_id)
            return ctc_loss(logits, frames, tokens, lengths, blank_id=blank_id), read.equals(tokens, lengths)
        expected, live = with_end(tokens, lengths, blank_id)
        right = jnp.all((jnp.argmax(logits, axis=-1) == expected) | ~live, axis=1)
        return sequence_cross_entropy(logits, tokens, lengths, blank_id), right

    def _weight(self, variables: Variables, name: str) -> Array | float:
        return variables[WEIGHTS]["eta"] if name == self.auxiliary else 1.0

    def probe(
        self, variables: Variables, batch: Batch, key: jax.Array, learning_rate: Float[Array, ""] | float
    ) -> tuple[Any, Any]:
        """Parameters after one plain gradient step on a training batch, and the gradient of the auxiliary loss there.

        The step depends on eta by that gradient: ``d params / d eta = -learning_rate * gradient``.
        """
        assert self.auxiliary is not None, "only a structure with an auxiliary branch has an eta"
        auxiliary = self.auxiliary

        def losses(params):
            by_name, _, _ = self.branch_losses(variables | {"params": params}, batch, train=True, key=key)
            means = {name: masked_mean(loss, batch.mask) for name, loss in by_name.items()}
            return means.pop(auxiliary), sum(means.values(), start=jnp.zeros(()))

        params, eta = variables["params"], variables[WEIGHTS]["eta"]
        _, backward = jax.vjp(losses, params)
        (of_auxiliary,), (of_others,) = backward((jnp.ones(()), jnp.zeros(()))), backward((jnp.zeros(()), jnp.ones(())))
        step = jax.tree.map(lambda p, a, b: p - learning_rate * (b + eta * a), params, of_auxiliary, of_others)
        return step, of_auxiliary

    def hypergradient(
        self, variables: Variables, params: Any, gradient: Any, batch: Batch
    ) -> tuple[Float[Array, ""], Float[Array, ""]]:
        """Derivative of a validation batch's loss by eta, per unit of learning rate, summed over samples; their number.

        It is the negative inner product of the validation gradient (of the branches but the auxiliary one, at the
        parameters that `probe` stepped to) and the auxiliary branch's training gradient.
        """

        def validation_loss(params):
            losses, _, _ = self.branch_losses(variables | {"params": params}, batch, train=False)
            mains = (loss for name, loss in losses.items() if name != self.auxiliary)
            return jnp.sum(jnp.where(batch.mask, sum(mains, start=jnp.zeros(())), 0.0))

        of_validation = jax.grad(validation_loss)(params)
        products = jax.tree.map(lambda a, b: jnp.vdot(a, b), of_validation, gradient)
        return -jax.tree.reduce(jnp.add, products), jnp.sum(batch.mask, dtype=jnp.float32)


def moved_eta(variables: Mapping[str, Any], hypergradient: Array | float, rate: float) -> dict[str, Any]:
    """The collection with eta moved down the hypergradient, and kept from becoming negative."""
    return {"eta": jnp.maximum(variables[WEIGHTS]["eta"] - rate * hypergradient, 0.0)}
