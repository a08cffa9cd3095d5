from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from media_server.config import Settings, authority, exposed_secrets, load, parse, serialize
from media_server.errors import ConfigError
from media_server.ice_servers import browser_ice_servers, links_of
from media_server.settings_sections import WebRtcSettings


def complaints(config: Path | None = None, environ: dict[str, str] | None = None, /, **overrides: object) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(config, environ or {}, **overrides)
    return str(caught.value).splitlines()


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "server.toml"


def test_engines_are_those_elsewhere_or_all_instances_here(toml: Path) -> None:
    toml.write_text("[instances]\nasr = 2\n")
    settings = load(toml, {"MEDIA_SERVER_INSTANCES__TTS": "3"}, media={"tts_urls": ("http://gpu:8002",)})
    assert settings.engine_urls("asr") == ("http://127.0.0.1:8001", "http://127.0.0.1:8011")
    assert settings.engine_urls("tts") == ("http://gpu:8002",)
    assert complaints(None, {"MEDIA_SERVER_INSTANCES__ASR": "0"})[0].startswith("MEDIA_SERVER_INSTANCES__ASR: ")
    assert complaints(instances={"asr": "0"})[0].startswith("--instances: ")


def test_later_layers_win(toml: Path) -> None:
    toml.write_text('port = 1\nasr_port = 2\ntts_port = 3\n[media]\nmax_calls = 4\nlanguage = "de"\n')
    environ = {"MEDIA_SERVER_ASR_PORT": "20", "MEDIA_SERVER_TTS_PORT": "30", "MEDIA_SERVER_MEDIA__MAX_CALLS": "40"}
    settings = load(toml, environ, tts_port=300)
    assert (settings.port, settings.asr_port, settings.tts_port) == (1, 20, 300)
    assert (settings.media.max_calls, settings.media.language) == (40, "de")
    assert settings.host == "127.0.0.1"


def test_lists_are_separated_by_commas_and_empty_variables_are_not_set() -> None:
    environ = {"MEDIA_SERVER_MEDIA__ASR_URLS": "http://a:1, http://b:2", "MEDIA_SERVER_API_KEY": ""}
    settings = load(None, environ)
    assert settings.media.asr_urls == ("http://a:1", "http://b:2")
    assert settings.api_key is None


def test_twilios_own_name_for_its_token_is_understood() -> None:
    settings = load(None, {"TWILIO_AUTH_TOKEN": "t1"})
    assert settings.twilio.auth_token is not None
    assert settings.twilio.auth_token.get_secret_value() == "t1"
    ours = load(None, {"TWILIO_AUTH_TOKEN": "t1", "MEDIA_SERVER_TWILIO__AUTH_TOKEN": "t2"}).twilio.auth_token
    assert ours is not None
    assert ours.get_secret_value() == "t2"


def test_each_mistake_is_one_line_with_its_place(toml: Path) -> None:
    toml.write_text('prot = 8000\n[media]\nmax_calls = "many"\nmax_cals = 3\n[fax]\nport = 1\n')
    assert complaints(toml, {"MEDIA_SERVER_ASR_PROT": "1", "MEDIA_SERVER_MEDIA__PATIENCE": "none"}, port=99999) == [
        "--port: Input should be less than or equal to 65535",
        f"{toml}: media.max_calls: Input should be a valid integer, unable to parse string as an integer",
        "MEDIA_SERVER_MEDIA__PATIENCE: Input should be 'quick', 'normal' or 'patient'",
        f"{toml}: media.max_cals: there is no such setting (did you mean media.max_calls?)",
        f"{toml}: prot: there is no such setting (did you mean port?)",
        f"{toml}: fax.port: there is no such setting",
        "MEDIA_SERVER_ASR_PROT: there is no such setting (did you mean asr_port?)",
    ]


def test_options_are_named_as_they_are_typed() -> None:
    assert complaints(media={"asr_urls": (1,)}) == ["--asr-url: Input should be a valid string"]
    assert complaints(tts_port=-1)[0].startswith("--tts-port: ")


def test_a_section_that_is_a_value_is_named() -> None:
    environ = {"MEDIA_SERVER_MEDIA": "1", "MEDIA_SERVER_MEDIA__MAX_CALLS": "4"}
    assert complaints(None, environ)[0].startswith("MEDIA_SERVER_MEDIA: ")


def test_files_that_cannot_be_read_are_named(toml: Path) -> None:
    assert complaints(toml) == [f"{toml}: No such file or directory"]
    toml.write_text("port = \n")
    assert complaints(toml)[0].startswith(f"{toml}: Invalid value (at line 1")
    toml.write_bytes(b"\xff")
    assert complaints(toml)[0].startswith(f"{toml}: 'utf-8' codec")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_without_a_key_it_is_reached_from_this_machine_only(host: str) -> None:
    line = f"--host: {host} can be reached from elsewhere, but neither twilio.auth_token nor api_key is set"
    assert complaints(host=host) == [line]
    assert load(None, {"TWILIO_AUTH_TOKEN": "t"}, host=host).host == host
    assert load(None, {"MEDIA_SERVER_API_KEY": "k"}, host=host).host == host


def test_a_public_address_needs_a_key_and_must_be_one() -> None:
    assert complaints(public_url="https://a.example")[0].startswith("--public-url: a.example can be reached")
    for wrong in ("a.example", "ftp://a.example", "https://", "http://a.example:99999", "https://a.example/?x=1"):
        assert complaints(None, {"TWILIO_AUTH_TOKEN": "t"}, public_url=wrong) == [
            "--public-url: it must be an http:// or https:// address"
        ]
    assert load(None, {"TWILIO_AUTH_TOKEN": "t"}, public_url="https://a.example/").base_url == "https://a.example"
    assert load(None, {}, public_url="http://localhost:8000").open_to_all


def test_only_a_key_opens_the_engines() -> None:
    assert load(None, {"TWILIO_AUTH_TOKEN": "t"}, host="0.0.0.0").engine_host == "127.0.0.1"
    assert load(None, {"MEDIA_SERVER_API_KEY": "k"}, host="0.0.0.0").engine_host == "0.0.0.0"


def test_secrets_are_never_printed(toml: Path) -> None:
    toml.write_text('api_key = "s3cret"\nprot = 1\n')
    assert "s3cret" not in "".join(complaints(toml, {"TWILIO_AUTH_TOKEN": "t0ken"}))
    settings = load(None, {"MEDIA_SERVER_API_KEY": "s3cret", "TWILIO_AUTH_TOKEN": "t0ken"})
    for shown in (repr(settings), str(settings), settings.model_dump_json(), str(settings.model_dump())):
        assert "s3cret" not in shown
        assert "t0ken" not in shown
    wrong = complaints(None, {}, api_key={"nested": "s3cret"}) + complaints(None, {}, api_key=["s3cret"])
    assert "s3cret" not in "".join(wrong)


def test_an_empty_key_guards_nothing_and_is_refused(toml: Path) -> None:
    toml.write_text('api_key = ""\n')
    assert complaints(toml)[0].startswith(f"{toml}: api_key: ")


def test_settings_are_frozen() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.port = 1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        settings.media.max_calls = 1  # type: ignore[misc]


def test_settings_survive_the_way_to_a_role() -> None:
    settings = load(None, {"MEDIA_SERVER_API_KEY": "s3cret"}, media={"asr_urls": ("http://a:1",)}, data_dir="~/x")
    assert settings.data_dir == Path.home() / "x"
    assert parse(serialize(settings)) == settings


def test_a_readable_file_with_secrets_is_warned_of(toml: Path) -> None:
    toml.write_text('[twilio]\nauth_token = "t"\n')
    toml.chmod(0o644)
    assert exposed_secrets(toml) == f"{toml}: it holds secrets, and everybody on this machine may read it (chmod o-r)"
    toml.chmod(0o640)
    assert exposed_secrets(toml) is None
    toml.write_text("port = 1\n")
    toml.chmod(0o644)
    assert exposed_secrets(toml) is None


def test_addresses_are_written_as_others_reach_them() -> None:
    assert authority("0.0.0.0", 80) == "127.0.0.1:80"
    assert authority("::", 80) == "[::1]:80"
    assert authority("a.example", 80) == "a.example:80"


def test_twilios_own_names_and_the_list_of_destinations_are_understood() -> None:
    environ = {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "t",
        "MEDIA_SERVER_TWILIO__ALLOWED_DESTINATIONS": "+1555*, sip:*@example.com",
    }
    twilio = load(None, environ).twilio
    assert twilio.account_sid == environ["TWILIO_ACCOUNT_SID"]
    assert twilio.allowed_destinations == ("+1555*", "sip:*@example.com")
    (complaint,) = complaints(None, {**environ, "MEDIA_SERVER_TWILIO__ALLOWED_DESTINATIONS": "*"})
    assert complaint.startswith("MEDIA_SERVER_TWILIO__ALLOWED_DESTINATIONS: ")
    assert "+1555*" in complaint


@pytest.mark.parametrize("origin", ["*", "null", "www.example.com", "https://www.example.com/talk"])
def test_pages_from_elsewhere_are_named_one_by_one(origin: str) -> None:
    listed = load(None, {"MEDIA_SERVER_WEB__ALLOWED_ORIGINS": "https://WWW.example.com:443,http://localhost:5173"})
    assert listed.web.allowed_origins == ("https://www.example.com", "http://localhost:5173")
    with pytest.raises(ConfigError, match=r"MEDIA_SERVER_WEB__ALLOWED_ORIGINS: .*one origin is wanted"):
        load(None, {"MEDIA_SERVER_WEB__ALLOWED_ORIGINS": origin})


def test_what_a_whip_client_is_told_of_servers_is_quoted() -> None:
    webrtc = WebRtcSettings(
        stun_url="stun:stun.example.com:3478",
        turn_url="turn:turn.example.com",
        turn_username="me",
        turn_password=SecretStr('a"b\\c'),
    )
    assert links_of(webrtc) == (
        '<stun:stun.example.com:3478>; rel="ice-server"',
        '<turn:turn.example.com>; rel="ice-server"; username="me"; credential="a\\"b\\\\c"; credential-type="password"',
    )
    assert browser_ice_servers(webrtc)[1]["credential"] == 'a"b\\c'
