"""Which hosts a worker may post to: whoever writes a reward names its server, whoever runs the worker sets the bounds.

`MERIT_HOSTS` lists hosts, `*.names`, addresses and networks, with commas or spaces between; empty allows any. A cloud's
own services, which give its keys to whoever asks from inside, are refused unless listed.
"""

import os
import re
import socket
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

SETTING = "MERIT_HOSTS"
Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
# Link-local addresses, where most clouds have them, and those of AWS (IPv6), Azure and Alibaba.
METADATA = [ip_network(x) for x in ("169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "168.63.129.16", "100.100.100.200")]


class HostRefused(Exception):
    """The worker may not post there, and why."""


@dataclass(frozen=True)
class Hosts:
    """Names (small letters; `*` for any part) and networks that may be posted to; all, where there are none."""

    names: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host that may be connected to; OSError where it has none. HostRefused: it, or one of its
        addresses, may not be posted to."""
        name = host.lower().rstrip(".")
        named = any(fnmatchcase(name, pattern) for pattern in self.names)
        anywhere = not (self.names or self.networks)
        if not (named or anywhere or self.networks):
            raise HostRefused(f"is at {host}, and {SETTING} on the worker does not name that.")
        found = list(dict.fromkeys(str(row[4][0]) for row in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        for address in map(_plain, found):
            listed = any(address in network for network in self.networks)
            if not (named or anywhere or listed):
                raise HostRefused(f"is at {host} ({address}), and {SETTING} on the worker does not name that.")
            if any(address in network for network in METADATA) and not (listed or name in self.names):
                what = "an address of the worker's own surroundings, which may hold keys of its cloud"
                raise HostRefused(f"is at {host} ({address}), {what}.")
        return found


def allowed() -> Hosts:
    """The setting of this worker. HostRefused: an entry cannot be understood."""
    names, networks = [], []
    for entry in re.split(r"[,\s]+", os.environ.get(SETTING, "").strip().lower()):
        try:
            networks.append(ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            if not re.fullmatch(r"[a-z0-9_.*-]*", entry):
                what = f"{SETTING} on the worker holds {entry!r:.80}, which is no host."
                raise HostRefused(f"cannot be asked: {what}") from None
            names += [entry.rstrip(".")] if entry else []
    return Hosts(tuple(names), tuple(networks))


def _plain(text: str) -> Address:
    """An address, without a zone; one of version 4 that is written as one of version 6 as what it is."""
    address = ip_address(text.partition("%")[0])
    inner = (address.ipv4_mapped or address.sixtofour) if isinstance(address, IPv6Address) else None
    if isinstance(address, IPv6Address) and address in ip_network("64:ff9b::/96"):  # through a translating gateway
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
    return inner or address
