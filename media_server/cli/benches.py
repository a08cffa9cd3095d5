"""`media-server bench …`: the options of each. They import what they do only when they run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from media_server.cli.options import (
    AsrPort,
    ConfigFile,
    Instances,
    Json,
    JsonFile,
    Language,
    ModelsDir,
    TtsPort,
    Url,
    counts,
    said,
)


class Encoding(StrEnum):
    """How sound travels."""

    MULAW = "mulaw"
    LINEAR16 = "linear16"


class Codec(StrEnum):
    """What a WebRTC phone sends."""

    OPUS = "opus"
    PCMU = "pcmu"


class TurnDetection(StrEnum):
    """What ends a turn."""

    SILENCE = "silence"
    SMART_TURN = "smart_turn"


Folder = Annotated[
    Path | None,
    typer.Argument(metavar="FOLDER", help="WAVs to say, NAME.txt with the words.", show_default="a sentence"),
]
Calls = Annotated[int, typer.Option(min=1, help="How many at once.")]
Utterances = Annotated[int, typer.Option(min=1, help="How many utterances in each.")]
Duration = Annotated[float, typer.Option(help="Seconds after which a call says nothing new.")]
Hesitate = Annotated[float, typer.Option(help="Seconds of silence in the middle of each utterance.")]
Interrupt = Annotated[bool, typer.Option("--interrupt", help="Speak into every answer.")]
Noise = Annotated[bool, typer.Option("--noise", help="Make a noise in every answer.")]
Stagger = Annotated[float, typer.Option(help="Seconds between the beginnings of two calls.")]
Seed = Annotated[int, typer.Option(help="Of what is said when.")]
Port = Annotated[int | None, typer.Option(help="The port for calls.", show_default="8000")]

bench = typer.Typer(help="Many calls or streams at once, and what is noticed of it.", no_args_is_help=True)


@bench.command("twilio")
def bench_twilio(  # noqa: PLR0917 - options, passed by name
    folder: Folder = None,
    calls: Calls = 8,
    turns: Utterances = 4,
    duration: Duration = 3600.0,
    hesitate: Hesitate = 0.0,
    interrupt: Interrupt = False,
    noise: Noise = False,
    echo_db: Annotated[
        float | None,
        typer.Option(
            min=-90, max=0, help="The phones hear themselves at this level, say -30.", show_default="they do not"
        ),
    ] = None,
    echo_delay: Annotated[int, typer.Option(help="… and so many milliseconds later.")] = 150,
    stagger: Stagger = 1.0,
    seed: Seed = 1,
    url: Url = None,
    port: Port = None,
    asr_port: AsrPort = None,
    tts_port: TtsPort = None,
    instances: Instances = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Phones that talk to the server, as Twilio would connect them."""
    from media_server.cli.bench import calls as run  # noqa: PLC0415
    from media_server.phone.bench_calls import Bench  # noqa: PLC0415
    from media_server.phone.twilio_phone import Feedback  # noqa: PLC0415

    feedback = Feedback(echo_db, echo_delay) if echo_db is not None else None
    plan = Bench(calls, turns, duration, hesitate, interrupt, noise, feedback, stagger, seed)
    options = said(port=port, asr_port=asr_port, tts_port=tts_port, instances=counts(instances))
    raise typer.Exit(run(plan, folder, url, config, options, as_json=as_json))


@bench.command("webrtc")
def bench_webrtc(  # noqa: PLR0917 - options, passed by name
    folder: Folder = None,
    calls: Calls = 8,
    turns: Utterances = 4,
    duration: Duration = 3600.0,
    hesitate: Hesitate = 0.0,
    interrupt: Interrupt = False,
    noise: Noise = False,
    codec: Annotated[Codec, typer.Option(help="The only one that is offered.")] = Codec.OPUS,
    dialplan: Annotated[str | None, typer.Option(help="Which one answers.", show_default="the server's")] = None,
    stagger: Stagger = 1.0,
    seed: Seed = 1,
    url: Url = None,
    port: Port = None,
    asr_port: AsrPort = None,
    tts_port: TtsPort = None,
    instances: Instances = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Browsers that talk to the server: WHIP, ICE, DTLS, and sound in real time."""
    from media_server.cli.bench import calls as run  # noqa: PLC0415
    from media_server.phone.bench_calls import Bench, by_webrtc  # noqa: PLC0415

    plan = Bench(calls, turns, duration, hesitate, interrupt, noise, None, stagger, seed)
    options = said(port=port, asr_port=asr_port, tts_port=tts_port, instances=counts(instances))
    make = by_webrtc(dialplan, codec.value)
    raise typer.Exit(run(plan, folder, url, config, options, as_json=as_json, make=make))


@bench.command("echo")
def bench_echo(  # noqa: PLR0917 - options, passed by name
    calls: Calls = 50,
    duration: Annotated[float, typer.Option(min=1, help="Seconds.")] = 20.0,
    url: Url = None,
    port: Port = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Phones that hear themselves: how even the server's clock is. It must take as many calls (media.max_calls)."""
    from media_server.cli.bench import echo as run  # noqa: PLC0415

    raise typer.Exit(run(calls, duration, url, config, said(port=port), as_json=as_json))


@bench.command("turns")
def bench_turns(  # noqa: PLR0917 - options, passed by name
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="WAVs, an utterance each.")],
    split: Annotated[
        list[float] | None,
        typer.Option(help="A silence to put inside, in seconds. Repeatable.", show_default="0.5, 0.8"),
    ] = None,
    language: Language = "en",
    models_dir: ModelsDir = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """How long the ends of turns take, and how often a speaker is cut short: ours, timers, VAD + Smart Turn."""
    from media_server.cli.bench_turns import run  # noqa: PLC0415

    splits = split if split is not None else [0.5, 0.8]
    raise typer.Exit(run(folder, splits, language, config, said(models_dir=models_dir), as_json=as_json))


@bench.command("asr")
def bench_asr(  # noqa: PLR0917 - options, passed by name
    folder: Folder = None,
    streams: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
    seconds: Annotated[float, typer.Option(min=1, help="After so long none begins another utterance.")] = 60.0,
    idle: Annotated[bool, typer.Option("--idle", help="Nobody says anything: the memory of a stream.")] = False,
    turn_detection: Annotated[TurnDetection, typer.Option(help="What ends a turn.")] = TurnDetection.SILENCE,
    min_silence_ms: Annotated[
        int | None, typer.Option(help="The silence that ends a turn.", show_default="the service's")
    ] = None,
    interim: Annotated[bool, typer.Option("--interim", help="Ask for partials, too.")] = False,
    language: Language = "en",
    encoding: Annotated[Encoding, typer.Option(help="How sound travels, at 8 kHz.")] = Encoding.MULAW,
    message_ms: Annotated[int, typer.Option(min=10, max=200, help="What is sent at once.")] = 40,
    silence: Annotated[float, typer.Option(min=0.5, help="Seconds behind each utterance.")] = 2.0,
    seed: Seed = 1,
    url: Url = None,
    asr_port: AsrPort = None,
    tts_port: TtsPort = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Callers who talk to the recogniser's stream in real time: when the words come, and whether all do."""
    from media_server.cli.bench_load import asr as run  # noqa: PLC0415
    from media_server.evaluation.asr_load import AsrLoad  # noqa: PLC0415

    plan = AsrLoad(
        streams=streams,
        seconds=seconds,
        idle=idle,
        turn_detection=turn_detection.value,
        min_silence_ms=min_silence_ms,
        interim_results=interim,
        language=language,
        encoding=encoding.value,
        message_ms=message_ms,
        silence_s=silence,
        seed=seed,
    )
    raise typer.Exit(run(plan, folder, url, config, said(asr_port=asr_port, tts_port=tts_port), json_file=json_file))


@bench.command("tts")
def bench_tts(  # noqa: PLR0917 - options, passed by name
    streams: Annotated[int, typer.Option(min=1, help="How many at once.")] = 8,
    sentences: Annotated[int, typer.Option(min=1, help="How many each stream speaks.")] = 5,
    listen: Annotated[
        bool,
        typer.Option("--listen", help="Each is heard to its end before the next one; else they are asked at once."),
    ] = False,
    sample_rate: Annotated[int, typer.Option(help="Of the sound, in Hz.")] = 24000,
    voice: Annotated[str, typer.Option(help="Which one.")] = "default",
    url: Url = None,
    tts_port: TtsPort = None,
    config: ConfigFile = None,
    json_file: JsonFile = None,
) -> None:
    """Streams that let the synthesiser speak, all at once: when the first sound comes, and whether all keep up."""
    from media_server.cli.bench_load import tts as run  # noqa: PLC0415
    from media_server.evaluation.tts_load import TtsLoad  # noqa: PLC0415

    plan = TtsLoad(streams, sentences, listen=listen, sample_rate=sample_rate, voice=voice)
    raise typer.Exit(run(plan, url, config, said(tts_port=tts_port), json_file=json_file))
