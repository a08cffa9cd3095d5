"""The whole media role before both speech services as they are, with engines that are arithmetic."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.async_api import Download, expect
from pydantic import SecretStr

from media_server.config import Settings
from media_server.server import create_app
from media_server.services.app import LIMIT
from media_server.settings_sections import AsrSettings, MediaSettings
from tests.api.relay_house import MediaServer
from tests.speech_apps import SpeechApps, speech_apps

SESSIONS = 50

expect.set_options(timeout=20_000)  # a browser without a GPU, on a machine that has more to do


@dataclass(slots=True)
class EnginesHouse:
    url: str
    apps: SpeechApps

    @property
    def streams(self) -> int:
        """Recognition streams now."""
        return self.apps.asr.app[LIMIT].live

    def fill(self, *, full: bool) -> None:
        """Whether the recogniser takes no more streams."""
        self.apps.asr.app[LIMIT].max_sessions = 0 if full else SESSIONS


@asynccontextmanager
async def engines_house(folder: Path, key: str | None = None) -> AsyncIterator[EnginesHouse]:
    """The page and the engines at one address, on a free port. `key`: what the server and its engines want."""
    async with speech_apps(folder, api_key=key, asr=AsrSettings(max_sessions=SESSIONS)) as apps:
        settings = Settings(
            data_dir=folder / "media",
            api_key=SecretStr(key) if key is not None else None,
            media=MediaSettings(**apps.urls),
        )
        async with MediaServer(create_app(settings)) as server:
            yield EnginesHouse(str(server.make_url("/")), apps)


async def kept(download: Download) -> tuple[str, bytes]:
    """A file that the browser was given: its name and what is in it."""
    path = await download.path()
    return download.suggested_filename, await asyncio.to_thread(path.read_bytes)
