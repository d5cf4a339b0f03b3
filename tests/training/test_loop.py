"""The loop's bookkeeping, over a step that only counts."""

import errno
from typing import NamedTuple

import grain.python as grain
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.batch import Batch
from recog.training.checkpoints import Checkpoints
from recog.training.clock import Clock, Utilization
from recog.training.loop import Loop, LoopConfig
from recog.training.preemption import StopRequest
from recog.training.profiling import Profile
from recog.training.record import Measured, NotFiniteError, Record
from recog.training.records import Records
from recog.training.state import TrainState
from recog.training.step import Totals
from recog.training.writers import MetricWriter, load_metrics
from tests.batches import text_batch
from tests.training.events import load_pictures


def batch_of(number: int) -> Batch:
    """One sample whose id is the number, and whose picture is 8 columns wide, or 16 where the number ends in 5."""
    images = np.zeros((1, 4, 16 if number % 10 == 5 else 8, 1), np.uint8)
    one = np.ones(1, np.int32)
    ids = np.array([number], np.int32)
    return jax.device_put(text_batch(images, one, np.ones((1, 1), np.int32), one, ids))


def train_step(state: TrainState, totals: Totals, batch: Batch) -> tuple[TrainState, Totals]:
    """Sums the numbers of the stream; a negative one stands for a loss that is not finite."""
    number = batch.ids[0]
    bad = (number < 0) & (totals.trouble_step < 0)
    sums = {name: totals.sums[name] + 1.0 for name in totals.sums}
    totals = Totals(
        sums | {"skipped": totals.sums["skipped"]},
        jnp.where(bad, state.step, totals.trouble_step),
        jnp.where(bad, jnp.array([41, -1]), totals.trouble_ids),
    )
    return state.replace(step=state.step + 1, params=state.params + number), totals


def zero_totals() -> Totals:
    zeros = {name: jnp.zeros(()) for name in ("samples", "skipped", "ctc_loss", "accuracy")}
    return Totals(zeros, jnp.full((), -1, jnp.int32), jnp.full(2, -1, jnp.int32))


class Evaluations:
    """Remembers the steps it was asked at, and does something at one of them."""

    def __init__(self, at: int = -1, then=lambda: None):
        self.steps, self.at, self.then = [], at, then

    def __call__(self, state: TrainState) -> list[Measured]:
        self.steps.append(int(state.step))
        if self.steps[-1] == self.at:
            self.then()
        return [Measured({"accuracy": 0.5}, "accuracy")]


def run(tmp_path, config, numbers=None, evaluate=None, stop=None, adapt=None, step=None, profile_steps="", draw=None):
    numbers = list(range(100)) if numbers is None else numbers
    state = TrainState(jnp.zeros((), jnp.int32), jnp.zeros(()), {}, ())
    stream = iter(grain.MapDataset.source(numbers).map(batch_of).to_iter_dataset())
    writer = MetricWriter(tmp_path)
    with Checkpoints(tmp_path) as checkpoints:
        record = Record(writer, checkpoints, lambda step: 0.1, lambda index: f"file:{index}", adapt, draw)
        loop = Loop(
            config=config,
            train_step=step or jax.jit(train_step, donate_argnums=(0, 1)),
            zero_totals=zero_totals,
            stream=stream,
            evaluate=evaluate or Evaluations(),
            records=Records([record], ["run"]),
            utilization=Utilization(lambda batch: batch.images.shape[2], 1000.0),
            profile=Profile(tmp_path, profile_steps),
        )
        try:
            return loop.run(state, stop or StopRequest())
        finally:
            writer.close()


def saved(tmp_path) -> list[int]:
    return sorted(int(path.name) for path in (tmp_path / "checkpoints" / "latest").iterdir())


def test_logs_evaluates_and_saves_when_due_and_at_the_end(tmp_path):
    evaluate = Evaluations()
    state = run(tmp_path, LoopConfig(steps=11, log_every=2, evaluate_every=4, checkpoint_every=5), evaluate=evaluate)
    assert (int(state.step), float(state.params)) == (11, sum(range(11)))
    assert evaluate.steps == [4, 8, 11]
    assert saved(tmp_path) == [10, 11]
    lines = load_metrics(tmp_path / "metrics.jsonl")
    assert [line["step"] for line in lines if "train/ctc_loss" in line] == [2, 4, 5, 6, 8, 10, 11]
    assert all(line["train/ctc_loss"] == 1.0 for line in lines if "train/ctc_loss" in line), "a mean over samples"


def test_metrics_are_drawn_once_after_each_evaluation(tmp_path):
    drawn = []

    def draw():
        drawn.append(load_metrics(tmp_path / "metrics.jsonl")[-1])

    run(tmp_path, LoopConfig(steps=11, log_every=2, evaluate_every=4, checkpoint_every=5), draw=draw)
    assert drawn == [{"step": step, "validation/accuracy": 0.5} for step in (4, 8, 11)]


def test_pictures_of_an_evaluation_are_written_with_its_step(tmp_path):
    def evaluate(state: TrainState) -> list[Measured]:
        picture = np.full((1, 1, 3), int(state.step), np.uint8)
        return [Measured({"accuracy": 0.5}, "accuracy", pictures=lambda: {"validation/heat_maps": picture})]

    run(tmp_path, LoopConfig(5, 0, 2, 0), evaluate=evaluate)
    shown = [(found.step, found.tag, found.picture.max()) for found in load_pictures(tmp_path)]
    assert shown == [(step, "validation/heat_maps", step) for step in (2, 4, 5)]


def test_training_goes_on_if_pictures_or_curves_cannot_be_drawn(tmp_path, capsys):
    def evaluate(state: TrainState) -> list[Measured]:
        return [Measured({"accuracy": 0.5}, "accuracy", pictures=full)]

    def full():
        raise OSError(errno.ENOSPC, "No space left on device")

    def draw():
        raise ValueError("no curve")

    state = run(tmp_path, LoopConfig(5, 0, 2, 0), evaluate=evaluate, draw=draw)
    assert int(state.step) == 5
    assert saved(tmp_path) == [5]
    printed = capsys.readouterr()
    for step in (2, 4, 5):
        assert f"step {step}: pictures could not be drawn (OSError: [Errno 28] No space left on" in printed.out
        assert f"step {step}: curves could not be drawn (ValueError: no curve)" in printed.out


def test_a_stop_during_an_evaluation_ends_after_one_more_step_with_everything_saved(tmp_path):
    stop = StopRequest()
    evaluate = Evaluations(at=4, then=lambda: setattr(stop, "requested", True))
    state = run(tmp_path, LoopConfig(100, 50, 4, 50), evaluate=evaluate, stop=stop)
    assert int(state.step) == 5
    assert saved(tmp_path) == [5]


def test_trouble_names_step_and_samples_and_saves_nothing_after_it(tmp_path):
    numbers = [0, 1, 2, 3, 4, -1, 6, 7, 8]
    with pytest.raises(NotFiniteError, match=r"at step 6; samples(.|\n)*sample 41: file:41"):
        run(tmp_path, LoopConfig(9, 3, 9, 3), numbers)
    assert saved(tmp_path) == [3]


def test_zero_means_only_at_the_end(tmp_path):
    evaluate = Evaluations()
    run(tmp_path, LoopConfig(5, 0, 0, 0), evaluate=evaluate)
    assert evaluate.steps == [5]
    assert saved(tmp_path) == [5]


def test_every_shape_of_batches_is_announced_once_and_compilations_are_logged(tmp_path, capsys):
    traced = []

    @jax.jit
    def step(state: TrainState, totals: Totals, batch: Batch):
        traced.append(batch.images.shape)  # Python runs when jax compiles, and not again
        return train_step(state, totals, batch)

    run(tmp_path, LoopConfig(30, 5, 0, 0), step=step)
    assert traced == [(1, 4, 8, 1), (1, 4, 16, 1)]
    lines = [line for line in capsys.readouterr().out.splitlines() if "compiles" in line]
    assert lines == [
        "step 1: compiles for pictures padded to 8 columns",
        "step 6: compiles for pictures padded to 16 columns",
    ]
    logged = [
        line["train/compilations"] for line in load_metrics(tmp_path / "metrics.jsonl") if "train/accuracy" in line
    ]
    assert logged == [1, 2, 2, 2, 2, 2]


def test_steps_are_dispatched_ahead_of_the_oldest_and_totals_fetched_only_to_log(tmp_path, monkeypatch):
    events, jitted, fetch = [], jax.jit(train_step), jax.device_get

    class Dispatched(NamedTuple):
        """What is known of a step that has not ended."""

        number: int

        def is_ready(self):
            return False

        def block_until_ready(self):
            events.append(f"wait for {self.number}")

    def step(state: TrainState, totals: Totals, batch: Batch):
        events.append("step")
        return jitted(state, totals, batch)

    def device_get(x):
        events.append("fetch")
        return fetch(x)

    monkeypatch.setattr(jax.numpy, "copy", lambda x: Dispatched(events.count("step")))
    monkeypatch.setattr(jax, "device_get", device_get)
    run(tmp_path, LoopConfig(6, 5, 0, 0), step=step)
    assert events == [*4 * ["step"], "wait for 1", "step", "wait for 2", "fetch", "step", "wait for 3", "fetch"]


def test_what_adapts_at_each_evaluation_is_trained_on_saved_and_logged(tmp_path):
    seen = []

    def adapt(state: TrainState, batch: Batch):
        seen.append((int(state.step), int(batch.ids[0])))
        return state.replace(params=state.params + 1000), {"eta": float(len(seen))}

    state = run(tmp_path, LoopConfig(5, 0, 2, 2), adapt=adapt)
    assert seen == [(2, 1), (4, 3), (5, 4)], "the batch last trained on"
    assert float(state.params) == sum(range(5)) + 3000
    lines = load_metrics(tmp_path / "metrics.jsonl")
    assert [(line["step"], line["validation/eta"]) for line in lines if "validation/eta" in line] == [
        (2, 1.0),
        (4, 2.0),
        (5, 3.0),
    ]
    with Checkpoints(tmp_path) as checkpoints:
        like = TrainState(jnp.zeros((), jnp.int32), jnp.zeros(()), {}, ())
        restored = checkpoints.restore(like)
    assert float(restored.state.params) == float(state.params)


@pytest.mark.parametrize(("share", "told"), [(0.4, True), (0.06, True), (0.05, False), (0.0, False)])
def test_the_progress_bar_tells_a_wait_worth_mending(tmp_path, capsys, monkeypatch, share, told):
    rates = {"train/images_per_second": 12.0, "train/mfu": 0.125, "train/input_wait": share}
    monkeypatch.setattr(Clock, "read", lambda self, images: rates)
    run(tmp_path, LoopConfig(3, 1, 0, 0))
    shown = capsys.readouterr().err
    assert "12 images/s, MFU 12.5%" in shown
    assert (f"{share:.0%} of the time waiting for data" in shown) == told
    assert load_metrics(tmp_path / "metrics.jsonl")[-2]["train/input_wait"] == share


def test_named_steps_are_traced(tmp_path, capsys):
    run(tmp_path, LoopConfig(6, 0, 0, 0), profile_steps="2:4")
    assert f"step 4: trace for TensorBoard or xprof in {tmp_path / 'profile'}" in capsys.readouterr().out
    assert list((tmp_path / "profile").rglob("*.xplane.pb"))


def test_a_trace_is_written_even_if_the_run_ends_first_and_another_can_follow(tmp_path):
    for name, steps in [("short", "2:10"), ("next", "1:1")]:
        (tmp_path / name).mkdir()
        run(tmp_path / name, LoopConfig(3, 0, 0, 0), profile_steps=steps)
        assert list((tmp_path / name / "profile").rglob("*.xplane.pb"))


@pytest.mark.parametrize("steps", ["10", "20:10", "0:3", "a:b", "3-4"])
def test_steps_to_trace_that_are_no_range_are_refused(tmp_path, steps):
    with pytest.raises(ValueError, match=f"--profile_steps={steps}: name the first and the last"):
        Profile(tmp_path, steps)


def test_a_step_that_would_copy_from_the_host_unasked_is_refused(tmp_path):
    def step(state: TrainState, totals: Totals, batch: Batch):
        return jax.jit(train_step)(state, totals, batch._replace(ids=np.asarray(batch.ids)))

    with pytest.raises(Exception, match="transfer"):
        run(tmp_path, LoopConfig(2, 0, 0, 0), step=step)


def test_a_trace_of_steps_that_will_not_come_is_told(tmp_path):
    for steps in ("", "1001:1001", "2000:3000"):
        assert not Profile(tmp_path, steps).missed(1000, 2000)
    for steps in ("1000:1010", "2001:2002"):
        assert "begins outside the remaining steps 1001 to 2000" in Profile(tmp_path, steps).missed(1000, 2000)
