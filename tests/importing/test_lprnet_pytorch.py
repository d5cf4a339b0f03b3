"""What the importer of LPRNet_Pytorch refuses; that it imports rightly is shown beside the model, in `test_lprnet`."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recog.importing.lprnet_pytorch import convert
from recog.importing.state_dict import WeightsError
from recog.models.lprnet import LPRNet, LPRNetConfig
from tests.importing import lprnet_port


@pytest.fixture(scope="module")
def weights():
    return lprnet_port.random_weights(0, classes=4)


def test_the_tree_is_the_models(weights):
    model = LPRNet(LPRNetConfig(), 4)
    images, widths = jnp.zeros((1, 24, 94, 3)), jnp.array([94])
    expected = jax.eval_shape(lambda: model.init(jax.random.key(0), images, widths, train=False))
    found = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), convert(weights))
    assert found == expected


def test_every_number_is_used_once(weights):
    trained = {name: x for name, x in weights.items() if not name.endswith("num_batches_tracked")}
    assert sum(x.size for x in jax.tree.leaves(convert(weights))) == sum(x.size for x in trained.values())
    marked = {name: np.full_like(x, number) for number, (name, x) in enumerate(trained.items())}
    found = [x.flat[0] for x in jax.tree.leaves(convert(marked))]
    first = list(trained).index("backbone.0.weight")
    assert sorted(found) == pytest.approx([n * (127.5 / 128 if n == first else 1) for n in range(len(trained))])


def test_missing_tensors_are_named(weights):
    for name in ("backbone.8.block.2.bias", "backbone.21.running_var", "container.0.weight"):
        fewer = {key: x for key, x in weights.items() if key != name}
        with pytest.raises(WeightsError, match=f"{name}.* missing"):
            convert(fewer)


def test_unexpected_tensors_are_named(weights):
    with pytest.raises(WeightsError, match=r"has no backbone\.23\.weight"):
        convert({**weights, "backbone.23.weight": np.zeros(3)})


def test_nothing_at_all_is_refused():
    with pytest.raises(WeightsError, match="missing among nothing"):
        convert({})


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("backbone.0.weight", (64, 1, 3, 3)),
        ("backbone.0.weight", (3, 3, 3, 64)),
        ("backbone.0.weight", (64, 27)),
        ("backbone.8.block.2.weight", (64, 64, 1, 3)),
        ("backbone.12.running_mean", (1,)),
        ("container.0.bias", ()),
        ("container.0.weight", ()),
        ("container.0.weight", (0, 448, 1, 1)),
    ],
)
def test_wrong_shapes_are_named(weights, name, shape):
    with pytest.raises(WeightsError, match=name):
        convert({**weights, name: np.zeros(shape, np.float32)})
