"""The actors as hosts: processes of their own behind a line that can fail, and their clients."""

from conformance.actors.hosts.address import Address, AddressError, Token
from conformance.actors.hosts.client import Patience, RemoteLine
from conformance.actors.hosts.failures import Failure, FaultyLine
from conformance.actors.hosts.faulty_wire import FaultyWire
from conformance.actors.hosts.process import HostFailed, HostProcess
from conformance.actors.hosts.server import Host

__all__ = [
    "Address",
    "AddressError",
    "Failure",
    "FaultyLine",
    "FaultyWire",
    "Host",
    "HostFailed",
    "HostProcess",
    "Patience",
    "RemoteLine",
    "Token",
]
