"""The units that ship; `.ci/run` has systemd itself verify them."""

import re
from pathlib import Path

from media_server.cli.serve import chosen
from media_server.config import load

UNITS = Path(__file__).parents[1] / "systemd"


def test_every_variable_of_the_example_is_a_setting() -> None:
    text = (UNITS / "media-server.env.example").read_text()
    variables = dict(re.findall(r"^#?([A-Z][A-Z_]+)=(.*)$", text, re.MULTILINE))
    guarded = {**variables, "TWILIO_AUTH_TOKEN": "t", "MEDIA_SERVER_API_KEY": "k"}
    settings = load(None, guarded)
    assert settings.engine_urls("asr") == ("http://10.0.0.2:8001", "http://10.0.0.3:8001")
    assert settings.engine_urls("tts") == ("http://10.0.0.2:8002",)
    assert [instance.name for instance in chosen("asr", settings, 2)] == ["asr-2"]


def test_the_units_differ_in_nothing_but_their_role() -> None:
    def service(name: str) -> set[str]:
        lines = (UNITS / name).read_text().partition("[Service]")[2].partition("[Install]")[0].splitlines()
        return {line for line in lines if not line.startswith(("ExecStart=", "TimeoutStopSec=", "#"))}

    whole = service("media-server.service")
    for name in ("media-server-media.service", "media-server-asr@.service", "media-server-tts@.service"):
        assert service(name) - whole == {"User=media-server"}
        assert whole <= service(name)
