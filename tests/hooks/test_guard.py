import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_server.errors import ConfigError, HookForbidden
from media_server.hooks.guard import Guard, is_global

OPEN = Guard()

REFUSED = [
    ("http://127.0.0.1/", "address"),
    ("http://127.9.9.9:8080/", "address"),
    ("http://[::1]/", "address"),
    ("http://[::ffff:127.0.0.1]/", "address"),
    ("http://[::ffff:8.8.8.8]/", "address"),
    ("http://[64:ff9b::7f00:1]/", "address"),
    ("http://[64:ff9b::808:808]/", "address"),
    ("http://[64:ff9b:1::7f00:1]/", "address"),
    ("http://[2002:7f00:1::]/", "address"),
    ("http://[2001:0:7f00:1::]/", "address"),
    ("http://[fe80::1]/", "address"),
    ("http://[fd00::1]/", "address"),
    ("http://[fec0::1]/", "address"),
    ("http://[ff02::1]/", "address"),
    ("http://[::]/", "address"),
    ("http://[::127.0.0.1]/", "address"),
    ("http://0.0.0.0/", "address"),
    ("http://10.1.2.3/", "address"),
    ("http://172.16.0.1/", "address"),
    ("http://192.168.1.1/", "address"),
    ("http://100.64.0.1/", "address"),
    ("http://169.254.169.254/latest/meta-data/", "address"),
    ("http://192.0.0.192/", "address"),
    ("http://198.18.0.1/", "address"),
    ("http://224.0.0.1/", "address"),
    ("http://240.0.0.1/", "address"),
    ("http://255.255.255.255/", "address"),
    ("http://①②⑦.0.0.1/", "address"),
    ("http://\uff11\uff12\uff17.0.0.1/", "address"),
    ("http://127。0。0。1/", "address"),
    ("http://2130706433/", "host"),
    ("http://0x7f000001/", "host"),
    ("http://0x7f.0.0.1/", "host"),
    ("http://0177.0.0.1/", "host"),
    ("http://127.1/", "host"),
    ("http://127.0.0.1./", "host"),
    ("http://example.com./", "host"),
    ("http://example.0x1/", "host"),
    ("http://[fe80::1%25eth0]/", "host"),
    ("http://exa%6dple.com/", "host"),
    ("http://exam ple.com/", "url"),
    ("http:\\\\127.0.0.1\\", "url"),
    ("http://example.com/\r\nHost: x", "url"),
    ("http://example.com/" + "a" * 3000, "url"),
    ("http://[::1", "url"),
    ("http://example.com:99999/", "url"),
    ("http:///path", "host"),
    ("//example.com/", "scheme"),
    ("example.com", "scheme"),
    ("", "scheme"),
    ("ftp://example.com/", "scheme"),
    ("file:///etc/passwd", "scheme"),
    ("gopher://example.com/", "scheme"),
    ("javascript:alert(1)", "scheme"),
    ("http://user@example.com/", "userinfo"),
    ("http://user:word@example.com/", "userinfo"),
    ("http://@example.com/", "userinfo"),
    ("http://example.com@127.0.0.1/", "userinfo"),
    ("http://example.com:22/", "port"),
    ("http://example.com:6379/", "port"),
    ("http://example.com:0/", "port"),
]


@pytest.mark.parametrize(("url", "reason"), REFUSED)
def test_what_may_not_be_asked_is_refused_by_a_reason(url: str, reason: str) -> None:
    with pytest.raises(HookForbidden) as refusal:
        OPEN.check_url(url)
    assert refusal.value.reason == reason


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/hook?x=1",
        "http://EXAMPLE.com:8080",
        "https://bücher.example/",
        "http://8.8.8.8/",
        "http://[2606:4700::1111]/",
        "https://a_b.example.com:8443/",
    ],
)
def test_the_public_web_may_be_asked(url: str) -> None:
    assert OPEN.check_url(url).host


def test_the_operators_list_opens_names_addresses_networks_and_ports() -> None:
    guard = Guard(["127.0.0.1:9000", "10.1.0.0/16", "fd00::/8", "[::1]:9001", "shop.example:9002", "Intern.example"])
    for url in (
        "http://127.0.0.1:9000/",
        "http://10.1.2.3/",
        "http://[fd00::7]:8080/",
        "http://[::1]:9001/",
        "http://shop.example:9002/",
    ):
        guard.check_url(url)
    for url in ("http://127.0.0.1/", "http://127.0.0.2:9000/", "http://10.2.0.1/", "http://other.example:9002/"):
        with pytest.raises(HookForbidden):
            guard.check_url(url)


def test_a_named_host_may_be_inside_but_never_where_clouds_keep_credentials() -> None:
    guard = Guard(["intern.example"])
    for address, allowed in {
        "10.0.0.1": True,
        "127.0.0.1": True,
        "100.64.0.1": True,
        "fd00::1": True,
        "8.8.8.8": True,
        "169.254.169.254": False,
        "fe80::1": False,
        "0.0.0.0": False,
        "224.0.0.1": False,
    }.items():
        assert guard.allows_address("intern.example", 443, ipaddress.ip_address(address)) is allowed, address
    assert not guard.allows_address("other.example", 443, ipaddress.ip_address("10.0.0.1"))


@pytest.mark.parametrize(
    "line", ["", "a b", "host:0", "host:99999", "http://host", "10.0.0.1/8", "host:", "2130706433"]
)
def test_a_line_of_the_list_that_is_none_is_a_fault_of_the_settings(line: str) -> None:
    with pytest.raises(ConfigError, match="allow_hosts"):
        Guard([line])


@given(st.text(max_size=60) | st.from_regex(r"https?://[\[\]a-f0-9:.x@%/]{1,30}", fullmatch=True))
def test_any_text_is_a_url_or_refused(text: str) -> None:
    try:
        url = OPEN.check_url(text)
    except HookForbidden:
        return
    assert url.scheme in ("http", "https")
    assert url.raw_host


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_is_global_inside_of_an_ipv6_one(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for network in ("::ffff:0:0/96", "64:ff9b::/96", "::/96"):
        base = int(ipaddress.IPv6Network(network).network_address)
        assert not is_global(ipaddress.IPv6Address(base | number))
    assert not is_global(ipaddress.IPv6Address((0x2002 << 112) | (number << 80)))
