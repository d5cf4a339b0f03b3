"""The GPU kernels, interpreted on any device, against the scan; and what is compiled for which device.

With a GPU, the kernels themselves.
"""

import functools
import subprocess
import sys
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.ctc import ctc_loss, kernel, lattice
from recog.ctc.lattice import Lattice
from recog.ctc.loss import scan_loss
from tests.conftest import nvidia_device, with_devices


def cells(batch: int, frames: int, slots: int, seed: int = 0) -> Lattice:
    """Random emissions and transitions, lengths from nothing to everything."""
    random = np.random.default_rng(seed)
    emissions = np.log(random.dirichlet(np.ones(slots + 1), (batch, frames))).astype(np.float32)
    can_skip = random.random((batch, slots)) < 0.7
    can_skip[:, :1] = False
    logit_lengths, label_lengths = random.integers(0, frames + 1, batch), random.integers(0, slots + 1, batch)
    logit_lengths[-1], label_lengths[-1] = frames, slots
    arrays = emissions[..., 1:], emissions[..., 0], logit_lengths, can_skip, label_lengths
    return Lattice(*map(jnp.asarray, arrays))


scan = jax.jit(lattice.posterior)


@jax.jit
def interpreted(given: Lattice) -> tuple[lattice.Posterior, jax.Array]:
    """Both kernels, on any device."""
    return kernel.posterior(given, interpret=True), kernel.log_likelihood(given, interpret=True)


def assert_like_the_scan(given: Lattice, found: lattice.Posterior, tolerance: float = 1e-5) -> None:
    expected = scan(given)
    np.testing.assert_allclose(found.log_likelihood, expected.log_likelihood, rtol=1e-5, atol=1e-5)
    live = np.arange(given.blank.shape[1]) < np.asarray(given.logit_lengths)[:, None]
    ours, theirs = (np.where(live[..., None], x.occupancy, 0.0) for x in (found, expected))
    np.testing.assert_allclose(ours, theirs, atol=tolerance)


@pytest.mark.parametrize("shape", [(1, 1, 1), (6, 9, 1), (20, 12, 5), (40, 9, 8), (3, 50, 31), (3, 50, 32)])
def test_equals_the_scan(shape):
    batch, frames, slots = shape
    for seed in range(3):
        given = cells(batch, frames, slots, seed)
        found, log_likelihood = interpreted(given)
        assert_like_the_scan(given, found)
        np.testing.assert_array_equal(log_likelihood, found.log_likelihood)


def test_nothing_to_do_is_none_of_its_business():
    shapes = [(0, 4, 3), (2, 0, 3), (2, 4, 0), (2, 4, kernel.LONGEST + 1)]
    assert not any(kernel.fits(Lattice(jnp.zeros(shape), *[jnp.zeros(())] * 4)) for shape in shapes)
    assert kernel.fits(cells(1, 1, 1))


@pytest.mark.parametrize(
    ("kind", "known"),
    [("NVIDIA H100 80GB HBM3", True), ("Tesla T4", True), ("NVIDIA GeForce RTX 3090", False), ("NVIDIA L40S", False)],
)
def test_gpus_that_pallas_does_not_know_keep_the_scan(monkeypatch, kind, known):
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    monkeypatch.setattr(jax, "devices", lambda: [SimpleNamespace(device_kind=kind)])
    assert kernel.available() == known
    assert kernel.fits(Lattice(jnp.zeros((1, 1, 1)), *[jnp.zeros(())] * 4)) == known


def test_a_number_that_is_none_gets_through():
    given = cells(3, 6, 4)
    given = given._replace(
        logit_lengths=jnp.array([6, 6, 3]), label_lengths=jnp.array([4, 0, 4]), can_skip=jnp.zeros((3, 4), bool)
    )
    bad = jnp.full((3, 1), jnp.nan)
    given = given._replace(token=given.token.at[:, 4].set(bad), blank=given.blank.at[:, 4].set(bad[:, 0]))
    found, _ = interpreted(given)
    assert np.isnan(found.log_likelihood).tolist() == [True, True, False], "only the third ends before the bad frame"
    assert np.isfinite(found.occupancy[2, :3]).all()


def test_several_batches_under_vmap_are_as_one_after_the_other():
    one, other = cells(4, 7, 3, seed=1), cells(4, 7, 3, seed=2)
    both = jax.tree.map(lambda a, b: jnp.stack([a, b]), one, other)

    def posterior(token, blank, logit_lengths, label_lengths):
        shared = Lattice(token, blank, logit_lengths, one.can_skip, label_lengths)
        return kernel.posterior(shared, interpret=True)

    found = jax.jit(jax.vmap(posterior))(both.token, both.blank, both.logit_lengths, both.label_lengths)
    for number, alone in enumerate((one, other._replace(can_skip=one.can_skip))):
        assert_like_the_scan(alone, jax.tree.map(lambda x, number=number: x[number], found))


def value(logits, labels, loss=ctc_loss):
    lengths = jnp.full(logits.shape[:1], logits.shape[1]), jnp.full(labels.shape[:1], labels.shape[1])
    return jnp.sum(loss(logits, lengths[0], labels, lengths[1]))


def value_and_gradient(logits, labels, loss=ctc_loss):
    return jax.value_and_grad(lambda x: value(x, labels, loss))(logits)


def compiled_kernels(function, platform: str, slots: int) -> int:
    shapes = jax.ShapeDtypeStruct((4, 9, 5), jnp.float32), jax.ShapeDtypeStruct((4, slots), jnp.int32)
    with jax.sharding.use_abstract_mesh(nvidia_device()):
        program = jax.jit(function).trace(*shapes).lower(lowering_platforms=(platform,)).as_text()
    return program.count("custom_call @__gpu$xla.gpu.triton")


@pytest.mark.parametrize(
    ("platform", "slots", "kernels"), [("cuda", 6, 2), ("cpu", 6, 0), ("tpu", 6, 0), ("cuda", 1200, 0)]
)
def test_kernels_are_compiled_for_nvidia_gpus_alone(platform, slots, kernels):
    assert compiled_kernels(value_and_gradient, platform, slots) == kernels


@pytest.mark.parametrize(("function", "kernels"), [(value, 1), (value_and_gradient, 2)])
def test_the_scan_can_be_asked_for_there(function, kernels):
    assert compiled_kernels(function, "cuda", 6) == kernels
    assert compiled_kernels(functools.partial(function, loss=scan_loss), "cuda", 6) == 0


SHARDED = """
import jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from recog.ctc import kernel, lattice
from tests.ctc.test_kernel import assert_like_the_scan, cells

mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,))
given = cells(8, 7, 5)
placed = jax.device_put(given, NamedSharding(mesh, PartitionSpec("data")))
run = jax.jit(lambda x: kernel.posterior(x, interpret=True))
program = run.lower(placed).compile().as_text()
assert "all-gather" not in program and "all-to-all" not in program, program
found = run(placed)
assert found.occupancy.sharding.spec[0] == "data", found.occupancy.sharding
assert_like_the_scan(given, found)
"""


def test_each_device_does_its_own_samples():
    done = subprocess.run([sys.executable, "-c", SHARDED], capture_output=True, text=True, env=with_devices(4))
    assert done.returncode == 0, done.stderr


WITHOUT_A_GPU = pytest.mark.skipif(not kernel.available(), reason="needs a GPU that Pallas knows")


@pytest.mark.gpu
@WITHOUT_A_GPU
@pytest.mark.parametrize(
    ("shape", "tolerance"),
    [
        ((1, 1, 1), 1e-5),
        ((64, 26, 25), 1e-4),
        ((16, 100, 40), 1e-4),
        ((5, 7, 600), 1e-5),
        ((3, 1100, kernel.LONGEST), 5e-3),
    ],
)
def test_the_kernel_itself_equals_the_scan(shape, tolerance):
    """Tolerances grow with the forward variables, from whose differences occupancies come."""
    given = cells(*shape)
    found = jax.jit(kernel.posterior)(given)
    assert_like_the_scan(given, found, tolerance)
    np.testing.assert_allclose(jax.jit(kernel.log_likelihood)(given), found.log_likelihood, rtol=1e-6)


@pytest.mark.gpu
@WITHOUT_A_GPU
def test_the_kernels_loss_and_gradient_equal_the_scans():
    random = np.random.default_rng(0)
    logits, labels = jnp.asarray(random.normal(size=(64, 26, 37)), jnp.float32), random.integers(1, 37, (64, 12))
    ours, theirs = (value_and_gradient(logits, jnp.asarray(labels), loss) for loss in (ctc_loss, scan_loss))
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-5)
    np.testing.assert_allclose(ours[1], theirs[1], atol=1e-4)
