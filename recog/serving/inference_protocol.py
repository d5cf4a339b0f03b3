"""Open Inference Protocol, version 2, over HTTP and JSON: health, metadata and inference of readers and classifiers."""

import functools
from typing import Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from recog.images import WIDEST
from recog.serving.answering import Answering
from recog.serving.body import receive_body
from recog.serving.decoders import Options
from recog.serving.lifecycle import READY, Lifecycle
from recog.serving.limits import Limits
from recog.serving.models import Models, Read, Reader
from recog.serving.refusals import BusyError, RefusedError, TooLargeError, UnknownModelError


class Tensor(BaseModel):
    """An input of a request."""

    name: str
    datatype: str
    shape: list[int]
    data: list[Any]


class Inference(BaseModel):
    """A request for inference."""

    id: str | None = None
    inputs: list[Tensor]


def inference_routes(models: Models, limits: Limits, lifecycle: Lifecycle, answering: Answering) -> APIRouter:
    """Endpoints below ``/v2``."""
    routes = APIRouter(prefix="/v2")

    def find(name: str) -> Reader:
        if name not in models.readers:
            raise UnknownModelError(f"there is no model {name!r:.50}; expected {' or '.join(models.readers) or 'none'}")
        return models.readers[name]

    def require_ready() -> Response:
        if lifecycle.state != READY:
            raise BusyError(f"the server is {lifecycle.state}", retry_after=5)
        return JSONResponse({"ready": True})

    @routes.get("")
    async def server() -> dict[str, Any]:
        return {"name": "recog", "version": "2", "extensions": []}

    @routes.head("/health/live", include_in_schema=False)
    @routes.get("/health/live")
    async def live() -> dict[str, bool]:
        return {"live": True}

    @routes.head("/health/ready", include_in_schema=False)
    @routes.get("/health/ready")
    async def ready() -> Response:
        return require_ready()

    @routes.get("/models/{name}/ready")
    async def model_ready(name: str) -> Response:
        find(name)
        return require_ready()

    @routes.get("/models/{name}")
    async def metadata(name: str) -> dict[str, Any]:
        wanted = find(name).artifact.card.preprocess
        pixels = [-1, wanted.height, wanted.width or -1, wanted.channels]
        return {
            "name": name,
            "platform": "recog",
            "inputs": [
                {"name": "images", "datatype": "UINT8", "shape": pixels},
                {"name": "sizes", "datatype": "INT32", "shape": [-1, 2]},
            ],
            "outputs": [
                {"name": "text", "datatype": "BYTES", "shape": [-1]},
                {"name": "confidence", "datatype": "FP32", "shape": [-1]},
            ],
        }

    @routes.post("/models/{name}/infer")
    async def infer(name: str, request: Request) -> dict[str, Any]:
        reader = find(name)
        with answering.memory.share() as share:
            body = await receive_body(request, limits, share)
            share.take(4 * len(body))  # numbers as objects
            asked, fitted = await answering.run(_parse, body, reader, limits)
            found = await answering.in_time(answering.through(functools.partial(reader.submit, Options()), fitted))
        request.state.facts = {"model": name, "pictures": len(fitted)}
        return {"model_name": name, "id": asked.id or request.state.request_id, "outputs": _outputs(found)}

    return routes


def _parse(body: bytes, reader: Reader, limits: Limits) -> tuple[Inference, list[np.ndarray]]:
    """The request and its pictures without padding."""
    try:
        asked = Inference.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "the body"
        raise RefusedError(f"not a request for inference: {place}: {first['msg']}") from None
    wanted, found = reader.artifact.card.preprocess, {each.name: each for each in asked.inputs}
    if found.keys() != {"images", "sizes"}:
        raise RefusedError(f"inputs are {', '.join(found) or 'none'}; expected images and sizes")
    images, sizes = _array(found["images"], "UINT8", np.uint8), _array(found["sizes"], "INT32", np.int32)
    expected = wanted.height, wanted.width or None, wanted.channels
    if images.ndim != 4 or any(one not in (None, size) for one, size in zip(expected, images.shape[1:], strict=True)):
        shape = ["B", wanted.height, wanted.width or "W", wanted.channels]
        raise RefusedError(f"images of shape {list(images.shape)}; expected {shape}")
    if sizes.shape != (len(images), 2) or np.any(sizes < 1) or np.any(sizes > images.shape[1:3]):
        raise RefusedError("sizes must hold height and width of each of the images, from 1 to those of the batch")
    if len(images) > limits.files:
        raise TooLargeError(f"{len(images)} images are more than the {limits.files} accepted: send fewer at once")
    if images.shape[2] > WIDEST:
        raise TooLargeError(f"images of {images.shape[2]} columns are wider than the {WIDEST} accepted: scale them")
    return asked, [image[:height, :width] for image, (height, width) in zip(images, sizes.tolist(), strict=True)]


def _array(tensor: Tensor, datatype: str, dtype: type) -> np.ndarray:
    if tensor.datatype != datatype:
        raise RefusedError(f"{tensor.name} is {tensor.datatype}; expected {datatype}")
    if any(size < 0 for size in tensor.shape):
        raise RefusedError(f"{tensor.name} has the shape {tensor.shape}; expected numbers from 0")
    accepted = np.iinfo(dtype)
    try:
        numbers = np.array(tensor.data or np.zeros(0, dtype))
        if numbers.dtype.kind not in "iu" or np.any(numbers < accepted.min) or np.any(numbers > accepted.max):
            raise ValueError(f"data must hold integers from {accepted.min} to {accepted.max}")
        return numbers.astype(dtype).reshape(tensor.shape)
    except ValueError as error:
        raise RefusedError(f"{tensor.name}: {error}") from error


def _outputs(found: list[Any]) -> list[dict[str, Any]]:
    readings = [each.best for each in found if isinstance(each, Read)]
    shape = [len(readings)]
    return [
        {"name": "text", "datatype": "BYTES", "shape": shape, "data": [text for text, _ in readings]},
        {"name": "confidence", "datatype": "FP32", "shape": shape, "data": [sure for _, sure in readings]},
    ]
