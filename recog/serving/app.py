"""HTTP application of a server: endpoints over its models."""

import contextlib
import functools
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

import numpy as np
from fastapi import Depends, FastAPI, Query, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from fastapi_offline import FastAPIOffline

from recog.serving.answering import Answering, Failed
from recog.serving.body import Sent, Share
from recog.serving.decoders import NBEST, Options
from recog.serving.described import describe
from recog.serving.errors import answer_errors
from recog.serving.gate import Gate
from recog.serving.inference_protocol import inference_routes
from recog.serving.lifecycle import Lifecycle
from recog.serving.limits import Limits
from recog.serving.metrics import Metrics
from recog.serving.models import Models
from recog.serving.page import load_page
from recog.serving.plate_reader import Plate
from recog.serving.refusals import BadOptionError

_PICTURES: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": {"type": "string", "format": "binary"}}},
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    },
    "responses": {
        "400": {"description": "An option is unknown or does not suit the model; the message names it."},
        "422": {"description": "An option is not of its type or range; the message names it."},
        "401": {"description": "The token is missing."},
        "408": {"description": "The body arrived too slowly."},
        "413": {"description": "The body, a picture or the number of files is too large."},
        "415": {"description": "Not a picture. Among several pictures, its entry says so."},
        "503": {"description": "Busy, not ready, or about to end; Retry-After says when to try again."},
        "504": {"description": "The answer was not ready in time."},
    },
}
Model = Annotated[str, Query(description="Name of the model; the first one if empty.")]
Decoder = Annotated[str, Query(description="best_path, beam or lexicon; the model's own if empty.")]
Pattern = Annotated[str, Query(description="Regular expression, or name of one, that texts must match.")]
Lexicon = Annotated[str, Query(description="Name of one of the server's word lists.")]
Nbest = Annotated[int | None, Query(ge=1, le=NBEST, description="Number of readings to list.")]


def _refuse_unknown(request: Request) -> None:
    """Raises `BadOptionError` for an option that the endpoint does not have, such as a misspelt one."""
    known = [field.alias for field in request.scope["route"].dependant.query_params]
    for name in request.query_params:
        if name not in known:
            raise BadOptionError(f"there is no option {name!r:.50}; expected {', '.join(known)}")


_KNOWN = Depends(_refuse_unknown)


def make_app(models: Models, limits: Limits, metrics: Metrics, lifecycle: Lifecycle, token: str = "") -> Gate:
    """Builds the application; it takes requests once the lifecycle is ready.

    Args:
      models: models, whose threads end with the application.
      limits: limits of requests.
      metrics: metrics, also those of the models.
      lifecycle: state of the server.
      token: secret that requests must send; empty for none.
    """
    answering, page = Answering(limits, metrics), load_page()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        models.close()
        answering.close()

    app = FastAPIOffline(redoc_url=None, title="recog", description="Reads text in pictures.", lifespan=lifespan)
    metrics.watch_requests(lambda: lifecycle.in_flight)
    answer_errors(app)

    @app.post("/v1/read", openapi_extra=_PICTURES, dependencies=[_KNOWN])
    async def read(
        request: Request,
        model: Model = "",
        decoder: Decoder = "",
        pattern: Pattern = "",
        lexicon: Lexicon = "",
        nbest: Nbest = None,
    ) -> JSONResponse:
        """Reads pictures of one text or one class each."""
        reader = models.reader(model)
        options = Options(decoder, pattern, lexicon, bool(nbest))

        async def answer(share: Share, sent: Sequence[Sent]) -> list[dict[str, Any] | Failed]:
            await answering.build(reader.decoders, options)
            fitted = await answering.decode(reader.fit, sent, share)
            found = await answering.through(functools.partial(reader.submit, options), fitted)
            return [each if isinstance(each, Failed) else each.to_json(nbest) for each in found]

        return await answering.respond(request, reader.name, answer)

    @app.post("/v1/plates", openapi_extra=_PICTURES, dependencies=[_KNOWN])
    async def plates(
        request: Request, model: Model = "", decoder: Decoder = "", pattern: Pattern = "", lexicon: Lexicon = ""
    ) -> JSONResponse:
        """Finds and reads the plates of photographs."""
        finder = models.plates
        if finder is None:
            raise BadOptionError("this server has no detector: send pictures of one plate each to /v1/read")
        name, options = models.text_reader(model), Options(decoder, pattern, lexicon)
        if not name and options != Options():
            raise BadOptionError("this server has no reader of texts: leave decoder, pattern and lexicon out")

        async def answer(share: Share, sent: Sequence[Sent]) -> list[dict[str, Any] | Failed]:
            if name:
                await answering.build(finder.readers[name].decoders, options)
            upright = await answering.decode(finder.upright, sent, share)
            found = await answering.through(functools.partial(finder.submit, (name, options)), upright)
            return list(map(_photograph, upright, found))

        return await answering.respond(request, name, answer)

    @app.get("/v1/model")
    async def model() -> dict[str, Any]:
        """Describes the models, their options and the limits."""
        return describe(models, limits)

    @app.get("/metrics", include_in_schema=False)
    async def show_metrics() -> Response:
        return Response(metrics.text(), media_type="text/plain; version=0.0.4")

    @app.head("/", include_in_schema=False)
    @app.get("/", include_in_schema=False)
    async def show_page() -> HTMLResponse:
        return HTMLResponse(page.html, headers=page.headers)

    app.include_router(inference_routes(models, limits, lifecycle, answering))
    return Gate(app, lifecycle, metrics, token)


def _photograph(picture: np.ndarray | Failed, plates: list[Plate] | Failed) -> dict[str, Any] | Failed:
    if isinstance(plates, Failed):
        return plates
    assert isinstance(picture, np.ndarray)
    height, width, _ = picture.shape
    return {"width": width, "height": height, "plates": [plate.to_json() for plate in plates]}
