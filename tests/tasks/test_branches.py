"""Reading by parts: losses against optax, masks, and eta's hypergradient against finite differences."""

import dataclasses
import itertools
import re
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from recog.alphabet import PRICE as TOKENS
from recog.batch import Batch
from recog.codecs import TextCodec
from recog.ctc import BeamSearch
from recog.ctc.pattern import compile_pattern
from recog.models.multitask import MultiTaskConfig, MultiTaskReader
from recog.ops.recurrent import RecurrentConfig
from recog.structure import PRICE, WHOLE
from recog.tasks.branches import WEIGHTS, BranchTask, moved_eta
from tests.batches import text_batch
from tests.variables import random_like

PRICES = ["7.99", "10.5", "3.25", "12.00"]
KEY = jax.random.key(0)
RATES = {"attention": 0.2, "ctc": 0.03}
"""Learning rates at which one step changes the hypergradient by more than the tolerance."""


def make_task(structure=PRICE, decoder="attention") -> BranchTask:
    config = MultiTaskConfig(
        width=0.03, recurrent=RecurrentConfig(layers=1, units=6), units=6, decoder=decoder, eta=0.5
    )
    names = tuple(branch.name for branch in structure.branches)
    model = MultiTaskReader(config, names, TOKENS.classes, TOKENS.blank_id, steps=6)
    return BranchTask(model, TextCodec(TOKENS, 6), structure)


def make_batch(seed=0, labels=PRICES, empty=1) -> Batch:
    rows = len(labels) + empty
    tokens, lengths = np.zeros((rows, 6), np.int32), np.zeros(rows, np.int32)
    for row, text in enumerate(labels):
        lengths[row] = len(text)
        tokens[row, : len(text)] = TOKENS.encode(text)
    mask = np.arange(rows) < len(labels)
    images = np.random.default_rng(seed).integers(0, 256, (rows, 16, 64, 1), np.uint8) * mask[:, None, None, None]
    return text_batch(images, np.where(mask, 64, 0), tokens, lengths, np.where(mask, np.arange(rows), -1))


@pytest.fixture(scope="module", params=["attention", "ctc"])
def setup(request):
    task, batch = make_task(decoder=request.param), make_batch()
    return task, batch, make_variables(task, batch), jax.jit(task.losses[0].function)


def make_variables(task: BranchTask, batch: Batch) -> dict[str, Any]:
    shapes = jax.eval_shape(task.init, jax.random.key(0), batch)
    drawn = random_like({name: value for name, value in shapes.items() if name != WEIGHTS})
    return drawn | {WEIGHTS: {"eta": np.float32(0.5)}}


def test_the_loss_is_that_of_the_paper(setup):
    _, batch, variables, loss = setup
    value, output = loss(variables, batch, KEY)
    sums = {name: float(total) for name, total in output.sums.items()}
    expected = sums["loss_integer"] + sums["loss_decimal"] + 0.5 * sums["loss_no_point"]
    np.testing.assert_allclose(value, expected / 4, rtol=1e-5)
    doubled = variables | {WEIGHTS: {"eta": jnp.float32(1.0)}}
    np.testing.assert_allclose(loss(doubled, batch, KEY)[0], (expected + 0.5 * sums["loss_no_point"]) / 4, rtol=1e-5)


PARTS = {"integer": "7 10 3 12", "decimal": "99 5 25 00", "no_point": "799 105 325 1200"}
"""What the branches read of each price."""


@pytest.fixture(scope="module")
def branches(setup):
    """By branch: losses, and the logits with the part's labels and lengths."""
    task, batch, variables, _ = setup
    labels, lengths = {}, {}
    for branch, parts in PARTS.items():
        labels[branch], lengths[branch] = np.zeros((5, 6), np.int32), np.array([*map(len, parts.split()), 0])
        for row, text in enumerate(parts.split()):
            labels[branch][row, : len(text)] = TOKENS.encode(text)
    given = {name: value for name, value in variables.items() if name != WEIGHTS}
    losses = jax.jit(lambda v: task.branch_losses(v, batch, train=False)[0])(variables)
    apply = jax.jit(lambda v: task.model.apply(v, batch.images / 127.5 - 1, batch.widths, labels, train=False))
    logits = apply(given)
    return {branch: (losses[branch], logits[branch], labels[branch], lengths[branch]) for branch in PARTS}


@pytest.mark.parametrize("branch", PARTS)
def test_each_branch_has_the_loss_of_optax_on_its_part(setup, branches, branch):
    task, *_ = setup
    losses, logits, labels, lengths = branches[branch]
    if task.model.config.decoder == "ctc":
        padding = (np.arange(6) >= lengths[:, None]).astype(np.float32)
        theirs = optax.ctc_loss(logits, np.zeros(logits.shape[:2]), labels, padding)
    else:
        targets = np.pad(labels, ((0, 0), (0, 1)))
        live = np.arange(7) <= lengths[:, None]
        theirs = jnp.sum(optax.softmax_cross_entropy_with_integer_labels(logits, targets) * live, axis=1)
    np.testing.assert_allclose(losses[:4], theirs[:4], rtol=1e-4)


def test_rows_without_a_sample_change_nothing(setup):
    _, batch, variables, loss = setup
    cut = jax.tree.map(lambda x: x[:4], batch)
    value, output = loss(variables, batch, KEY)
    value_cut, output_cut = loss(variables, cut, KEY)
    np.testing.assert_allclose(value, value_cut, rtol=1e-5)
    for name, total in output.sums.items():
        np.testing.assert_allclose(total, output_cut.sums[name], rtol=1e-5, err_msg=name)
    for a, b in zip(jax.tree.leaves(output.model_state), jax.tree.leaves(output_cut.model_state), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)


def test_state_keeps_its_structure_and_eta(setup):
    _, batch, variables, loss = setup
    _, output = loss(variables, batch, KEY)
    before = {name: value for name, value in variables.items() if name != "params"}
    assert jax.tree.structure(output.model_state) == jax.tree.structure(before)
    assert output.model_state[WEIGHTS]["eta"] == 0.5


def test_reading_composes_what_the_branches_read(setup):
    task, batch, variables, _ = setup
    found = jax.device_get(jax.jit(task.predict)(variables, batch.images, batch.sizes))
    parts = {name: read_alone(task, found, name) for name in ("integer", "decimal")}
    for row, reading in enumerate(task.rows(found)[: len(PRICES)]):
        integer, decimal = parts["integer"][row], parts["decimal"][row]
        assert reading.text == (f"{integer}.{decimal}" if decimal else integer)


def test_a_search_reads_composed_texts_of_a_pattern(setup):
    task, batch, variables, _ = setup
    pattern = r"\d{1,2}\.\d{2}"
    decoder = BeamSearch(beam_width=4, automaton=compile_pattern(pattern, TOKENS))
    searching = dataclasses.replace(task, decoder=decoder)
    found = jax.device_get(jax.jit(searching.predict)(variables, batch.images, batch.sizes))
    readings = searching.rows(found)[: len(PRICES)]
    assert all(re.fullmatch(pattern, reading.text) for reading in readings)
    assert all(0 < reading.confidence <= 1 for reading in readings)
    assert ("logits.integer" in found) == (task.model.config.decoder == "ctc")


def test_a_search_of_attention_without_a_pattern_is_at_least_as_confident():
    task, batch = make_task(PRICE.choose(["integer", "decimal"])), make_batch()
    variables, searching = make_variables(task, batch), dataclasses.replace(task, decoder=BeamSearch(beam_width=4))
    found, greedy = (jax.jit(each.predict)(variables, batch.images, batch.sizes) for each in (searching, task))
    ours, theirs = (np.asarray(each["confidence"])[: len(PRICES)] for each in (found, greedy))
    assert (ours >= theirs * (1 - 1e-5)).all()
    differs = np.any(np.asarray(found["tokens"]) != np.asarray(greedy["tokens"]), axis=1)[: len(PRICES)]
    assert (ours > theirs)[differs].all()


def test_a_decoder_that_branches_cannot_follow_is_refused():
    structure = PRICE.choose(["integer", "no_point"])
    with pytest.raises(ValueError, match="cut from the branch 'no_point'"):
        dataclasses.replace(make_task(structure), decoder=BeamSearch(automaton=compile_pattern(r"\d*", TOKENS)))


def read_alone(task, found, name) -> list[str]:
    """The texts of one branch, from the logits that a prediction gives."""
    logits, lengths = found[f"logits.{name}"], found[f"logit_lengths.{name}"]
    read = []
    for scores, length in zip(logits, lengths, strict=True):
        tokens = scores[:length].argmax(axis=1).tolist()
        if task.model.config.decoder == "ctc":
            tokens = [t for before, t in itertools.pairwise([0, *tokens]) if t not in (0, before)]
        else:  # up to the end, which one slot is kept for
            tokens = list(itertools.takewhile(bool, tokens[:-1]))
        read.append(TOKENS.decode(tokens))
    return read


def test_a_single_task_has_no_eta():
    task, batch = make_task(WHOLE), make_batch()
    variables = jax.eval_shape(task.init, jax.random.key(0), batch)
    assert task.auxiliary is None
    assert WEIGHTS not in variables


def test_eta_weights_only_the_branch_that_the_others_do_not_need():
    assert make_task(PRICE.choose(["integer", "no_point"])).auxiliary is None
    assert make_task(PRICE).auxiliary == "no_point"


@pytest.mark.parametrize("decoder", ["attention", "ctc"])
def test_hypergradient_is_the_derivative_of_the_validation_loss_through_one_step(decoder):
    task, batch, held_out = make_task(decoder=decoder), make_batch(), make_batch(1, ["1.5", "20.75"], 3)
    variables = jax.jit(task.init)(jax.random.key(0), batch)  # small steps of these are nearly linear
    key, rate = jax.random.key(3), RATES[decoder]

    @jax.jit
    def validation_loss_after_a_step(eta):
        def objective(params):
            at = variables | {"params": params, WEIGHTS: {"eta": eta}}
            return task.losses[0].function(at, batch, key)[0]

        gradient = jax.grad(objective)(variables["params"])
        params = jax.tree.map(lambda p, g: p - rate * g, variables["params"], gradient)
        losses, _, _ = task.branch_losses(variables | {"params": params}, held_out, train=False)
        return jnp.sum((losses["integer"] + losses["decimal"]) * held_out.mask) / 2

    step = 0.02
    numeric = (validation_loss_after_a_step(0.5 + step) - validation_loss_after_a_step(0.5 - step)) / (2 * step)
    params, gradient = jax.jit(task.probe)(variables, batch, key, rate)
    hypergradient = jax.jit(task.hypergradient)
    total, samples = hypergradient(variables, params, gradient, held_out)
    assert samples == 2
    np.testing.assert_allclose(rate * total / samples, numeric, rtol=0.02)
    before, _ = hypergradient(variables, variables["params"], gradient, held_out)
    assert abs(float(before / total) - 1) > 0.05, "the step must matter, or this test would not see it missing"


def test_eta_moves_down_and_never_below_zero():
    variables = {WEIGHTS: {"eta": jnp.float32(0.5)}}
    assert moved_eta(variables, -2.0, 0.1)["eta"] == pytest.approx(0.7)
    assert moved_eta(variables, 2.0, 0.1)["eta"] == pytest.approx(0.3)
    assert moved_eta(variables, 50.0, 0.1)["eta"] == 0.0


def test_targets_are_the_labels_of_a_complete_structure(setup):
    task, batch, *_ = setup
    jax.tree.map(np.testing.assert_array_equal, task.expected(batch.targets), batch.targets)


def test_targets_of_one_branch_are_its_part():
    task, batch = dataclasses.replace(make_task(), structure=PRICE.choose(["decimal"])), make_batch()
    tokens, lengths = task.expected(batch.targets)
    assert TOKENS.decode(np.asarray(tokens)[0, : int(lengths[0])]) == "99"
