"""The artifact reads what the live model reads, for any batch, without the code that trained it."""

import json
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
from jax import export

from recog.alphabet import CHINESE_PLATES, DIGITS, Alphabet
from recog.batch import full_height
from recog.codecs import ClassCodec, TextCodec, codec_from_json
from recog.ctc import BeamSearch, BestPath, Lexicon, LexiconSearch
from recog.export.artifact import Artifact
from recog.export.check import DisagreementError, check_agreement
from recog.export.executables import KEPT
from recog.export.files import FILES, ArtifactError, sha256
from recog.export.pictures import WIDTHS
from recog.export.stablehlo_program import StableHloProgram
from recog.export.write import Provenance, write_artifact
from recog.models.classifier import Classifier, ClassifierConfig
from recog.models.crnn import CRNN, CRNNConfig
from recog.ops.recurrent import RecurrentConfig
from recog.preprocess import Preprocess
from recog.tasks.classifying import ClassifyingTask
from recog.tasks.reading import ReadingTask
from tests.variables import random_variables


def make(folder, alphabet: Alphabet, channels: int):
    """A tiny reader with random parameters, confident enough to read something; and its artifact."""
    config = CRNNConfig(width=0.05, batch_norm=(2, 5), recurrent=RecurrentConfig(layers=1, units=8))
    task = ReadingTask(CRNN(config, alphabet.classes), TextCodec(alphabet))
    variables = random_variables(task.model, jnp.zeros((1, 32, 32, channels)), jnp.array([32]), train=False, seed=1)
    provenance = Provenance(
        config={"seed": 5},
        settings={"width": 0.05},
        preprocess=Preprocess(32, 0, channels),
        training_data="folder:x",
        validation_data="folder:y",
        step=1234,
        metrics={"accuracy": 0.875},
    )
    agreement = write_artifact(folder, task, variables, provenance)
    return task, variables, agreement


@pytest.fixture(scope="module")
def gray(tmp_path_factory):
    """Folder, task, variables, and how closely they agreed."""
    folder = tmp_path_factory.mktemp("gray") / "artifact"
    return folder, *make(folder, DIGITS, 1)


@pytest.fixture(scope="module")
def colour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("colour") / "artifact"
    return folder, *make(folder, CHINESE_PLATES, 3)


@pytest.fixture
def copy(gray, tmp_path):
    """An artifact to damage."""
    for name in FILES:
        (tmp_path / name).write_bytes((gray[0] / name).read_bytes())
    return tmp_path


def pictures(shape, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize(
    ("which", "shape"), [("gray", (1, 1)), ("gray", (1, 3)), ("gray", (5, 75)), ("colour", (2, 32))], ids=str
)
def test_reads_what_the_live_model_reads(which, shape, request):
    folder, task, variables, _ = request.getfixturevalue(which)
    artifact = Artifact.load(folder)
    batch, width = shape
    images = pictures((batch, 32, width, artifact.card.preprocess.channels))
    sizes = full_height(np.linspace(width, max(1, width // 3), batch), 32)
    live = jax.device_get(jax.jit(task.predict)(variables, images, sizes))
    read = artifact.predict(images, sizes)
    assert read.keys() == live.keys()
    for name, array in live.items():
        if array.dtype == np.float32:
            np.testing.assert_allclose(read[name], array, rtol=1e-5, atol=1e-4, err_msg=name)
        else:
            np.testing.assert_array_equal(read[name], array, err_msg=name)
    assert artifact.read(images, sizes) == task.rows(read)
    logits, lengths = artifact.logits(images, sizes)
    np.testing.assert_array_equal(logits, read["logits"])
    assert lengths.tolist() == [task.frames(int(columns)) for columns in sizes[:, 1]]
    with pytest.raises(ValueError, match="no logits of branch 'integer'"):
        artifact.logits(images, sizes, branch="integer")


def test_tells_how_closely_it_agrees(gray, colour):
    for _, _, _, agreement in (gray, colour):
        assert agreement.pictures == 8
        assert agreement.numbers > 20, "the comparison has something to compare"
        assert agreement.difference <= 1e-5


@pytest.mark.parametrize("name", ["conv3", "classifier"])
def test_disagreement_is_an_error(gray, name):
    folder, task, variables, _ = gray
    other = jax.tree_util.tree_map_with_path(lambda path, x: x * 1.2 if name in str(path) else x, variables)
    with pytest.raises(DisagreementError, match="the live model"):
        check_agreement(Artifact.load(folder), task, other)


def test_a_failed_check_leaves_nothing(gray, tmp_path, monkeypatch):
    _, task, variables, _ = gray
    monkeypatch.setattr("recog.export.check.TOLERANCE", -1.0)
    provenance = Provenance({}, {}, Preprocess(32), "", "", 0, {})
    with pytest.raises(DisagreementError):
        write_artifact(tmp_path / "new" / "artifact", task, variables, provenance)
    assert list((tmp_path / "new").iterdir()) == []


def test_program_serves_three_platforms_and_tells_no_paths(gray):
    content = (gray[0] / "program.bin").read_bytes()
    program = export.deserialize(bytearray(content))
    assert program.platforms == ("cpu", "cuda", "tpu")
    assert [str(d) for d in program.in_avals[-2].shape] == ["b", "32", "w", "1"]
    assert b".py" not in content
    assert len(content) < 100_000, "parameters are arguments, no constants"


def test_parameters_have_their_flax_names(gray):
    folder, _, variables, _ = gray
    saved = safetensors.numpy.load_file(folder / "parameters.safetensors")
    assert {name.partition("/")[0] for name in saved} == {"params", "batch_stats"}
    assert all(array.dtype == np.float32 for array in saved.values())
    np.testing.assert_array_equal(saved["params/conv1/kernel"], variables["params"]["conv1"]["kernel"])
    assert len(saved) == len(jax.tree.leaves(variables))


def test_files_tell_where_the_model_comes_from(gray, colour):
    folder, _, variables, _ = gray
    assert codec_from_json(json.loads((folder / "codec.json").read_text())) == TextCodec(DIGITS)
    assert json.loads((folder / "config.json").read_text()) == {"seed": 5}
    card = json.loads((folder / "card.json").read_text())
    assert card["parameters"] == sum(x.size for x in jax.tree.leaves(variables["params"]))
    assert (card["architecture"], card["step"], card["metrics"]) == ("CRNN", 1234, {"accuracy": 0.875})
    assert Preprocess.from_json(card["preprocess"]) == Preprocess(32)
    assert card["training_data"] == "folder:x"
    assert card["versions"]["jax"] == jax.__version__
    assert card["sha256"]["parameters.safetensors"] == sha256(folder / "parameters.safetensors")
    text = (folder / "card.md").read_text()
    for fact in ("# CRNN", "grayscale", "1,234 steps", "| accuracy | 0.875 |", card["sha256"]["program.bin"], "`9`"):
        assert fact in text
    assert "RGB" in (colour[0] / "card.md").read_text()
    assert "京" in (colour[0] / "card.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("which", ["gray", "colour"])
def test_the_code_on_the_card_reads(which, request, monkeypatch):
    folder, *_ = request.getfixturevalue(which)
    artifact = Artifact.load(folder)
    images = pictures((1, 32, 128, artifact.card.preprocess.channels), seed=1)
    found = re.search(r"```python\n(.*?)```", (folder / "card.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    code, replaced = re.subn(r"np\.zeros\(.*?np\.uint8\)", "PICTURES", found[1])
    assert replaced == 1
    monkeypatch.chdir(folder)
    names = {"PICTURES": images}
    exec(code, names)
    [reading] = artifact.read(images, full_height([128], 32))
    assert names["text"] == reading.text != ""


def test_serves_without_the_code_that_trained_it(gray):
    program = f"""
import sys
import numpy as np
TRAINING = ("flax", "optax", "orbax", "grain", "recog.models", "recog.tasks", "recog.training", "launch", "datasets")
sys.modules |= dict.fromkeys(TRAINING)  # None: importing it is an error
from recog.export.artifact import Artifact
print(Artifact.load({str(gray[0])!r}).read_pictures([np.zeros((40, 90), np.uint8)]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith("[Reading(text="), done.stderr


def test_a_reading_depends_on_neither_padding_nor_batch(gray):
    artifact = Artifact.load(gray[0])
    picture = pictures((32, 61, 1), seed=2)
    alone = artifact.read(picture[None], full_height([61], 32))[0]
    assert alone.text
    for rows, row, width in ((1, 0, 90), (4, 2, 75)):
        images = pictures((rows, 32, width, 1), seed=3)
        images[row] = np.pad(picture, ((0, 0), (0, width - 61), (0, 0)))
        widths = np.full(rows, width)
        widths[row] = 61
        read = artifact.read(images, full_height(widths, 32))[row]
        assert read.text == alone.text
        assert read.confidence == pytest.approx(alone.confidence, abs=1e-5)


def test_pictures_of_any_size_come_back_in_order(gray):
    artifact = Artifact.load(gray[0])
    sizes = [(32, 50), (64, 300, 3), (200, 31, 1)]  # the last is too narrow to share a batch
    given = [pictures(size, seed=i) for i, size in enumerate(sizes)]
    together = artifact.read_pictures(given)
    for picture, reading in zip(given, together, strict=True):
        fitted = artifact.fit(picture)
        assert fitted.shape == (32, max(1, round(picture.shape[1] * 32 / picture.shape[0])), 1)
        [alone] = artifact.read(fitted[None], full_height([fitted.shape[1]], 32))
        assert reading.text == alone.text
        assert reading.confidence == pytest.approx(alone.confidence, abs=1e-5)
    assert artifact.read_pictures([]) == []


@pytest.mark.parametrize(
    ("images", "widths", "message"),
    [
        (np.zeros((1, 31, 40, 1), np.uint8), [40], "takes uint8"),
        (np.zeros((1, 32, 40, 3), np.uint8), [40], "takes uint8"),
        (np.zeros((1, 32, 40, 1), np.float32), [40], "takes uint8"),
        (np.zeros((1, 32, 40, 1), np.uint8), [41], r"up to \(32, 40\)"),
        (np.zeros((2, 32, 40, 1), np.uint8), [40, -1], r"up to \(32, 40\)"),
        (np.zeros((2, 32, 40, 1), np.uint8), [40], "each of the 2 pictures"),
    ],
)
def test_other_batches_are_refused(gray, images, widths, message):
    with pytest.raises(ValueError, match=message):
        Artifact.load(gray[0]).read(images, np.array([[32 * (width != 0), width] for width in widths]))


@pytest.mark.parametrize(
    ("name", "mend"),
    [
        ("program.bin", "copy the whole folder again"),
        ("parameters.safetensors", "copy the whole folder again"),
        ("codec.json", "copy the whole folder again"),
        ("card.json", "not an artifact"),
    ],
)
def test_a_missing_file_is_named(copy, name, mend):
    (copy / name).unlink()
    with pytest.raises(ArtifactError, match=f"lacks {name}: {mend}"):
        Artifact.load(copy)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(ArtifactError, match=f"there is no folder {tmp_path / 'typo'}"):
        Artifact.load(tmp_path / "typo")


def test_an_earlier_format_is_named_whatever_files_it_has(copy):
    (copy / "codec.json").unlink()
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | {"format": 3}))
    with pytest.raises(ArtifactError, match=r"of format 3.*export it again"):
        Artifact.load(copy)


@pytest.mark.parametrize("name", ["program.bin", "parameters.safetensors", "codec.json"])
def test_a_changed_file_is_named(copy, name):
    content = (copy / name).read_bytes()
    for changed in (content[:-10], content[:-10] + bytes(10), b""):
        (copy / name).write_bytes(changed)
        with pytest.raises(ArtifactError, match=rf"{name} is damaged.*copy the whole folder again"):
            Artifact.load(copy)


def test_a_reordered_alphabet_is_refused(copy):
    saved = json.loads((copy / "codec.json").read_text())
    saved["alphabet"]["tokens"].reverse()
    (copy / "codec.json").write_text(json.dumps(saved))
    with pytest.raises(ArtifactError, match=r"codec\.json is damaged"):
        Artifact.load(copy)


def test_a_program_of_another_age_is_named(copy):
    (copy / "program.bin").write_bytes(b"not of this jax" * 100)
    card = json.loads((copy / "card.json").read_text())
    card["versions"]["jax"] = "0.1.2"
    card["sha256"]["program.bin"] = sha256(copy / "program.bin")
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=rf"jax {jax.__version__} cannot load programs of jax 0\.1\.2"):
        Artifact.load(copy)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 4}', '{"format": 99}'])
def test_a_card_of_another_kind_is_named(copy, content):
    (copy / "card.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"card\.json is (not a model card|of format 99)"):
        Artifact.load(copy)


def test_only_artifacts_are_replaced(gray, tmp_path, monkeypatch):
    _, task, variables, _ = gray
    monkeypatch.setattr("recog.export.check.SHAPES", ((1, 33),))
    provenance = Provenance({"new": True}, {}, Preprocess(32), "", "", 0, {})
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="holds files but not an artifact"):
        write_artifact(tmp_path, task, variables, provenance)
    with pytest.raises(FileExistsError, match="is a file"):
        write_artifact(tmp_path / "notes.txt", task, variables, provenance)
    for name in FILES:
        (tmp_path / name).write_bytes((gray[0] / name).read_bytes())
    write_artifact(tmp_path, task, variables, provenance)
    assert json.loads((tmp_path / "config.json").read_text()) == {"new": True}
    assert sorted(p.name for p in tmp_path.iterdir()) == sorted([*FILES, "notes.txt"])
    Artifact.load(tmp_path)


def test_a_classifier_is_exported_in_the_same_way(tmp_path):
    task = ClassifyingTask(Classifier(ClassifierConfig(width=1 / 64, backbone="vgg"), 3), ClassCodec(("a", "b", "c")))
    images, sizes = pictures((2, 16, 16, 3)), full_height([16, 16], 16)
    variables = random_variables(task.model, jnp.asarray(images, jnp.float32), sizes[:, 1], train=False)
    provenance = Provenance({}, {}, Preprocess(16, 16, 3), "folder:x", "folder:y", 9, {"accuracy": 0.5})
    write_artifact(tmp_path / "artifact", task, variables, provenance)
    artifact = Artifact.load(tmp_path / "artifact")
    found = artifact.predict(images, sizes)
    np.testing.assert_allclose(found["probabilities"].sum(axis=1), 1, rtol=1e-6)
    best = found["probabilities"].argmax(axis=1)
    assert [reading.text for reading in artifact.read(images, sizes)] == ["abc"[place] for place in best]
    assert "3 classes, in the order of the outputs: `a` `b` `c`" in (tmp_path / "artifact" / "card.md").read_text()


def rewrite(folder, name: str, content: bytes) -> None:
    """Replaces a file, and its digest in the card, as somebody would who tampers with an artifact."""
    (folder / name).write_bytes(content)
    card = json.loads((folder / "card.json").read_text())
    card["sha256"][name] = sha256(folder / name)
    (folder / "card.json").write_text(json.dumps(card))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_parameters_that_are_not_finite_are_refused_by_name(copy, value):
    parameters = safetensors.numpy.load_file(copy / "parameters.safetensors")
    name = sorted(parameters)[3]
    parameters[name].flat[0] = value
    rewrite(copy, "parameters.safetensors", safetensors.numpy.save(parameters))
    with pytest.raises(ArtifactError, match=f"{name} holds numbers that are not finite"):
        Artifact.load(copy)


def test_parameters_of_another_model_are_refused(copy):
    parameters = safetensors.numpy.load_file(copy / "parameters.safetensors")
    name = sorted(parameters)[3]
    for changed in (
        {n: x for n, x in parameters.items() if n != name},
        {**parameters, name: parameters[name][..., :1]},
    ):
        rewrite(copy, "parameters.safetensors", safetensors.numpy.save(changed))
        with pytest.raises(ArtifactError, match="other arrays"):
            Artifact.load(copy)
    rewrite(copy, "parameters.safetensors", b"{")
    with pytest.raises(ArtifactError, match="cannot be read"):
        Artifact.load(copy)


@pytest.mark.parametrize("name", ["card.json", "codec.json"])
def test_huge_and_nested_files_are_refused_unread(copy, name):
    content = (copy / name).read_bytes()
    with (copy / name).open("r+b") as file:
        file.truncate(2**40)  # sparse
    with pytest.raises(ArtifactError, match=f"{name} of 1,099,511,627,776 bytes"):
        Artifact.load(copy)
    for damaged in (b"[" * 100_000, b"[]", b"{}", b"null", content[:-20]):
        (copy / "card.json").unlink() if name == "card.json" else rewrite(copy, name, damaged)
        if name == "card.json":
            (copy / name).write_bytes(damaged)
        with pytest.raises(ArtifactError, match=f"{name} (is not a model card|holds no codec)"):
            Artifact.load(copy)


@pytest.mark.parametrize(
    ("field", "value"),
    [("sha256", []), ("versions", None), ("preprocess", []), ("preprocess", {"height": 32}), ("unknown", 1)],
)
def test_cards_with_other_fields_are_refused(copy, field, value):
    card = json.loads((copy / "card.json").read_text())
    (copy / "card.json").write_text(json.dumps(card | {field: value}))
    with pytest.raises(ArtifactError, match=r"card\.json is not a model card"):
        Artifact.load(copy)


@pytest.mark.parametrize(("field", "value"), [("height", 64), ("height", "32"), ("channels", 3), ("width", 100)])
def test_a_card_for_other_pictures_than_the_program_takes_is_refused(copy, field, value):
    card = json.loads((copy / "card.json").read_text())
    card["preprocess"][field] = value
    (copy / "card.json").write_text(json.dumps(card))
    with pytest.raises(ArtifactError, match=r"card\.json describes pictures of"):
        Artifact.load(copy)


def test_links_are_followed_to_files_alone_and_replaced_by_export(copy, gray, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    for name in ("card.json", "codec.json"):  # as caches of downloads keep them
        (copy / name).rename(elsewhere / name)
        (copy / name).symlink_to(elsewhere / name)
    assert Artifact.load(copy).card.step == 1234
    before = (elsewhere / "codec.json").read_bytes()
    _, task, variables, _ = gray
    write_artifact(copy, task, variables, Provenance({}, {}, Preprocess(32, 0, 1), "", "", 0, {}))
    assert not (copy / "codec.json").is_symlink()
    assert (elsewhere / "codec.json").read_bytes() == before
    for target in ("/dev/zero", "nowhere"):
        (copy / "card.json").unlink()
        (copy / "card.json").symlink_to(target)
        with pytest.raises(ArtifactError, match=r"lacks card\.json"):
            Artifact.load(copy)


def test_threads_read_what_one_reads(gray):
    artifact = Artifact.load(gray[0])
    random = np.random.default_rng(0)
    batches = [[pictures((32, random.integers(8, 200), 1), seed) for seed in range(n)] for n in (1, 3, 5, 2) * 4]
    expected = [Artifact.load(gray[0]).read_pictures(batch) for batch in batches[:4]] * 4
    with ThreadPoolExecutor(8) as pool:
        assert [len(batch) for batch in batches] == [len(found) for found in pool.map(artifact.read_pictures, batches)]
        same = [batches[index % 4] for index in range(32)]
        assert list(pool.map(artifact.read_pictures, same)) == [expected[index % 4] for index in range(32)]


def test_no_pictures_make_more_programs_than_the_grid_has_shapes(gray, monkeypatch):
    artifact = Artifact.load(gray[0])
    seen = set()
    monkeypatch.setattr(artifact, "predict", lambda images, sizes: seen.add(images.shape[:3]) or nothing(len(images)))
    random = np.random.default_rng(0)
    for _ in range(300):
        widths = np.exp(random.uniform(0, np.log(4096), random.integers(1, 40))).astype(int)
        artifact.read_fitted([np.zeros((32, width, 1), np.uint8) for width in widths])
    assert seen <= {(rows, 32, width) for rows, width in artifact.grid.shapes(widths=WIDTHS)}
    assert len(seen) <= KEPT


def nothing(rows: int):
    """Prediction of empty texts."""
    zeros = np.zeros((rows, 1), np.int32)
    return {"tokens": zeros, "lengths": zeros[:, 0], "confidence": zeros[:, 0].astype(np.float32)}


def test_a_warm_artifact_compiles_nothing_for_the_pictures_it_expects(gray):
    artifact = Artifact.load(gray[0])
    assert artifact.warm_up(widths=[50, 90], rows=[1]) == [(1, 64), (1, 96)]
    assert isinstance(artifact.program, StableHloProgram)
    assert artifact.warm_up(widths=[200], rows=[1], proceed=lambda: False) == []
    compiled = artifact.program.executables
    before = compiled.count
    artifact.read_pictures([pictures((32, 60, 1))])
    artifact.read_pictures([pictures((64, 180, 3))])
    assert compiled.count == before == 2
    artifact.read_pictures([pictures((32, 100, 1))])
    assert compiled.count == 3


def test_another_decoder_reads_the_logits(gray):
    artifact = Artifact.load(gray[0])
    images, sizes = pictures((3, 32, 75, 1)), full_height(np.array([75, 60, 9]), 32)
    decoder = BeamSearch(beam_width=3)
    found = artifact.decoded_by(decoder).predict(images, sizes)
    expected = jax.jit(decoder)(*artifact.logits(images, sizes))
    np.testing.assert_array_equal(found["tokens"], expected.tokens)
    np.testing.assert_allclose(found["confidence"], expected.confidence, rtol=1e-5)
    again = artifact.decoded_by(decoder).decoded_by(None).predict(images, sizes)
    np.testing.assert_array_equal(again["tokens"], artifact.predict(images, sizes)["tokens"])


@pytest.mark.parametrize("decoder", [BeamSearch(beam_width=3), BestPath(), BeamSearch(blank_id=66)], ids=str)
def test_decoders_of_another_blank_are_refused_with_the_right_one(colour, decoder):
    artifact = Artifact.load(colour[0])
    kind = type(decoder).__name__
    with pytest.raises(ValueError, match=rf"class {decoder.blank_id} for the blank.*{kind}\(blank_id=67\)"):
        artifact.decoded_by(decoder)


def test_decoders_of_the_last_blank_read(colour):
    artifact = Artifact.load(colour[0])
    images, sizes = pictures((2, 32, 40, 3)), full_height(np.array([40, 33]), 32)
    assert artifact.codec == TextCodec(CHINESE_PLATES)
    found = artifact.decoded_by(BestPath(CHINESE_PLATES.blank_id)).predict(images, sizes)
    np.testing.assert_array_equal(found["tokens"], artifact.predict(images, sizes)["tokens"])


def test_a_lexicon_of_another_alphabet_is_refused(gray):
    artifact = Artifact.load(gray[0])
    for other in (Alphabet("9876543210"), Alphabet("0123456789", blank="last")):
        with pytest.raises(ValueError, match=r"the lexicon is over .*Lexicon\(words, artifact.codec.alphabet\)"):
            artifact.decoded_by(LexiconSearch(Lexicon(["12", "407"], other)))
    words = Lexicon(["12", "407"], Alphabet("0123456789"))
    images, sizes = pictures((1, 32, 75, 1)), full_height([75], 32)
    assert artifact.decoded_by(LexiconSearch(words)).read(images, sizes)[0].text in ("12", "407")


class Unused:
    """A decoder that must not be called."""

    on_host: ClassVar[bool] = True

    def __call__(self, logits, lengths):
        raise AssertionError("logits need no decoder")


def test_logits_are_those_of_the_program_whatever_the_decoder(gray):
    artifact = Artifact.load(gray[0])
    images, sizes = pictures((3, 32, 75, 1)), full_height(np.array([75, 60, 9]), 32)
    for found, expected in zip(
        artifact.decoded_by(Unused()).logits(images, sizes), artifact.logits(images, sizes), strict=True
    ):
        assert isinstance(found, np.ndarray)
        np.testing.assert_array_equal(found, expected)
