"""`POST /v1/calls`: begin a call. With an `Idempotency-Key` the same request, made again, is the same call."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from media_server.api.idempotency import Idempotency
from media_server.api.twilio_outgoing import Outgoing, OutgoingCall
from media_server.call.registry import Registry, Reservation
from media_server.errors import NotFound, PeerError

MAX_RING_S = 120
_MAX_KEY = 255


class CallBody(BaseModel):
    """What is asked for. `from`: the number to call from; `settings`: as a route's, for the dialplan."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    to: str = Field(min_length=1, max_length=256)
    from_: str = Field("", alias="from", max_length=256)
    dialplan: str = Field("", pattern=r"^([a-z][a-z0-9_]{0,63})?$")
    settings: dict[str, JsonValue] = Field(default_factory=dict, max_length=100)
    timeout_s: float = Field(30.0, ge=5, le=MAX_RING_S)
    machine_detection: Literal["none", "enable", "message_end"] = "none"


def calls_out_routes(
    outgoing: Outgoing[Reservation], registry: Registry, *, now: Callable[[], float]
) -> list[web.RouteDef]:
    """The route: 201 with the call's record, 200 where the key's call was begun before."""
    made = Idempotency(now=now)

    async def create(request: web.Request) -> web.Response:
        raw = await request.read()
        body = _parsed(raw)
        order = OutgoingCall(
            to=body.to,
            caller=body.from_,
            dialplan=body.dialplan,
            settings=body.settings,
            timeout_s=body.timeout_s,
            machine_detection=body.machine_detection,
        )
        key = request.headers.get("Idempotency-Key")
        if key is None:
            call_id, is_new = await outgoing.call(order), True
        elif not 0 < len(key) <= _MAX_KEY or not key.isprintable():
            raise PeerError(f"Idempotency-Key: 1 to {_MAX_KEY} characters are wanted")
        else:
            digest = sha256(body.model_dump_json().encode()).digest()
            call_id, is_new = await made.once(key, digest, lambda: outgoing.call(order))
        headers = {"Location": f"/v1/calls/{call_id}"}
        return web.json_response(_record(registry, call_id), status=201 if is_new else 200, headers=headers)

    return [web.post("/v1/calls", create)]


def _parsed(raw: bytes) -> CallBody:
    try:
        return CallBody.model_validate_json(raw)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise PeerError(f"{place}: {first['msg']}" if place else first["msg"]) from None


def _record(registry: Registry, call_id: str) -> Mapping[str, Any]:
    try:
        return registry.record(call_id).model_dump(mode="json")
    except NotFound:  # so long ago that it is forgotten here
        return {"id": call_id, "state": "ended"}
