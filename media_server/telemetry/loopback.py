"""Whether an address is this machine's own."""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether a host (no port; IPv6 with or without brackets) is this machine."""
    host = host.strip("[]").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_loopback_authority(authority: str) -> bool:
    """Whether `host[:port]`, as in a Host header, is this machine; False for what is no such thing."""
    try:
        host = urlsplit(f"//{authority}").hostname
    except ValueError:
        return False
    return is_loopback(host or "")
