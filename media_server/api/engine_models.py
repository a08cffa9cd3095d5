"""`GET /v1/models` of an engine, in OpenAI's shape."""

import asyncio
import json

import aiohttp

from media_server.errors import EngineError
from media_server.speech.connection import Engines

WITHIN_S = 3.0
MAX_BYTES = 64 * 1024


async def models_of(engines: Engines) -> list[object]:
    """What an engine of this kind has; nothing where none answers."""
    try:
        async with asyncio.timeout(WITHIN_S), engines.ask("GET", "/v1/models", query={}, headers={}) as answer:
            text = bytearray()
            while len(text) <= MAX_BYTES and (piece := await answer.content.read(MAX_BYTES)):
                text += piece
            document = json.loads(text) if answer.ok and len(text) <= MAX_BYTES else None
    except (EngineError, aiohttp.ClientError, OSError, ValueError):
        return []
    found = document.get("data") if isinstance(document, dict) else None
    return found if isinstance(found, list) else []
