"""Trains a few steps on each layout of devices: ``python -m tests.launch.on_devices FOLDER DEVICES,FSDP,PARTS ...``.

Prints one line of JSON for each: the losses, the share of the parameters that the first device holds, what is read,
what one step sums over all devices, and the share of the state whose memory it uses again. ``plain:`` before the
numbers convolves as accelerators do, ``tiny:`` takes the tiny reader. For ``eta:DEVICES``, what moves the weight of a
branch of the price reader.
"""

import contextlib
import functools
import itertools
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import jax
import optax

from datasets.pipeline import make_stream
from launch.runs.assembly import assemble
from launch.runs.collectives import collectives
from launch.runs.config import Config
from launch.runs.data import check, needs, one_pass, open_data
from launch.runs.eta import eta_learner
from launch.runs.settings import array_settings
from launch.runs.states import abstract_state, advance_of, make_state
from launch.runs.tasks import make_task
from recog import mesh as meshes
from recog.evaluation.cost import count_parameters
from recog.evaluation.evaluator import Evaluator
from recog.models.crnn import CRNNConfig
from recog.ops import conv_forms
from recog.ops.recurrent import RecurrentConfig
from recog.training.step import jit_train_step, zero_totals
from tests.launch.conftest import price_reader, tiny_config, varied_config

STEPS = 4
TILED_FROM = conv_forms.WINOGRAD_MIN_CHANNELS


def layout(folder: str, tiny: bool, fsdp: int, parts: int) -> Config:
    """The tiny reader, or one with all convolutions and augmentation; its channels can be shared by 4 devices."""
    config = tiny_config(folder) if tiny else varied_config(folder)
    if not tiny:
        config.model = CRNNConfig(batch_norm=(2, 5, 6), recurrent=RecurrentConfig(layers=1, units=8))
    config.data.batch_size, config.data.buckets, config.model.width = 16, (64,), 1 / 16
    config.optimizer.accumulation_steps, config.mesh.fsdp = parts, fsdp
    return config


def train_on(config: Config, devices: int) -> dict:
    """Losses and readings of a few steps."""
    task, mesh = make_task(config), meshes.make_mesh(config.mesh, jax.devices()[:devices])
    data, everywhere = config.data, meshes.replicated(mesh)
    samples = check(open_data(config)[0], needs(data, task), "raise", "samples")
    stream, _ = make_stream(samples.source, samples.checked, task.codec, data, seed=0)
    sharding = meshes.by_parameter(mesh, abstract_state(config, task))
    state = jax.jit(functools.partial(make_state, config, task), out_shardings=sharding)()
    with contextlib.closing(iter(stream)) as batches:
        placed = [meshes.put_batch(mesh, batch) for batch in itertools.islice(batches, STEPS)]
    settings, one_step_of = array_settings([config])[0], advance_of(config, task.codec, None)
    settings = jax.device_put(settings, everywhere)
    no_totals = jax.jit(
        functools.partial(zero_totals, one_step_of(settings), state, placed[0]), out_shardings=everywhere
    )
    step: Any = jit_train_step(one_step_of, mesh, sharding)
    step = step.lower(settings, state, no_totals(), placed[0]).compile()
    losses = []
    for batch in placed:
        state, totals = step(settings, state, no_totals(), batch)
        losses.append(float(totals.sums["ctc_loss"]))
    leaves = jax.tree.leaves((state.params, state.optimizer_states))
    held = sum(x.addressable_shards[0].data.size for x in leaves) / sum(x.size for x in leaves)
    state_bytes = sum(x.addressable_shards[0].data.nbytes for x in jax.tree.leaves(state))
    with contextlib.closing(one_pass(samples, data, task.codec)) as stream:
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
    run = assemble(config, Path(tempfile.gettempdir()) / "no_run")
    run = run._replace(mesh=meshes.make_mesh(config.mesh, jax.devices()[:devices]))
    make = functools.partial(make_state, config, run.task)
    state = jax.jit(make, out_shardings=meshes.replicated(run.mesh))()
    adapt = eta_learner(run, optax.constant_schedule(0.1))
    assert adapt is not None
    with contextlib.closing(one_pass(run.training, config.data, run.task.codec)) as stream:
        _, logged = adapt(state, meshes.put_batch(run.mesh, next(stream)))
    return logged


def summed_numbers(program: str) -> int:
    """How many numbers the all-reduces of a compiled program sum over devices."""
    sums = [operation for operation in collectives(program) if operation.kind == "all-reduce"]
    return sum(size for operation in sums for _, size in operation.arrays)


def outcome(folder: str, argument: str) -> dict:
    """What one argument of the command line asks for."""
    word, _, numbers = argument.rpartition(":")
    if word == "eta":
        return eta_on(folder, int(numbers))
    devices, fsdp, parts = map(int, numbers.split(","))
    # Without tiles, convolutions are those of accelerators.
    conv_forms.WINOGRAD_MIN_CHANNELS = sys.maxsize if word == "plain" else TILED_FROM
    return train_on(layout(folder, word == "tiny", fsdp, parts), devices)


if __name__ == "__main__":
    meshes.SMALL = 1  # so that the arrays of a tiny model are split as well
    for argument in sys.argv[2:]:
        print(json.dumps(outcome(sys.argv[1], argument)), flush=True)
