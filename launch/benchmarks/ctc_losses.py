"""CTC losses that are compared: ours, ours by the portable scan, optax's and torch's."""

import importlib.util
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from launch.benchmarks.ctc_problem import Problem
from recog.ctc import ctc_loss, kernel
from recog.ctc.loss import scan_loss


class LossContestant(NamedTuple):
    """One implementation, bound to one problem."""

    name: str
    run: Callable[[], object]
    """Computes the mean loss and its gradient, and waits for them."""
    gradient: Callable[[], np.ndarray]
    """Computes the gradient of the mean loss, ``B T K``."""
    temporary_bytes: int | None
    """Peak temporary memory of the compiled program; None where the implementation does not report it."""


def optax_loss(logits, logit_lengths, labels, label_lengths):
    """`optax.ctc_loss`, which takes paddings, with the signature of `recog.ctc.ctc_loss`."""
    frame_padding = jnp.arange(logits.shape[1]) >= logit_lengths[:, None]
    slot_padding = jnp.arange(labels.shape[1]) >= label_lengths[:, None]
    return optax.ctc_loss(logits, frame_padding.astype(jnp.float32), labels, slot_padding.astype(jnp.float32))


def jax_losses() -> dict[str, Callable[..., jax.Array]]:
    """JAX losses by name: ours, the scan where ours is a GPU kernel, and optax."""
    scan = {"scan": scan_loss} if kernel.available() else {}
    return {"recog": ctc_loss, **scan, "optax": optax_loss}


def contestant_names() -> list[str]:
    """Names of all contestants, ours first, whether torch is installed or not."""
    return [*jax_losses(), "torch"]


def jax_contestant(name: str, loss: Callable[..., jax.Array], case: Problem) -> LossContestant:
    """A JAX loss with the signature of `ctc_loss`, compiled for the default device."""
    arguments = tuple(map(jnp.asarray, case))
    program = jax.jit(jax.value_and_grad(lambda *a: jnp.mean(loss(*a)))).lower(*arguments).compile()
    memory = program.memory_analysis()
    return LossContestant(
        name,
        lambda: jax.block_until_ready(program(*arguments)),
        lambda: np.asarray(program(*arguments)[1]),
        None if memory is None else memory.temp_size_in_bytes,
    )


def torch_contestant(case: Problem) -> LossContestant:
    """Torch's native loss after log_softmax, on logits kept in its own layout ``T B K``."""
    import torch  # pyright: ignore[reportMissingImports]  # optional: competes where it is installed

    device = "cuda" if torch.cuda.is_available() else "cpu"
    logits = torch.tensor(case.logits.swapaxes(0, 1).copy(), device=device, requires_grad=True)
    labels, logit_lengths, label_lengths = (
        torch.tensor(x.astype(np.int64), device=device) for x in (case.labels, case.logit_lengths, case.label_lengths)
    )

    def gradient():
        scores = torch.nn.functional.log_softmax(logits, dim=-1)
        total = torch.nn.functional.ctc_loss(scores, labels, logit_lengths, label_lengths, reduction="sum")
        (result,) = torch.autograd.grad(total / len(case.logits), logits)
        if device == "cuda":
            torch.cuda.synchronize()
        return result

    return LossContestant("torch", gradient, lambda: gradient().cpu().numpy().swapaxes(0, 1), None)


def make_contestants(case: Problem) -> list[LossContestant]:
    """The JAX losses, and torch's where it is installed."""
    losses = jax_losses()
    if case.labels.shape[1] > kernel.LONGEST:  # ours is the scan itself
        losses.pop("scan", None)
    found = [jax_contestant(name, loss, case) for name, loss in losses.items()]
    return [*found, torch_contestant(case)] if importlib.util.find_spec("torch") else found
