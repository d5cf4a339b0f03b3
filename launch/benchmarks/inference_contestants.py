"""Readers that the benchmark of models compares: the live model, its exported program, and PyTorch's."""

import functools
from collections.abc import Callable, Sequence

import flax.traverse_util
import jax
import numpy as np
from jax import export
from jaxtyping import Int32, UInt8

from launch.benchmarks import rival
from launch.benchmarks.contestant import Contestant, Result, peak_bytes
from launch.benchmarks.timing import time_in_turns
from launch.runs.config import Config
from launch.runs.costs import Cost
from launch.runs.data import shape_of_batch
from launch.runs.tasks import make_task
from recog.batch import Batch, full_height
from recog.export import onnx_program
from recog.export.onnx.emit import OnnxOptions, emit, parts_of
from recog.export.write import make_program, used_by_predict


class Ours:
    """Our reader with fresh parameters, live and exported.

    Args:
      config: model and data.
      cost: the size of its pictures.
    """

    def __init__(self, config: Config, cost: Cost):
        self._task, self._cost = make_task(config), cost
        shapes, preprocess = shape_of_batch(config.data, self._task.codec), config.data.preprocess
        batch: Batch = jax.tree.map(lambda x: np.zeros((1, *x.shape[1:]), x.dtype), shapes)
        batch = batch._replace(images=_noise(cost, 1), sizes=_sizes(cost, 1))
        self._variables = jax.jit(self._task.init)(jax.random.key(0), batch)
        self._preprocess = preprocess
        flat = flax.traverse_util.flatten_dict(self._variables, sep="/")
        self._used = used_by_predict(self._task, flat, preprocess)
        self._exported = export.deserialize(bytearray(make_program(self._task, self._used, preprocess).serialize()))

    def contestants(self, rows: int) -> dict[str, Contestant]:
        """The live model (``recog``) and the exported program (``artifact``), compiled for a batch of noise."""
        arguments = self._batch(rows)
        live = jax.jit(self._task.predict).lower(self._variables, *arguments).compile()
        return {
            "recog": Contestant(functools.partial(_run, live, self._variables, *arguments), peak_bytes(live)),
            "artifact": self.exported(rows),
        }

    def exported(self, rows: int) -> Contestant:
        """The exported program, compiled for a batch of noise."""
        arguments = self._batch(rows)
        exported = jax.jit(self._exported.call).lower(self._used, *arguments).compile()
        return Contestant(functools.partial(_run, exported, self._used, *arguments), peak_bytes(exported))

    def onnx(self, rows: int) -> Contestant:
        """The ONNX program in onnxruntime for a batch of noise, with all that makes its outputs the artifact's."""
        task, arrays = self._task, jax.device_get(self._used)
        emitted = emit(task, arrays, self._preprocess, OnnxOptions(), {})
        program = onnx_program.make_program(emitted.model.SerializeToString(), task.codec, parts_of(task))
        return Contestant(functools.partial(program, _noise(self._cost, rows), _sizes(self._cost, rows)), 0)

    def _batch(self, rows: int) -> tuple[jax.Array, jax.Array]:
        return jax.device_put((_noise(self._cost, rows), _sizes(self._cost, rows)))


def _sizes(cost: Cost, rows: int) -> Int32[np.ndarray, "B 2"]:
    return full_height(np.full(rows, cost.width), cost.height)


def torch_contestants(config: Config, cost: Cost, rows: int) -> dict[str, Contestant]:
    """PyTorch's reader of the same architecture, eager and compiled in each mode that works.

    Raises:
      ValueError: its reader has another number of parameters, so another architecture.
    """
    device = rival.torch_device()
    if device is None:
        return {}
    from launch.benchmarks.torch_inference import Inference

    config.data.width = cost.width
    images, classes = _noise(cost, rows), make_task(config).codec.classes

    def make(mode: str | None) -> Contestant:
        reader = Inference(config, classes, images, device, mode)
        rival.require_same_size(reader.parameters, cost.parameters)
        reader.read()
        return Contestant(reader.read, reader.peak_bytes())

    return rival.each_mode(make)


def measure(name: str, config: Config, cost: Cost, sizes: Sequence[int], seconds: float) -> list[dict[str, Result]]:
    """Times a batch of each size with each contestant; for PyTorch the fastest mode counts."""
    ours, measured = Ours(config, cost), []
    for rows in sizes:
        field = ours.contestants(rows)
        theirs = torch_contestants(config, cost, rows) if name in rival.READERS else {}
        runs = [contestant.run for contestant in (*field.values(), *theirs.values())]
        timings = time_in_turns(runs, seconds)
        results = [Result(t, c.peak_bytes) for t, c in zip(timings, (*field.values(), *theirs.values()), strict=True)]
        found = dict(zip(field, results, strict=False))
        measured.append(found | ({"torch": min(results[len(field) :])} if theirs else {}))
    return measured


def _noise(cost: Cost, rows: int) -> UInt8[np.ndarray, "B H W C"]:
    return np.random.default_rng(0).integers(0, 256, (rows, cost.height, cost.width, cost.channels), np.uint8)


def _run(read: Callable, *arguments):
    return jax.block_until_ready(read(*arguments))
