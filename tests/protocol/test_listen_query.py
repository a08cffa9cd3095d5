"""Deepgram's options, and what of our own stream they ask for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from media_server.protocol.asr_stream import AsrQuery
from media_server.protocol.listen_query import ENDPOINTING_MS, MODELS, ListenQuery

RAW = {"encoding": "linear16", "sample_rate": "8000"}


@pytest.mark.parametrize(
    ("asked", "ours"),
    [
        ({}, {"encoding": "opus"}),
        ({"encoding": "ogg-opus", "sample_rate": "48000"}, {"encoding": "opus", "sample_rate": 48000}),
        (RAW, {"encoding": "linear16", "sample_rate": 8000}),
        ({"language": "en-US"}, {"language": "en"}),
        ({"language": "zh-Hant-TW"}, {"language": "zh"}),
        ({"language": "multi"}, {"language": "auto"}),
        ({"interim_results": "true"}, {"interim_results": True}),
        ({"keyterm": ["Nacht", "Tag"]}, {"keyterm": ("Nacht", "Tag")}),
        ({"endpointing": "10"}, {"min_silence_ms": 10}),
        ({"endpointing": "True"}, {"min_silence_ms": ENDPOINTING_MS}),
        ({"endpointing": "false"}, {"min_silence_ms": None, "turn_detection": "none"}),
        ({"utterance_end_ms": "1000"}, {"min_silence_ms": ENDPOINTING_MS, "quiet_ms": 1000}),
        ({"endpointing": "false", "utterance_end_ms": "1000"}, {"min_silence_ms": 1000, "quiet_ms": 1000}),
        ({"diarize": "false", "profanity_filter": "False", "mip_opt_out": "true", "no_delay": "true"}, {}),
    ],
)
def test_what_is_asked_of_our_own_stream(asked: dict[str, object], ours: dict[str, object]) -> None:
    default = AsrQuery(encoding="opus", word_timestamps=True, min_silence_ms=ENDPOINTING_MS)
    assert ListenQuery.model_validate(asked).for_stream() == default.model_copy(update=ours)


@pytest.mark.parametrize(
    ("asked", "punctuated"),
    [
        ({}, True),
        ({"punctuate": "false"}, False),
        ({"punctuate": "false", "smart_format": "true"}, True),
        ({"punctuate": "true", "smart_format": "false"}, True),
    ],
)
def test_words_are_told_as_they_are_written_unless_that_is_not_wanted(asked: dict[str, str], punctuated: bool) -> None:
    assert ListenQuery.model_validate(asked).punctuated is punctuated


@given(st.text(max_size=80), st.text(max_size=20))
def test_what_is_not_known_is_refused_by_its_name(option: str, value: str) -> None:
    if option in ListenQuery.model_fields:
        return
    with pytest.raises(ValidationError) as refused:
        ListenQuery.model_validate({option: value})
    assert refused.value.errors()[0]["msg"] == f"{option[:64]}: not supported here"


@given(st.text())
def test_a_language_is_a_tag_or_none(language: str) -> None:
    try:
        asked = ListenQuery.model_validate({"language": language}).for_stream()
    except ValidationError:
        return
    assert language == "multi" or language.lower().startswith(asked.language)


def test_no_model_of_a_trade_means_ours() -> None:
    assert {"nova-3", "nova-3-general", "nova-2-phonecall", "base", "general"} <= MODELS
    assert not any("medical" in model or "finance" in model for model in MODELS)
