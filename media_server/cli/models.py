"""`media-server models`: what is there, fetch it, read it all."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from engines import models as store
from engines.errors import ModelError
from media_server.cli.screen import PullScreen, complain, console, megabytes, shortened
from media_server.config import Settings, load
from media_server.control import EXIT_UNUSABLE
from media_server.errors import ConfigError

TURN_MODEL = "smart-turn"
SPEECH_MODEL = "silero-vad"
"""The asr role hears with it when somebody speaks, the tts role whether there is a voice in a recording."""


def needed(settings: Settings, roles: Sequence[str]) -> list[str]:
    """The models that these roles load."""
    ids: list[str] = []
    if "asr" in roles:
        ids.append(settings.asr.model)
    if "tts" in roles:
        ids.append(settings.tts.voice)
    if "asr" in roles:
        ids.append(TURN_MODEL)
    if "asr" in roles or "tts" in roles:
        ids.append(SPEECH_MODEL)
    return ids


def ensure(settings: Settings, roles: Sequence[str]) -> None:
    """Pull what these roles need and is missing, showing how it goes.

    Raises:
        ModelError: A model is corrupt, or no source has it.
    """
    with PullScreen(console(), fresh=not _any_model(settings.models_dir)) as screen:
        store.ensure(needed(settings, roles), settings.models_dir, screen)


def show(config: Path | None, said: Mapping[str, object]) -> int:
    """List all models; returns the exit code."""
    try:
        settings = load(config, **said)
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    out = console()
    out.print(f"models in {shortened(settings.models_dir)}")
    for model in store.MODELS.values():
        state = _state(model.id, settings.models_dir)
        out.print(f"  {model.id:<13} {model.detail:<6} {model.licence:<6} {megabytes(model.size):>7}  {state}")
    return 0


def pull(ids: Sequence[str], config: Path | None, said: Mapping[str, object]) -> int:
    """Fetch models; returns the exit code."""
    try:
        settings = load(config, **said)
        wanted = ids or _from_manifest(needed(settings, ("asr", "tts")))
        with PullScreen(console(), fresh=not _any_model(settings.models_dir)) as screen:
            store.pull(wanted, settings.models_dir, screen)
    except (ConfigError, ModelError) as error:
        complain(str(error))
        return EXIT_UNUSABLE
    console().print(f"{', '.join(wanted)}: in place in {shortened(settings.models_dir)}")
    return 0


def verify(ids: Sequence[str], config: Path | None, said: Mapping[str, object]) -> int:
    """Read models in full; returns the exit code."""
    try:
        settings = load(config, **said)
    except ConfigError as error:
        complain(str(error))
        return EXIT_UNUSABLE
    code = 0
    for model_id in ids or _from_manifest(needed(settings, ("asr", "tts"))):
        try:
            store.verify(model_id, settings.models_dir)
        except ModelError as error:
            complain(str(error))
            code = EXIT_UNUSABLE
        else:
            console().print(f"{model_id}: verified")
    return code


def _from_manifest(ids: Sequence[str]) -> list[str]:
    """Without folders of the user's own: nothing is known of them."""
    return [model_id for model_id in ids if "/" not in model_id]


def _any_model(models_dir: Path) -> bool:
    return any((models_dir / model_id).is_dir() for model_id in store.MODELS)


def _state(model_id: str, models_dir: Path) -> str:
    try:
        store.verify(model_id, models_dir, fully=False)
    except ModelError:
        return "corrupt" if (models_dir / model_id).is_dir() else "not here"
    return "here"
