"""The benchmark of training: PyTorch's readers and steps are ours, and the table holds what it should."""

import dataclasses
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
from launch.benchmarks.training_batch import make_batch
from launch.runs.config import Config
from launch.runs.states import abstract_state
from launch.runs.tasks import make_task
from recog.batch import Batch
from recog.codecs import BoxCodec, BoxTargets
from recog.evaluation.cost import count_parameters
from recog.models.crnn import CRNNConfig
from recog.models.frames import Frames
from recog.models.lprnet import LPRNetConfig
from recog.models.multitask import MultiTaskConfig
from recog.models.plate_reader import PlateReaderConfig
from recog.models.stn import IDENTITY
from recog.models.yolo import YOLOConfig
from recog.ops.recurrent import RecurrentConfig
from recog.tasks.branches import BranchTask
from recog.tasks.task import Task, normalize
from tests.launch.tiny_models import two_convolutions
from tests.launch.torch_names import transplant


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
        case MultiTaskConfig() as model:
            config.data.height, config.data.width, model.units = 16, 40, 7
            model.recurrent = RecurrentConfig(layers=2, units=6, projection=5)
        case YOLOConfig() as model:
            config.data.height, config.data.width, model.blocks = 64, 96, (0, 1, 2, 1, 1)
            config.optimizer.learning_rate, config.optimizer.weight_decay = 1e-4, 1.0
    return config


def random_variables(config: Config, task: Task) -> dict:
    """Variables of which none is as it starts: zeros and ones would hide what they stand for."""
    random, shapes = np.random.default_rng(1), abstract_state(config, task).variables
    made = {}
    flat: Any = flax.traverse_util.flatten_dict(shapes)
    for path, leaf in flat.items():
        noise = random.standard_normal(leaf.shape, np.float32)
        if path[-1] in ("scale", "var"):
            made[path] = 1 + 0.5 * np.tanh(noise)
        elif path[-1] == "eta":
            made[path] = np.float32(task.model.config.eta)
        elif path[-1] in ("bias", "mean"):
            made[path] = 0.1 * noise + (np.array(IDENTITY, np.float32) if "theta" in path else 0)
        else:
            made[path] = noise * np.float32((0.02 if "theta" in path else 1) * (2 / np.prod(leaf.shape[:-1])) ** 0.5)
    return flax.traverse_util.unflatten_dict(made)


def torch_trainer(config: Config, task: Task, batch):
    from launch.benchmarks.torch_training import Trainer

    return Trainer(config, task, batch, "cpu")


def our_outputs(task: Task, variables: dict, batch: Batch) -> list[jax.Array]:
    """Outputs of our network without dropout, by the running statistics."""

    @jax.jit
    def read(images):
        labels = ()
        if isinstance(task, BranchTask):
            labels = ({name: tokens for name, (tokens, _) in task._split(batch).items()},)
        given = {name: variables[name] for name in ("params", "batch_stats")}
        return task.model.apply(given, images, batch.widths, *labels, train=False)

    outputs: Any = read(normalize(batch.images))
    if isinstance(outputs, Frames):
        return [outputs.logits.transpose(1, 0, 2)]
    return [outputs[name] for name in task.model.branches] if isinstance(outputs, dict) else list(outputs)


def their_outputs(torch, trainer, batch: Batch) -> list:
    """Outputs of PyTorch's network in the order of ours."""
    labels = [trainer.objective.previous] if hasattr(trainer.objective, "previous") else []
    with torch.no_grad():
        outputs = trainer.network(torch.tensor(np.array(normalize(batch.images))).permute(0, 3, 1, 2), *labels)
    return list(outputs) if labels or not torch.is_tensor(outputs) else [outputs]


@pytest.mark.parametrize("name", MODELS)
def test_pytorch_computes_what_ours_computes(name, torch):
    from launch.benchmarks.torch_readers import count_parameters

    config = small(name)
    task = make_task(config)
    variables, batch = random_variables(config, task), make_batch(config, task)
    trainer = torch_trainer(config, task, batch)
    transplant(trainer.network.eval(), variables)
    assert count_parameters(trainer.network) == sum(map(np.size, jax.tree.leaves(variables["params"])))

    ours, theirs = our_outputs(task, variables, batch), their_outputs(torch, trainer, batch)
    for our_output, their_output in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(their_output, our_output, atol=1e-3, rtol=1e-3)
        assert np.std(our_output, axis=(0, 1)).min() > 1e-3, "a network that sees nothing proves nothing"


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", MODELS)
def test_pytorch_learns_what_ours_learns(name, torch):
    config = small(name)
    task = make_task(config)
    variables, batch = random_variables(config, task), make_batch(config, task)
    ours, theirs = contestants.Ours(config, task, batch), torch_trainer(config, task, batch)
    transplant(theirs.network, variables)
    for parameter_name, parameter in theirs.network.named_parameters():
        # Both biases of an LSTM would take our only one's step.
        parameter.requires_grad_("bias_hh" not in parameter_name)
    params = jax.device_put(variables.pop("params"), jax.tree.map(lambda x: x.sharding, ours.state.params))
    rest = jax.device_put(variables, jax.tree.map(lambda x: x.sharding, ours.state.model_state))
    ours.state = ours.state.replace(params=params, model_state=rest)

    loss = f"{task.losses[0].name}_loss"
    totals, losses = [0.0], []
    for _ in range(3):
        ours.step()
        totals.append(float(ours.totals.sums[loss]) / len(batch.images))
        losses.append(float(theirs.step()))
    our_losses = np.diff(totals)
    np.testing.assert_allclose(our_losses[0], losses[0], rtol=1e-4)
    # Steps differ where rounding decides: which of two equal pixels is the greater, the sign of a gradient near zero.
    np.testing.assert_allclose(our_losses[1:] - our_losses[0], np.subtract(losses[1:], losses[0]), rtol=0.1)
    assert abs(losses[-1] - losses[0]) > 2e-4 * losses[0], "updates that change nothing prove nothing"


@pytest.mark.parametrize("name", MODELS)
def test_labels_fill_all_slots_that_fit(name):
    config = contestants.configure(name)
    task = make_task(config)
    batch, size = make_batch(config, task), (config.data.height, config.data.width)
    if isinstance(task.codec, BoxCodec):
        labels = [task.codec.label(BoxTargets(*row)) for row in zip(*batch.targets, strict=True)]
        assert batch.targets.mask.all()
    else:
        labels = task.codec.show(batch.targets)
        longer = [task.problems(f"{label}{label[-1]}", size) for label in labels]
        assert all(longer), "one more token would not fit"
    assert [task.problems(label, size) for label in labels] == [{}] * config.data.batch_size
    assert len(set(map(str, labels))) == len(labels)


def test_classes_are_not_measured():
    config = contestants.configure("cats_dogs")
    with pytest.raises(ValueError, match=r"labels of kind 'class.*plate_finder_small"):
        make_batch(config, make_task(config))


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
    trainer = torch_trainer(config, task, make_batch(config, task))
    convolution = next(module for module in trainer.network.modules() if isinstance(module, torch.nn.Conv2d))
    computed = []
    convolution.register_forward_hook(lambda module, inputs, output: computed.append(output.dtype))
    *_, bias = trainer.network.parameters()
    before = bias.detach().clone()
    assert np.isfinite(float(trainer.step()))
    assert computed == [torch.bfloat16]
    assert not torch.equal(bias, before)
    assert {parameter.dtype for parameter in trainer.network.parameters()} == {torch.float32}
    assert trainer._scores(trainer.images).dtype == torch.float32


def test_pytorch_goes_on_without_a_compiler_that_fails(torch, monkeypatch, capsys):
    def compiler(function, mode):
        def fail(*arguments):
            raise RuntimeError(f"no compiler for {mode}\nand more")

        return fail

    monkeypatch.setattr(torch, "compile", compiler)
    config = small("lprnet")
    task = make_task(config)
    batch, size = make_batch(config, task), count_parameters(abstract_state(config, task).variables)
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
        ValueError, match=r"network has [\d,]+ parameters, ours 7: .*do not implement this configuration"
    ):
        contestants.torch_contestants(config, task, make_batch(config, task), 7)


@pytest.mark.parametrize("setting", [{"decoder": "ctc"}, {"backbone": "resnet"}])
def test_other_parts_of_the_multi_task_reader_are_refused(setting, torch):
    config = small("price_tags")
    config.model = dataclasses.replace(config.model, **setting)
    task = make_task(config)
    with pytest.raises(ValueError, match=f"{next(iter(setting.values()))}.*choose vgg and attention"):
        torch_trainer(config, task, make_batch(config, task))


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
