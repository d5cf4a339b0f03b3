"""Rebuilding of a model that comes with the package: training, export, measurements and its entry."""

import json
import os
import re
import shutil
from pathlib import Path

from launch.runs.commands import run
from launch.runs.config import to_json
from launch.runs.config_file import load_config
from launch.runs.folder import refuse_other_run, steps_done
from launch.runs.zoo_page import write_page
from launch.runs.zoo_recipes import RECIPES, Measure, Recipe
from recog.export.files import CARD, sha256
from recog.zoo import FOLDER, Entry, Measurement, load_index, save_index

LICENCE = "Apache-2.0"
"""Licence of the models; that of all real pictures that any of them is trained on."""
HALF = "--parameters=float16"
"""Models are stored in half precision, so that the package stays small."""


def rebuild(name: str, workdir: str | Path) -> Entry:
    """Trains, exports and measures a model, and writes its folder, its entry and the page of all models.

    Each command is shown before it runs. An interrupted training resumes; a finished one is used as it is.

    Args:
      name: name of the model.
      workdir: work folder of its run.

    Raises:
      ValueError: unknown name, or the folder holds another run.
    """
    if name not in RECIPES:
        raise ValueError(f"--rebuild={name}: choose one of {', '.join(RECIPES)}")
    recipe, workdir = RECIPES[name], Path(workdir)
    artifact = workdir / "artifact"
    _train(recipe, workdir)
    run(["launch.export", f"--workdir={workdir}", f"--out={artifact}", HALF, *recipe.export])
    measured = tuple(_measure(name, artifact, measure) for measure in recipe.measures if _available(measure))
    entry = Entry(
        title=recipe.title,
        data=recipe.data,
        drawn_with=recipe.drawn_with,
        licence=LICENCE,
        rebuild=f"python -m launch.zoo --rebuild={name} --workdir=runs/{name}",
        measured=measured,
        failures=recipe.failures,
        card_sha256=sha256(artifact / CARD),
    )
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    shutil.copytree(artifact, FOLDER / name)
    save_index(load_index() | {name: entry})
    write_page()
    return entry


def _train(recipe: Recipe, workdir: Path) -> None:
    """Trains the run unless it is finished; raises `launch.runs.folder.OtherRunError` for another run's folder."""
    config = load_config(recipe.config)
    refuse_other_run(workdir, {"config": to_json(config)}, longer=False)
    if steps_done(workdir) == config.train.steps:
        print(f"{workdir} holds the finished run of {recipe.config}", flush=True)
        return
    for command in recipe.before:
        run(command)
    run(["launch.train", f"--config={recipe.config}", f"--workdir={workdir}"])


def _available(measure: Measure) -> bool:
    """Whether the environment has the variables of the samples' name; prints which one it lacks."""
    lacking = [variable for variable in re.findall(r"\$(\w+)", measure.data) if variable not in os.environ]
    if lacking:
        print(f"not measured on {measure.name}: {' and '.join(lacking)} not set in the environment", flush=True)
    return not lacking


def _measure(name: str, artifact: Path, measure: Measure) -> Measurement:
    report = json.loads(run(["launch.evaluate", f"--artifact={artifact}", f"--data={measure.data}", *measure.flags]))
    del report["images_per_second"]  # depends on the machine
    command = " ".join((f"python -m launch.evaluate --artifact=zoo:{name} --data='{measure.data}'", *measure.flags))
    return Measurement(measure.name, command.replace("'", '"' if "$" in command else "'"), report, measure.headline)
