"""Which samples train and which validate."""

import pytest

from datasets.mixture import Mixture
from datasets.needs import Needs
from datasets.pipeline import DataConfig
from datasets.sources import Keyed
from launch.runs.assembly import assemble
from launch.runs.codecs import make_codec
from launch.runs.config import Config
from launch.runs.data import check, open_data
from tests.launch.pictures import write_folder


@pytest.fixture
def listed(tmp_path):
    """Ten samples, listed for every kind of source that has names."""
    for number in range(10):
        (tmp_path / f"A{number}_1.png").touch()
    names = [path.name for path in sorted(tmp_path.iterdir())]
    (tmp_path / "labels.tsv").write_text("".join(f"{name}\t1\n" for name in names))
    (tmp_path / "list.csv").write_text("image_path,plate_text\n" + "".join(f"{name},1\n" for name in names))
    return tmp_path


def opened(train: str, **settings):
    config = Config()
    config.data = DataConfig(train=train, **settings)
    return open_data(config)


@pytest.mark.parametrize("form", ["folder:{}", "csv:{}/list.csv", "names:{}"])
def test_samples_of_every_source_with_names_can_be_held_out(listed, form):
    training, held = opened(form.format(listed), holdout=0.3)
    origins = [{source[i].origin.split("A")[-1] for i in range(len(source))} for source in (training, held)]
    assert [len(names) for names in origins] == [7, 3]
    assert not origins[0] & origins[1]


def test_samples_are_held_out_of_the_real_part_of_a_mixture(listed):
    training, held = opened(f"0.5*plates:count=20 + 0.5*names:{listed}", holdout=0.3)
    assert isinstance(training, Mixture)
    assert [len(source) for source in training.sources] == [20, 7]
    assert len(held) == 3
    drawn = {training.origin(index) for index in range(len(training))}
    assert not drawn & {held.origin(index) for index in range(3)}


def test_validation_samples_may_be_named():
    training, validation = opened("plates:count=5,seed=1", validation="plates:count=3,seed=2", holdout=0.5)
    assert (len(training), len(validation)) == (5, 3)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"train": ""}, "name the training samples"),
        ({"train": "plates"}, "name validation samples with data.validation, or hold some of a folder out"),
        ({"train": "plates", "holdout": 0.1}, "data.holdout cannot be taken from rendered samples"),
        (
            {"train": "1*plates + 1*arithmetic", "holdout": 0.1},
            r"data\.holdout .* all parts of this mixture are rendered",
        ),
    ],
)
def test_without_validation_samples_it_is_said_how_to_name_them(settings, reason):
    with pytest.raises(ValueError, match=reason):
        opened(**settings)


@pytest.mark.parametrize("settings", [{"holdout": 0.5}, *({"folds": 3, "fold": fold} for fold in range(3))])
@pytest.mark.parametrize("train", ["folder:{}", "0.5*plates + 0.5*folder:{}"])
def test_a_list_leaves_samples_out_on_both_sides_and_moves_none(listed, settings, train, capsys):
    def keys(**further) -> list[set[bytes]]:
        parts = [
            part.sources[1] if isinstance(part, Mixture) else part for part in opened(train, **settings, **further)
        ]
        return [{part.key(index) for index in range(len(part))} for part in parts if isinstance(part, Keyed)]

    (listed / "exclude.txt").write_text("A2_1.png\nA7_1.png\n")
    train = train.format(listed)
    left_out = {b"A2_1.png", b"A7_1.png"}
    assert keys(exclude=str(listed / "exclude.txt")) == [part - left_out for part in keys()]
    assert f"exclude.txt: 2 samples left out of {train}" in capsys.readouterr().out


def test_the_samples_of_a_run_have_another_identity_without_those_left_out(tmp_path):
    folder = write_folder(tmp_path / "samples", *"1234")
    identities = []
    for listed in ("", "2.png\n", "3.png\n"):
        (tmp_path / "list.txt").write_text(listed)
        config = Config(data=DataConfig(train=f"folder:{folder}", validation=f"folder:{folder}", holdout=0))
        config.data.exclude, config.alphabet.name = str(tmp_path / "list.txt") if listed else "", "digits"
        source, validation = open_data(config)
        asked = Needs(config.data.preprocess, make_codec(config), make_codec(config).problems)
        identities.append(check(source, asked, "raise", "samples").identity())
        assert len(validation) == 4  # samples of a source of its own stay
    assert [found["count"] for found in identities] == [4, 3, 3]
    assert len({found["digest"] for found in identities}) == 3


@pytest.mark.parametrize("train", ["scenes:count=2", "1*plates:count=2 + 1*scenes:count=2"])
def test_scenes_of_several_plates_are_not_for_readers(train, config, tmp_path):
    config.alphabet.name, config.data.max_label_length = "chinese_plates", 8
    config.data.train, config.data.validation, config.data.buckets = train, "plates:count=2", (160,)
    with pytest.raises(ValueError, match="the source does not suit a reader"):
        assemble(config, tmp_path / "run")
