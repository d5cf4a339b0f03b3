"""Serves exported artifacts over HTTP.

    recog-serve --artifact=ARTIFACT[,NAME=ARTIFACT...]    (from a checkout: python -m launch.serve ...)
    recog-serve --detector=ARTIFACT --artifact=ARTIFACT

Artifacts are folders or ``zoo:NAME``. The first model answers requests that name none. With a detector, whole
photographs are searched for plates, which the first reader reads.

    curl -F files=@PICTURE.jpg http://127.0.0.1:8000/v1/read
    curl --data-binary @PICTURE.jpg "http://127.0.0.1:8000/v1/read?decoder=beam&nbest=3"
    curl -F files=@PHOTOGRAPH.jpg http://127.0.0.1:8000/v1/plates

``/`` is a page for people, ``/docs`` describes the interface, ``/v1/model`` the models, ``/metrics`` is for Prometheus,
and below ``/v2`` is the Open Inference Protocol. Requests need a token if the environment variable RECOG_TOKEN holds
one. Every request writes a line of JSON to stderr. SIGTERM ends the server when all requests it has taken are answered.
"""

import os
from pathlib import Path

from absl import flags

from recog.cli import entry
from recog.export.artifact import Artifact
from recog.serving.limits import Limits
from recog.serving.named import artifact_folder

flags.disclaim_key_flags()

USUAL = Limits()


def define_flags() -> None:
    """Defines the flags of the command."""
    flags.DEFINE_list("artifact", [], "Readers and classifiers: ARTIFACT or NAME=ARTIFACT, separated by commas.")
    flags.DEFINE_string("detector", None, "Artifact of a detector of plates.")
    flags.DEFINE_string("host", "127.0.0.1", "Address to listen at; 0.0.0.0 for all of this machine.")
    flags.DEFINE_integer("port", 8000, "Port to listen at; 0 for a free one.", 0, 65535)
    flags.DEFINE_enum("runtime", "jax", ["jax", "onnx"], "Runtime of the models.")
    flags.DEFINE_list("lexicons", [], "Word lists that requests may name: NAME=FILE, separated by commas.")
    flags.DEFINE_list("widths", None, "Widths in pixels of scaled pictures to prepare for (all usual ones).")
    flags.DEFINE_integer("max_body", USUAL.body, "Maximum size of a request in bytes.", 1)
    flags.DEFINE_integer("max_pixels", USUAL.pixels, "Maximum number of pixels of a picture.", 1)
    flags.DEFINE_integer("max_files", USUAL.files, "Maximum number of pictures of a request.", 1)
    flags.DEFINE_integer("max_queue", USUAL.queue, "Maximum number of pictures that wait for a model.", 1)
    flags.DEFINE_integer("max_requests", USUAL.requests, "Maximum number of requests at the same time.", 1)
    flags.DEFINE_float("upload_seconds", USUAL.upload_seconds, "Time within which a request must arrive.", 0.01)
    flags.DEFINE_float("answer_seconds", USUAL.answer_seconds, "Time within which a request is answered.", 0.01)


def main(argv: list[str]) -> None:
    """Loads the models and serves them."""
    del argv
    try:
        from recog.serving.metrics import Metrics
        from recog.serving.models import Models
        from recog.serving.server import serve
    except ImportError as error:
        raise ValueError(f"serving needs further packages ({error}): pip install recog[serve]") from error
    values = flags.FLAGS
    if not values.artifact and not values.detector:
        raise ValueError("nothing to serve: set --artifact=ARTIFACT, --detector=ARTIFACT or both")
    limits, metrics, token = _limits(values), Metrics(), _token()
    artifacts = {name: Artifact.load(artifact_folder(path), values.runtime) for name, path in _named(values.artifact)}
    detector = Artifact.load(artifact_folder(values.detector), values.runtime) if values.detector else None
    models = Models(artifacts, detector, _lexicons(values.lexicons), limits, metrics)
    widths = None if values.widths is None else _numbers(values.widths)
    serve(models, limits, metrics, host=values.host, port=values.port, token=token, widths=widths)


def _token() -> str:
    """The token that requests must send, without the end of the line that files of secrets often have."""
    token = os.environ.get("RECOG_TOKEN", "")
    if token and not token.strip():
        raise ValueError("RECOG_TOKEN holds nothing but blanks: give it the token, or unset it")
    return token.strip()


def _limits(values: flags.FlagValues) -> Limits:
    return Limits(
        body=values.max_body,
        pixels=values.max_pixels,
        files=values.max_files,
        queue=values.max_queue,
        requests=values.max_requests,
        upload_seconds=values.upload_seconds,
        answer_seconds=values.answer_seconds,
    )


def _named(items: list[str]) -> list[tuple[str, str]]:
    """Names and artifacts; an artifact without a name gets that of its folder or of the zoo."""
    found: dict[str, str] = {}
    for item in items:
        name, equals, path = item.partition("=")
        name, path = (name, path) if equals else (Path(item.removeprefix("zoo:")).resolve().name, item)
        if name in found:
            raise ValueError(f"--artifact has {name!r} twice: write NAME={path} with another name")
        if not name or "/" in name or not path:
            raise ValueError(f"--artifact={item}: write ARTIFACT or NAME=ARTIFACT, with a name without slashes")
        found[name] = path
    return list(found.items())


def _lexicons(items: list[str]) -> dict[str, Path]:
    found = {}
    for item in items:
        name, equals, path = item.partition("=")
        if not (name and equals) or name in found:
            raise ValueError(f"--lexicons has {item!r}: write NAME=FILE, with a name of its own for each file")
        if not Path(path).is_file():
            raise FileNotFoundError(f"--lexicons={item}: there is no file {path}")
        found[name] = Path(path)
    return found


def _numbers(items: list[str]) -> list[int]:
    if not all(item.isdecimal() and 0 < int(item) <= 4096 for item in items):
        raise ValueError(f"--widths={','.join(items)}: write numbers of pixels from 1 to 4096, separated by commas")
    return list(map(int, items))


def command() -> None:
    """The console command."""
    define_flags()
    entry.run_installed(main, __name__)
