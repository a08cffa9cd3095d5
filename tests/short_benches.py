"""Every bench once, for a moment: `uv run python -m tests.short_benches`. It fails where one does not run."""

import asyncio
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from media_server.config import Settings
from tests.bench_folder import write
from tests.house import House, house
from tests.speech_data import load_prompts

RECORDINGS = 2


async def run(*arguments: str) -> None:
    print("\n$ media-server", *arguments, flush=True)  # noqa: T201
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "media_server.cli", *arguments)
    if await process.wait():
        raise SystemExit(f"{' '.join(arguments[:2])} failed")


async def bench(*arguments: str) -> None:
    await run("bench", *arguments)


def ports(server: House, *roles: str) -> list[str]:
    options = {"media": "--port", "asr": "--asr-port", "tts": "--tts-port"}
    return [part for role in roles for part in (options[role], str(urlsplit(server.addresses[role]).port))]


async def main() -> None:
    prompts = [prompt for prompt in load_prompts() if prompt.single_sentence and 1.5 < prompt.seconds < 3]
    models = ("--models-dir", str(Settings().models_dir))
    with tempfile.TemporaryDirectory() as folder:
        spoken = Path(folder) / "spoken"
        write(spoken, prompts[:RECORDINGS])
        async with house(Path(folder) / "data", *models) as server:
            here = ports(server, "media", "asr", "tts")
            await bench("twilio", str(spoken), "--calls", "2", "--turns", "2", *here)
            await bench("twilio", str(spoken), "--calls", "1", "--turns", "2", "--interrupt", *here)
            await bench("twilio", str(spoken), "--calls", "1", "--turns", "1", "--noise", "--echo-db", "-30", *here)
            await bench("webrtc", str(spoken), "--calls", "2", "--turns", "2", *here)
            await bench("echo", "--calls", "5", "--duration", "3", *ports(server, "media"))
            figures = str(Path(folder) / "figures.json")
            await bench(
                "asr", str(spoken), "--streams", "2", "--seconds", "2", "--json", figures, *ports(server, "asr")
            )
            await bench("asr", "--idle", "--streams", "3", "--seconds", "1", *ports(server, "asr"))
            await bench("tts", "--streams", "2", "--sentences", "2", "--json", figures, *ports(server, "tts"))
        await bench("turns", str(spoken), *models)
        await run("eval", str(spoken), "--context", "8", "--json", figures, *models)


if __name__ == "__main__":
    asyncio.run(main())
