"""APDU traces in a person's words."""

from reports.trace.decode import Decoder
from reports.trace.octets import Octets, OctetsError
from reports.trace.parts import Decoded, Field, Name
from reports.trace.redact import Redactor

__all__ = ["Decoded", "Decoder", "Field", "Name", "Octets", "OctetsError", "Redactor"]
