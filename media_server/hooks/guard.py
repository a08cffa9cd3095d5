"""Which addresses this server may ask over HTTP on behalf of a call. Pure.

Rules:
- Only http and https, to a host whose spelling leaves no doubt: no user, no trailing dot, no number that some resolver
  takes for an address (`2130706433`, `0x7f.1`, `0177.0.0.1`). What is judged is the URL as the client parses it, so
  that both mean the same host.
- The port is one of the web's, unless the allow-list names another.
- The *address* decides, not the name: each address that a name resolves to is judged right before the connection, and
  the connection goes to that very address. Only global unicast passes: no loopback, private, link-local, shared
  (RFC 6598), documentation or multicast network, and no IPv6 form that carries an IPv4 address (mapped, NAT64, 6to4,
  Teredo), behind which one of those could stand.
- The operator's allow-list opens more: `name`, `name:port`, an address or network, `network:port`. A name opens
  loopback and private addresses that it resolves to; link-local ones, where clouds keep their credentials, only a
  network opens.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from yarl import URL

from media_server.errors import ConfigError, HookForbidden

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

MAX_URL = 2048
WEB_PORTS: Final = frozenset({80, 443, 8000, 8080, 8443})
MAX_PORT = 65535

_UNCLEAR = re.compile(r"[\x00-\x20\x7f\\]")
_USER = re.compile(r"[^/?#]*//[^/?#]*@")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}", re.ASCII)
_NUMERIC = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)", re.ASCII)
"""A last label by which old resolvers take a host for an address."""
_GLOBAL_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_GLOBAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)


@dataclass(frozen=True, slots=True)
class _Opened:
    """A line of the allow-list: a name or a network, and the port, or all of the web's."""

    host: str | Network
    port: int | None

    def has_port(self, port: int) -> bool:
        return port in WEB_PORTS if self.port is None else port == self.port


class Guard:
    """The rules above, with one operator's allow-list."""

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """Read the allow-list.

        Raises:
            ConfigError: A line of it is no name, address or network.
        """
        self._opened = tuple(_opened(line.strip()) for line in allow)

    def check_url(self, url: str | URL) -> URL:
        """The URL to ask, parsed. A host that is an address is judged here, a name when it is resolved.

        Raises:
            HookForbidden: It is none that may be asked.
        """
        text = str(url)
        if len(text) > MAX_URL or _UNCLEAR.search(text):
            raise HookForbidden("a URL without spaces, of at most 2048 characters, is wanted", reason="url")
        try:
            parsed = URL(text)
            port = parsed.port
        except ValueError:
            raise HookForbidden("no URL", reason="url") from None
        if parsed.scheme not in ("http", "https"):
            raise HookForbidden("only http and https are asked", reason="scheme")
        if _USER.match(text):
            raise HookForbidden("a URL with a user is not asked", reason="userinfo")
        host = parsed.raw_host or ""
        address = _address(host)
        if address is None and not _is_name(host):
            raise HookForbidden("the host is neither a plain name nor an address", reason="host")
        if port is None or not self._opens_port(host, port):
            raise HookForbidden(f"port {port} is not asked", reason="port")
        if address is not None:
            self.check_address(host, port, address)
        return parsed.with_fragment(None)

    def allows_address(self, host: str, port: int, address: Address) -> bool:
        """Whether a connection may go to this address, to which `host` was resolved."""
        for opened in self._opened:
            if not opened.has_port(port):
                continue
            if isinstance(opened.host, str):
                if opened.host == host and (is_global(address) or address.is_loopback or _is_inner(address)):
                    return True
            elif address in opened.host:
                return True
        return port in WEB_PORTS and is_global(address)

    def check_address(self, host: str, port: int, address: Address) -> None:
        """As `allows_address`.

        Raises:
            HookForbidden: It may not.
        """
        if not self.allows_address(host, port, address):
            raise HookForbidden(
                f"{host} is at an address that is not asked; hooks.allow_hosts opens it", reason="address"
            )

    def names(self, url: URL) -> bool:
        """Whether the operator's list names this URL's host."""
        host, port = url.raw_host or "", url.port or 0
        return any(opened.host == host and opened.has_port(port) for opened in self._opened)

    def _opens_port(self, host: str, port: int) -> bool:
        """Whether a host may be asked at a port at all; of a name its addresses are judged later."""
        if port in WEB_PORTS:
            return True
        return any(
            opened.port == port and (not isinstance(opened.host, str) or opened.host == host) for opened in self._opened
        )


def not_asked(host: str) -> HookForbidden:
    """What to raise where a host's address is none of those."""
    return HookForbidden(f"{host} is at an address that is not asked; hooks.allow_hosts opens it", reason="address")


def is_global(address: Address) -> bool:
    """Whether an address is of the public internet, for one host, and as it stands."""
    if not address.is_global or address.is_multicast or (address.version == 6 and address not in _GLOBAL_V6):  # noqa: PLR2004
        return False
    return not any(address in network for network in _NOT_GLOBAL)


def _is_inner(address: Address) -> bool:
    """Whether it is of a private network, by which name an operator may open it."""
    if address.is_link_local or address.is_multicast or address.is_unspecified or address.is_reserved:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address in ipaddress.IPv6Network("fc00::/7")
    return address.is_private or address in ipaddress.IPv4Network("100.64.0.0/10")


def _address(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host) if "%" not in host else None
    except ValueError:
        return None


def _is_name(host: str) -> bool:
    return len(host) <= 253 and _NAME.fullmatch(host) is not None and not _NUMERIC.fullmatch(host.rpartition(".")[2])  # noqa: PLR2004


def _opened(line: str) -> _Opened:
    network = _network(line)  # "fd00::/8" has colons of its own
    if network is not None:
        return _Opened(network, None)
    host, colon, digits = line.rpartition(":")
    host = host if colon else line
    port = int(digits) if re.fullmatch(r"[0-9]{1,5}", digits, re.ASCII) else 0
    network = _network(host.replace("[", "").replace("]", ""))
    name = host if network is not None else _encoded(host)
    if (network is None and not _is_name(name)) or (colon and not 0 < port <= MAX_PORT):
        raise ConfigError(f"hooks.allow_hosts: {line!r} is no name, address or network, with or without a port")
    return _Opened(name if network is None else network, port if colon else None)


def _encoded(host: str) -> str:
    """A name as it stands in a request; empty for what is none."""
    try:
        return URL.build(scheme="http", host=host).raw_host or ""
    except ValueError:
        return ""


def _network(text: str) -> Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None
