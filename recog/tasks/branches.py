"""Reading a text by parts: one loss per branch, and one text composed from the branches' outputs.

The loss is that of the price reader (Acta Automatica Sinica 2022), ``L = L_integer + L_decimal + eta L_no_point``: the
branch that reads the whole text is weighted by eta if every part has a branch of its own as well. Eta is fixed, or
learnt: each evaluation moves it against the derivative of the validation loss through one training step.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, UInt8

from recog.batch import Batch
from recog.codecs import TextCodec, TextTargets
from recog.composition import compose, split
from recog.composition import targets as perfect
from recog.ctc import BeamSearch, BestPath, Decoder, ctc_loss
from recog.ctc.branches import BranchDecoder, read_branches, require_decoder
from recog.decoded import Decoded
from recog.models.attention import AttentionReader
from recog.models.multitask import BranchScores, MultiTaskReader
from recog.structure import Structure
from recog.tasks.attention_beam import decode_texts
from recog.tasks.cross_entropy import sequence_cross_entropy, with_end
from recog.tasks.greedy import until_end
from recog.tasks.task import Loss, LossOutput, Variables, masked_mean, normalize
from recog.tasks.text import TextJudge, TextTask

WEIGHTS = "weights"
"""Variable collection of eta: part of the training state, not trained by the optimizer and not exported."""


class BranchJudge(TextJudge):
    """Judges texts by the parts that the branches read.

    Attributes:
      structure: parts of a text.
    """

    structure: Structure

    def expected(self, targets: TextTargets) -> TextTargets:
        """Labels as composed from the parts that the branches read."""
        return TextTargets(*perfect(self.structure, self.codec.alphabet, *targets))


@dataclasses.dataclass(frozen=True)
class BranchTask(BranchJudge, TextTask):
    """Trains a `MultiTaskReader` to read the parts of a text."""

    model: MultiTaskReader
    codec: TextCodec
    structure: Structure
    """Parts of a text, with the model's branches."""
    decoder: Decoder | None = None
    """Decoder of predictions; None uses the best path, or greedy decoding for attention. For attention a `BeamSearch`
    gives the settings of `recog.tasks.attention_beam`."""

    def __post_init__(self) -> None:
        if self.decoder:
            require_decoder(self.structure, self.decoder)

    @property
    def losses(self) -> tuple[Loss, ...]:
        return (Loss("branches", self._loss),)

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes if accuracy does not cover the whole text, or if ``eta_rate`` has no effect."""
        notes, rate = [], self.model.config.eta_rate
        if not self.structure.complete:
            names = ", ".join(branch.name for branch in self.structure.branches)
            notes.append(f"{names} alone do not tell a whole text; accuracy covers the parts that they read")
        if rate and not self.auxiliary:
            notes.append(f"no branch is weighted by eta: model.eta_rate={rate} has nothing to act on")
        return tuple(notes)

    @property
    def learns_from_validation(self) -> bool:
        """Whether eta is learnt: its rate is not zero, and there is a branch that it weights."""
        return bool(self.model.config.eta_rate and self.auxiliary)

    def init(self, key: jax.Array, batch: Batch) -> Variables:
        """Initial variables for batches of this shape, including eta."""
        labels = {name: tokens for name, (tokens, _) in self._split(batch).items()}
        variables = dict(self.model.init(key, normalize(batch.images), batch.widths, labels, train=False))
        if self.auxiliary is not None:
            variables[WEIGHTS] = {"eta": jnp.float32(self.model.config.eta)}
        return variables

    def frames(self, width: int) -> int | None:
        """Number of CTC frames for a picture of this width in pixels; None for attention decoders."""
        return self.model.frames(width)

    def predict(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Array]:
        """Fields of the composed `Decoded` by name, with ``logits.NAME`` and ``logit_lengths.NAME`` of each branch.

        A beam search of attention decoders leaves no logits: those of a token depend on the tokens before it.
        """
        if isinstance(self.decoder, BeamSearch) and self.model.config.decoder == "attention":
            return self._compose(self.readings(variables, images, sizes))._asdict()
        scores = self._scores(variables, images, sizes)
        return self._compose(self._read(scores))._asdict() | {
            f"{field}.{name}": array
            for name, (logits, lengths, _) in scores.items()
            for field, array in (("logits", logits), ("logit_lengths", lengths))
        }

    def readings(
        self, variables: Variables, images: UInt8[Array, "B H W C"], sizes: Int[Array, "B 2"]
    ) -> dict[str, Decoded]:
        """Readings of the branches by name, of which `predict` composes the text."""
        if isinstance(self.decoder, BeamSearch) and self.model.config.decoder == "attention":
            return self._search(variables, images, sizes, self.decoder)
        return self._read(self._scores(variables, images, sizes))

    @property
    def serving(self) -> dict[str, Any]:
        """Structure of the texts, and the kind of the branches' decoders."""
        return {"structure": self.structure.to_json(), "scores": self.model.config.decoder}

    @property
    def auxiliary(self) -> str | None:
        """Name of the branch that eta weights: it reads the whole text, whose parts all have branches of their own."""
        return self.structure.auxiliary

    def _split(self, batch: Batch) -> dict[str, tuple[Int[Array, "B L"], Int[Array, " B"]]]:
        return split(self.structure, self.codec.alphabet, *batch.targets)

    def _scores(self, variables: Variables, images: Array, sizes: Array) -> dict[str, BranchScores]:
        return self.model.apply(  # pyright: ignore[reportReturnType]
            variables, normalize(images), sizes[:, 1], method="score"
        )

    def _read(self, scores: Mapping[str, BranchScores]) -> dict[str, Decoded]:
        blank_id = self.codec.alphabet.blank_id
        if self.model.config.decoder == "ctc":
            decode = BranchDecoder(self.structure, self.codec.alphabet, self.decoder or BestPath(blank_id))
            return decode.read({name: (logits, lengths) for name, (logits, lengths, _) in scores.items()})
        return {name: until_end(logits, places, blank_id) for name, (logits, _, places) in scores.items()}

    def _compose(self, read: Mapping[str, Decoded]) -> Decoded:
        return compose(self.structure, self.codec.alphabet, read)

    def _search(self, variables: Variables, images: Array, sizes: Array, settings: BeamSearch) -> dict[str, Decoded]:
        """Readings by a beam search of attention decoders."""
        readers: dict[str, AttentionReader] = self.model.apply(  # pyright: ignore[reportAssignmentType]
            variables, normalize(images), sizes[:, 1], method="readers"
        )
        steps, free = self.model.steps, dataclasses.replace(settings, automaton=None)

        def together(names: Sequence[str], separator: int | None) -> list[Decoded]:
            return decode_texts([readers[name] for name in names], steps, settings, separator)

        return read_branches(
            self.structure,
            self.codec.alphabet,
            lambda name: decode_texts([readers[name]], steps, free)[0],
            together if settings.automaton else None,
        )

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
        """Per-sample losses of each branch, whether it reads each sample right, and the updated collections.

        Attention decoders are given the true tokens before each token.
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
        blank_id = self.codec.alphabet.blank_id
        if self.model.config.decoder == "ctc":
            frames = jnp.where(jnp.asarray(batch.widths) > 0, logits.shape[1], 0)
            read = BestPath(blank_id)(logits, frames)
            return ctc_loss(logits, frames, tokens, lengths, blank_id=blank_id), read.equals(tokens, lengths)
        expected, live = with_end(tokens, lengths, blank_id)
        right = jnp.all((jnp.argmax(logits, axis=-1) == expected) | ~live, axis=1)
        return sequence_cross_entropy(logits, tokens, lengths, blank_id), right

    def _weight(self, variables: Variables, name: str) -> Array | float:
        return variables[WEIGHTS]["eta"] if name == self.auxiliary else 1.0

    def probe(
        self, variables: Variables, batch: Batch, key: jax.Array, learning_rate: Float[Array, ""] | float
    ) -> tuple[Any, Any]:
        """Parameters after one plain gradient step on a training batch, and the gradient of the auxiliary loss.

        The step depends on eta through that gradient: ``d params / d eta = -learning_rate * gradient``.
        """
        assert self.auxiliary is not None, "eta needs a structure with an auxiliary branch"
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
        """Derivative of the validation loss by eta per unit of learning rate, summed over samples, and their number.

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
    """The collection after a step of eta against the hypergradient, clipped at zero."""
    return {"eta": jnp.maximum(variables[WEIGHTS]["eta"] - rate * hypergradient, 0.0)}
