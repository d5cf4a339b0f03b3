"""The benchmark of training: PyTorch's readers and steps are ours, and the table holds what it should."""

from typing import Any

import flax.traverse_util
import jax
import numpy as np
import pytest

from launch.benchmarks import rival, train
from launch.benchmarks import training_contestants as contestants
from launch.benchmarks.contestant import Result
from launch.benchmarks.rival import MODELS
from launch.benchmarks.timing import Timing
from launch.runs.config import Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.evaluation.cost import count_parameters
from recog.models.crnn import CRNNConfig
from recog.models.frames import Frames
from recog.models.lprnet import LPRNetConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.stn import IDENTITY
from recog.ops.recurrent import RecurrentConfig
from recog.tasks.task import Task, normalize
from tests.launch.tiny_models import two_convolutions


@pytest.fixture
def torch():
    """Torch on one thread: its threads wait for each other on shared cores."""
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield torch
    torch.set_num_threads(threads)


def small(name: str) -> Config:
    """Its architecture with few channels, nothing dropped at random, and a steady rate from the first step on."""
    config = contestants.configure(name, batch_size=3, dtype="float32")
    config.optimizer.schedule, config.optimizer.warmup_steps = "constant", 0
    config.model.dropout = 0.0
    config.model.width = 0.1
    match config.model:
        case CRNNConfig() as model:
            model.recurrent = RecurrentConfig(layers=3, units=6, projection=5)
        case PlateReaderConfig() as model:
            model.width, model.fc_units, model.transformer.dropout = 0.05, 9, 0.0
            model.recurrent = RecurrentConfig(layers=2, units=6, projection=0)
            config.optimizer.learning_rate = 1e-4
        case LPRNetConfig():
            config.optimizer.learning_rate = 1e-4
    return config


def random_variables(config: Config, task: Task) -> dict:
    """Variables of which none is as it starts: zeros and ones would hide what they stand for."""
    random, shapes = np.random.default_rng(1), abstract_state(config, task).variables
    made = {}
    for path, leaf in _flat(shapes).items():
        noise = random.standard_normal(leaf.shape, np.float32)
        if path[-1] in ("scale", "var"):
            made[path] = 1 + 0.5 * np.tanh(noise)
        elif path[-1] in ("bias", "mean"):
            made[path] = 0.1 * noise + (np.array(IDENTITY, np.float32) if "theta" in path else 0)
        else:
            made[path] = noise * np.float32((0.02 if "theta" in path else 1) * (2 / np.prod(leaf.shape[:-1])) ** 0.5)
    return flax.traverse_util.unflatten_dict(made)


def _flat(tree: dict) -> dict[tuple[str, ...], Any]:
    """Leaves by the names above them."""
    flat: Any = flax.traverse_util.flatten_dict(tree)
    return flat


def torch_names(variables: dict) -> dict[str, np.ndarray]:
    """Our variables under PyTorch's names, in its layouts."""
    tensors = _recurrent_layers(variables["params"].get("recurrent", {}))
    for path, array in _flat(variables["params"]).items():
        *modules, leaf = path
        if modules[0] == "recurrent":
            if modules[1].startswith("layer"):
                continue
            modules.insert(1, "stack")
        name = {"kernel": "weight", "scale": "weight", "bias": "bias"}[leaf]
        tensors[".".join([*modules, name])] = array.transpose({4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[array.ndim])
    for path, array in _flat(variables["batch_stats"]).items():
        tensors[".".join([*path[:-1], {"mean": "running_mean", "var": "running_var"}[path[-1]]])] = array
    return tensors


def _recurrent_layers(recurrent: dict) -> dict[str, np.ndarray]:
    """Our LSTM layers, which have one bias where PyTorch's have two."""
    layers = [name for name in recurrent if name.startswith("layer")]
    tensors = {}
    for number, layer in enumerate(layers):
        # Without projections, one nn.LSTM holds all layers.
        module, place = (layer, 0) if "projection1" in recurrent else (layers[0], number)
        arrays = recurrent[layer]
        for way, suffix in enumerate(("", "_reverse")):
            prefix, end = f"recurrent.stack.{module}.", f"_l{place}{suffix}"
            tensors[f"{prefix}weight_ih{end}"] = arrays["kernel"][way].T
            tensors[f"{prefix}weight_hh{end}"] = arrays["recurrent"][way].T
            tensors[f"{prefix}bias_ih{end}"] = arrays["bias"][way]
            tensors[f"{prefix}bias_hh{end}"] = np.zeros_like(arrays["bias"][way])
    return tensors


def transplant(torch, variables: dict, reader) -> None:
    """Gives PyTorch's reader our variables; none is left over and none missing."""
    tensors = {name: torch.tensor(np.array(array)) for name, array in torch_names(variables).items()}
    missing, unexpected = reader.load_state_dict(tensors, strict=False)
    assert not unexpected
    assert all(name.endswith("num_batches_tracked") for name in missing)


def torch_trainer(config: Config, task: Task, batch):
    from launch.benchmarks.torch_training import Trainer

    return Trainer(config, task.codec.classes, task.codec.alphabet.blank_id, batch, "cpu")


@pytest.mark.parametrize("name", MODELS)
def test_pytorch_reads_what_ours_reads(name, torch):
    from launch.benchmarks.torch_readers import count_parameters

    config = small(name)
    task = make_task(config)
    variables, batch = random_variables(config, task), contestants.make_batch(config, task)
    reader = torch_trainer(config, task, batch).reader.eval()
    transplant(torch, variables, reader)
    assert count_parameters(reader) == sum(map(np.size, jax.tree.leaves(variables["params"])))

    read = jax.jit(lambda images: task.model.apply(variables, images, batch.widths, train=False))
    frames: Frames = read(normalize(batch.images))
    with torch.no_grad():
        logits = reader(torch.tensor(np.array(normalize(batch.images))).permute(0, 3, 1, 2))
    np.testing.assert_allclose(logits.permute(1, 0, 2), frames.logits, atol=1e-3, rtol=1e-3)
    assert np.std(frames.logits, axis=(0, 1)).min() > 1e-3, "a reader that sees nothing proves nothing"


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
def test_pytorch_learns_what_ours_learns(name, torch):
    config = small(name)
    task = make_task(config)
    variables, batch = random_variables(config, task), contestants.make_batch(config, task)
    ours, theirs = contestants.Ours(config, task, batch), torch_trainer(config, task, batch)
    transplant(torch, variables, theirs.reader)
    for parameter_name, parameter in theirs.reader.named_parameters():
        # Both biases of an LSTM would take our only one's step.
        parameter.requires_grad_("bias_hh" not in parameter_name)
    params = jax.device_put(variables.pop("params"), jax.tree.map(lambda x: x.sharding, ours.state.params))
    rest = jax.device_put(variables, jax.tree.map(lambda x: x.sharding, ours.state.model_state))
    ours.state = ours.state.replace(params=params, model_state=rest)

    totals, losses = [0.0], []
    for _ in range(3):
        ours.step()
        totals.append(float(ours.totals.sums["ctc_loss"]) / len(batch.images))
        losses.append(float(theirs.step()))
    our_losses = np.diff(totals)
    np.testing.assert_allclose(our_losses[0], losses[0], rtol=1e-4)
    # Steps differ where rounding decides: which of two equal pixels is the greater, the sign of a gradient near zero.
    np.testing.assert_allclose(our_losses[1:] - our_losses[0], np.subtract(losses[1:], losses[0]), rtol=0.1)
    assert abs(losses[-1] - losses[0]) > 2e-4 * losses[0], "updates that change nothing prove nothing"


@pytest.mark.parametrize("name", MODELS)
def test_labels_fit_and_hold_no_blank(name):
    config = contestants.configure(name)
    task = make_task(config)
    batch = contestants.make_batch(config, task)
    frames, blank = task.frames(config.data.width), task.codec.alphabet.blank_id
    for label, size in zip(*batch.targets, strict=True):
        live = label[:size]
        assert frames is not None
        assert size + np.sum(live[1:] == live[:-1]) <= frames
        assert blank not in live
        assert 0 <= live.min() <= live.max() < task.codec.classes


@pytest.mark.parametrize(
    ("platform", "batch_size", "dtype"), [("cpu", 32, "float32"), ("gpu", 256, "bfloat16"), ("tpu", 256, "bfloat16")]
)
def test_what_is_usual_for_the_device(platform, batch_size, dtype, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: platform)
    for name in MODELS:
        config = contestants.configure(name)
        assert (config.data.batch_size, config.model.dtype) == (batch_size, dtype)
    config = contestants.configure("crnn", 7, "float32")
    assert (config.data.batch_size, config.model.dtype) == (7, "float32")


@pytest.mark.parametrize("name", MODELS)
def test_pytorch_trains_in_bfloat16(name, torch):
    config = small(name)
    config.model.dtype = "bfloat16"
    task = make_task(config)
    trainer = torch_trainer(config, task, contestants.make_batch(config, task))
    convolution = next(module for module in trainer.reader.modules() if isinstance(module, torch.nn.Conv2d))
    computed = []
    convolution.register_forward_hook(lambda module, inputs, output: computed.append(output.dtype))
    *_, bias = trainer.reader.parameters()
    before = bias.detach().clone()
    assert np.isfinite(float(trainer.step()))
    assert computed == [torch.bfloat16]
    assert not torch.equal(bias, before)
    assert {parameter.dtype for parameter in trainer.reader.parameters()} == {torch.float32}
    assert trainer._scores(trainer.images).dtype == torch.float32


def test_pytorch_goes_on_without_a_compiler_that_fails(torch, monkeypatch, capsys):
    def compiler(function, mode):
        def fail(*arguments):
            raise RuntimeError(f"no compiler for {mode}\nand more")

        return fail

    monkeypatch.setattr(torch, "compile", compiler)
    config = small("lprnet")
    task = make_task(config)
    batch, size = contestants.make_batch(config, task), count_parameters(abstract_state(config, task).variables)
    assert list(contestants.torch_contestants(config, task, batch, size)) == ["torch"]
    note = "torch.compile(mode='default') does not work here (RuntimeError: no compiler for default)"
    assert note in capsys.readouterr().err


def test_torch_tells_the_most_that_is_alive_at_once(torch):
    from launch.benchmarks.torch_memory import growth_on_cpu

    def run():
        first = torch.ones(1000)
        second = first + 1
        del first
        return second, torch.ones(500), torch.ones(250)

    assert growth_on_cpu(run) == pytest.approx(4 * 2000, abs=64)  # scalars count as well
    assert growth_on_cpu(lambda: None) == 0


def test_another_architecture_is_no_rival(torch):
    config = small("crnn")
    task = make_task(config)
    with pytest.raises(
        ValueError, match=r"reader has [\d,]+ parameters, ours 7: .*does not implement this configuration"
    ):
        contestants.torch_contestants(config, task, contestants.make_batch(config, task), 7)


def test_the_ratio_is_to_the_fastest_and_marked_where_disturbed():
    quiet, disturbed = Timing(0.5, 0.0), Timing(1.0, 0.5)
    results = {
        "recog": Result(quiet, 3 * 2**20),
        "torch": Result(Timing(2.0, 0.0), 5 * 2**20),
        "compiled": Result(disturbed, 4 * 2**20),
    }
    row = train.Row("lprnet", contestants.configure("lprnet", batch_size=10), flops=10**9, results=results)
    cells = train.line(row, peak=4e9).split()
    assert cells == ["lprnet", "20.0", "5.0", "10.0?", "2.00x?", "50.0", "25.0?", "3", "4"]
    assert len(cells) == 1 + len(train.header()[1].split())
    assert len(train.line(row, peak=4e9)) == len(train.header()[0]) == len(train.header()[1])


def test_without_torch_ours_stands_alone():
    row = train.Row("crnn", contestants.configure("crnn"), 10**9, {"recog": Result(Timing(1.0, 0.0), 0)})
    assert train.line(row, peak=1e10).split()[2:] == ["-", "-", "-", "10.0", "-", "-", "-"]


def assert_reported(row: train.Row, lines: list[str]) -> None:
    for result in row.results.values():
        assert result.timing.seconds > 0
        assert 0 < result.peak_bytes < 2**30
    data = row.config.data
    assert lines[2].startswith(row.name)
    assert lines[3].startswith(f"{row.name}: {data.height}x{data.width}x{data.channels}, batch 3, float32")
    assert any("jax" in line for line in lines[4:])


@pytest.mark.exhaustive
def test_reports_every_contestant(monkeypatch, capsys):
    monkeypatch.setattr(rival, "MODES", {"cpu": {}, "gpu": {}})
    (row,) = train.report({"lprnet": small("lprnet")}, seconds=0.0, rounds=1)
    assert "recog" in row.results
    assert_reported(row, capsys.readouterr().out.splitlines())


def test_reports_our_step_by_itself(monkeypatch, capsys):
    monkeypatch.setattr(rival, "torch_device", lambda: None)
    config = small("crnn")
    config.model = two_convolutions()
    (row,) = train.report({"crnn": config}, seconds=0.0, rounds=1)
    assert list(row.results) == ["recog"]
    assert_reported(row, capsys.readouterr().out.splitlines())
