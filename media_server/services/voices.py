"""The voices by HTTP: `/v1/voices`.

A voice is made of a recording of its speaker, who must have agreed to it. The recording is decoded in a process of its
own, under limits, checked, and not kept.
"""

import asyncio
from collections.abc import Callable
from contextlib import closing
from http import HTTPStatus
from typing import IO, Annotated, Literal

import numpy as np
from aiohttp import web
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from engines.asr.audio_store import as_samples
from engines.errors import InputError
from engines.ports import Samples
from engines.tts.reference import MOST_S, TooLong
from engines.tts.voice_file import ClonedVoice
from engines.tts.voice_store import TooManyVoices
from media_server.errors import Forbidden, PeerError, TooLarge
from media_server.services.app import SessionLimit, admitted, complaint
from media_server.services.codecs import decoded
from media_server.services.uploads import form, pieces_of
from media_server.services.voice_catalog import Label, VoiceCatalog
from media_server.telemetry.problems import problem

PATH = "/v1/voices"
MAX_FILE = 32 << 20
"""Bytes of a recording; a minute of 48 kHz, 32 bit, stereo has 23 MB."""
MAX_AT_ONCE = 2
"""Voices that are made at once."""
UPLOAD_S = 120.0
"""For a whole form, however slowly it comes."""
MAX_UPLOADS = 16
"""Forms that come at once; all of them take 0.5 GB of disk."""


class ConsentRequired(Forbidden):
    """The speaker must have agreed; `consent=true` says so."""

    code = "consent_required"


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("control characters are not taken")
    return text.strip()


Line = Annotated[str, AfterValidator(_printable)]


class NewVoice(BaseModel):
    """The fields of `POST /v1/voices` besides the `file`."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[Line, Field(min_length=1, max_length=100)]
    consent: Literal["true"]
    description: Annotated[Line, Field(max_length=500)] = ""
    language: str = Field("", pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})?)?$")


class VoiceService:
    """The routes, and what they share; the catalog is there once the service is ready."""

    def __init__(self, catalog: Callable[[], VoiceCatalog], sample_rate: Callable[[], int]) -> None:
        """`sample_rate`: in which recordings are given to the engine, Hz."""
        self._catalog = catalog
        self._sample_rate = sample_rate
        self._uploads = SessionLimit("tts-voice-uploads", MAX_UPLOADS)
        self._making = SessionLimit("tts-voices", MAX_AT_ONCE)

    def routes(self) -> list[web.RouteDef]:
        """For the application's router."""
        return [
            web.get(PATH, self.list),
            web.post(PATH, self.create),
            web.get(PATH + "/{id}", self.show),
            web.delete(PATH + "/{id}", self.delete),
        ]

    async def list(self, _request: web.Request) -> web.Response:
        """All voices."""
        catalog = self._catalog()
        await asyncio.shield(catalog.look())  # a client that leaves stops no change halfway; so below
        return web.json_response(
            {
                "default": catalog.default,
                "can_clone": catalog.can_clone,
                "voices": [*map(_built_in, catalog.built_in), *map(_cloned, catalog.cloned)],
                "refused": [{"id": voice, "reason": reason} for voice, reason in sorted(catalog.refused.items())],
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        """One voice."""
        voice, catalog = request.match_info["id"], self._catalog()
        if voice in catalog.built_in:
            return web.json_response(_built_in(voice))
        return web.json_response(_cloned(await catalog.find(voice)))

    async def create(self, request: web.Request) -> web.Response:
        """Another voice."""
        catalog = self._catalog()
        try:
            with admitted(request, self._uploads):
                await catalog.check_room()
                fields, file = await form(request, MAX_FILE, within_s=UPLOAD_S)
                if file is None:
                    raise PeerError("file: is wanted")
                with closing(file):
                    wanted = _validated(fields)
                    # Not before all is there: who sends slowly keeps nobody from making a voice.
                    with admitted(request, self._making):
                        reference = await _samples(file, self._sample_rate())
                        label = Label(wanted.name, wanted.description, wanted.language)
                        voice = await catalog.create(label, reference, self._sample_rate())
        except InputError as error:
            return problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, str(error))
        except TooManyVoices as error:
            return problem(HTTPStatus.CONFLICT, error.code, str(error))
        return web.json_response(_cloned(voice), status=HTTPStatus.CREATED, headers={"Location": f"{PATH}/{voice.id}"})

    async def delete(self, request: web.Request) -> web.Response:
        """One voice less."""
        await asyncio.shield(self._catalog().delete(request.match_info["id"]))
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _built_in(voice: str) -> dict[str, object]:
    return {"id": voice, "name": voice, "kind": "built-in"}


def _cloned(voice: ClonedVoice) -> dict[str, object]:
    return {
        "id": voice.id,
        "name": voice.name,
        "kind": "cloned",
        "description": voice.description,
        "language": voice.language or None,
        "created": voice.created.isoformat(),
        "consent": voice.consent,
        "reference_s": voice.reference_s,
    }


def _validated(fields: dict[str, list[str]]) -> NewVoice:
    """What was asked for.

    Raises:
        ConsentRequired: Nobody said that the speaker has agreed.
        PeerError: A field is not known, missing, said twice, or does not fit.
    """
    for name, values in fields.items():
        if len(values) > 1:
            raise PeerError(f"{name[:64]}: once is enough")
    if fields.get("consent") != ["true"]:
        raise ConsentRequired
    try:
        return NewVoice.model_validate({name: values[0] for name, values in fields.items()})
    except ValidationError as error:
        raise PeerError(complaint(error)) from None


async def _samples(file: IO[bytes], rate: int) -> Samples:
    """The sound of a recording. What is longer than any reference may be is not decoded to its end.

    Raises:
        TooLong: It is.
        UnsupportedMedia: It is no recording that is known.
        Undecodable: It is broken.
    """
    pcm = bytearray()
    try:
        async for piece in decoded(pieces_of(file), rate=rate, most_s=MOST_S):
            pcm += piece
    except TooLarge:
        raise TooLong(f"More than {MOST_S:.0f} s; 10 s are enough") from None
    return as_samples(np.frombuffer(pcm, np.int16))
