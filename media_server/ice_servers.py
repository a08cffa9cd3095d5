"""The settings of WebRTC, as our own ICE takes them and as browsers do."""

from typing import Any

from aiortc.rtcicetransport import parse_stun_turn_uri

from media_server.config import Settings
from media_server.errors import ConfigError
from media_server.settings_sections import WebRtcSettings
from media_server.telemetry.loopback import is_loopback
from media_server.transports.webrtc_ice import IceSettings, TurnServer


def ice_settings(settings: Settings) -> IceSettings:
    """Where browsers may reach us. A server for its own machine opens no socket that others could reach.

    Raises:
        ConfigError: A server's address cannot be understood.
    """
    webrtc = settings.webrtc
    addresses = tuple(str(each) for each in webrtc.addresses)
    if not addresses and is_loopback(settings.host) and settings.open_to_all:
        addresses = (settings.host if settings.host != "localhost" else "127.0.0.1",)
    stun = _parsed("webrtc.stun_url", webrtc.stun_url)
    return IceSettings(
        addresses=addresses,
        ports=(webrtc.first_port, webrtc.last_port) if webrtc.first_port else None,
        stun=(stun["host"], stun["port"]) if stun is not None else None,
        turn=_relay(webrtc),
    )


def _relay(webrtc: WebRtcSettings) -> TurnServer | None:
    turn = _parsed("webrtc.turn_url", webrtc.turn_url)
    if turn is None or webrtc.turn_password is None:
        return None
    password = webrtc.turn_password.get_secret_value()
    transport, tls = str(turn["transport"]), turn["scheme"] == "turns"
    return TurnServer(turn["host"], turn["port"], webrtc.turn_username, password, transport, tls)


def browser_ice_servers(webrtc: WebRtcSettings) -> list[dict[str, Any]]:
    """What a page gives its `RTCPeerConnection`."""
    servers: list[dict[str, Any]] = []
    if webrtc.stun_url is not None:
        servers.append({"urls": [webrtc.stun_url]})
    if webrtc.turn_url is not None and webrtc.turn_password is not None:
        secret = webrtc.turn_password.get_secret_value()
        servers.append({"urls": [webrtc.turn_url], "username": webrtc.turn_username, "credential": secret})
    return servers


def links_of(webrtc: WebRtcSettings) -> tuple[str, ...]:
    """The same for a WHIP client, as `Link` headers (RFC 9725, section 4.6)."""
    links = []
    for server in browser_ice_servers(webrtc):
        link = f'<{server["urls"][0]}>; rel="ice-server"'
        if "username" in server:
            username, credential = (_quoted(server[name]) for name in ("username", "credential"))
            link += f'; username={username}; credential={credential}; credential-type="password"'
        links.append(link)
    return tuple(links)


def _quoted(text: str) -> str:
    """A quoted-string (RFC 9110, section 5.6.4)."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _parsed(name: str, url: str | None) -> dict[str, Any] | None:
    if url is None:
        return None
    try:
        return parse_stun_turn_uri(url)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
