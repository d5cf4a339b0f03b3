"""Trains a few steps on each layout of devices: ``python -m tests.launch.on_devices FOLDER DEVICES,FSDP,PARTS ...``.

Prints one line of JSON for each: the losses, the share of the parameters that the first device holds, what is read,
what one step sums over all devices, and the share of the state whose memory it uses again. For ``eta,DEVICES``, what
moves the weight of a branch of the price reader.
"""

import contextlib
import functools
import itertools
import json
import math
import re
import sys

import jax
import optax

from datasets.pipeline import make_stream
from launch.runs.assembly import advance
from launch.runs.config import Config
from launch.runs.data import abstract_state, check, one_pass, open_data, state_maker
from launch.runs.eta import eta_learner
from launch.runs.tasks import make_task
from recog import mesh as meshes
from recog.evaluation.cost import count_parameters
from recog.evaluation.evaluator import Evaluator
from recog.ops import conv_forms
from recog.training.optimizers import make_optimizer
from recog.training.step import jit_train_step, zero_totals
from tests.launch.conftest import price_reader, tiny_config

STEPS = 4


def layout(folder: str, fsdp: int, parts: int) -> Config:
    """The tiny reader, without dropout and of one width; its channels can be shared by 4 devices."""
    config = tiny_config(folder)
    config.data.batch_size, config.data.buckets, config.model.dropout = 16, (64,), 0.0
    config.optimizer.accumulation_steps, config.mesh.fsdp, config.model.width = parts, fsdp, 1 / 16
    return config


def train_on(folder: str, devices: int, fsdp: int, parts: int) -> dict:
    """Losses and readings of a few steps."""
    config = layout(folder, fsdp, parts)
    task, mesh = make_task(config), meshes.make_mesh(config.mesh, jax.devices()[:devices])
    samples = check(open_data(config)[0], config, task, "samples")
    stream, _ = make_stream(samples.source, samples.checked, task.alphabet, config.data, seed=0)
    sharding = meshes.by_parameter(mesh, abstract_state(config, task))
    make_state = state_maker(config, task, make_optimizer(config.optimizer, config.train.steps))
    state, one_step = jax.jit(make_state, out_shardings=sharding)(), advance(config, task)
    losses = []
    with contextlib.closing(iter(stream)) as batches:
        placed = [meshes.put_batch(mesh, batch) for batch in itertools.islice(batches, STEPS)]
    no_totals = functools.partial(zero_totals, one_step, state, placed[0])
    no_totals = jax.jit(no_totals, out_shardings=meshes.replicated(mesh))
    step = jit_train_step(one_step, mesh, sharding).lower(state, no_totals(), placed[0]).compile()
    for batch in placed:
        state, totals = step(state, no_totals(), batch)
        losses.append(float(totals.sums["ctc_loss"]))
    leaves = jax.tree.leaves((state.params, state.optimizer_states))
    held = sum(x.addressable_shards[0].data.size for x in leaves) / sum(x.size for x in leaves)
    state_bytes = sum(x.addressable_shards[0].data.nbytes for x in jax.tree.leaves(state))
    with contextlib.closing(one_pass(samples, config, task)) as stream:
        read = Evaluator(task, mesh)(state.variables, stream)
    return {
        "losses": losses,
        "held": held,
        "read": [(p.id, round(p.confidence, 4)) for p in read.predictions],
        "summed": summed_numbers(step.as_text() or ""),
        "parameters": count_parameters(state.variables),
        "donated": step.memory_analysis().alias_size_in_bytes / state_bytes,
    }


def eta_on(folder: str, devices: int) -> dict[str, float]:
    """What an evaluation makes of the weight that is learnt from the validation samples."""
    config = price_reader(folder)
    config.data.batch_size = 8
    task, mesh = make_task(config), meshes.make_mesh(config.mesh, jax.devices()[:devices])
    training, validation = (check(samples, config, task, "samples") for samples in open_data(config))
    make_state = state_maker(config, task, make_optimizer(config.optimizer, config.train.steps))
    state = jax.jit(make_state, out_shardings=meshes.replicated(mesh))()
    adapt = eta_learner(config, task, validation, optax.constant_schedule(0.1), mesh)
    assert adapt is not None
    with contextlib.closing(one_pass(training, config, task)) as stream:
        _, logged = adapt(state, meshes.put_batch(mesh, next(stream)))
    return logged


def summed_numbers(program: str) -> int:
    """How many numbers the all-reduces of a compiled program sum over devices."""
    results = re.findall(r" = (\S+|\([^)]*\)) all-reduce(?:-start)?\(", program)
    shapes = re.findall(r"\w+\[([\d,]*)\]", " ".join(results))
    return sum(math.prod(int(size) for size in shape.split(",") if size) for shape in shapes)


if __name__ == "__main__":
    meshes.SMALL = 1  # so that the arrays of a tiny model are split as well
    tiles = conv_forms.LEAST_CHANNELS
    for argument in sys.argv[2:]:
        conv_forms.LEAST_CHANNELS = sys.maxsize if argument.startswith("plain,") else tiles  # as accelerators convolve
        argument = argument.removeprefix("plain,")
        run_on, numbers = (eta_on, argument[4:]) if argument.startswith("eta,") else (train_on, argument)
        outcome = run_on(sys.argv[1], *map(int, numbers.split(",")))
        print(json.dumps(outcome), flush=True)
