"""The rendered face of a card 卡面: SVG that needs no other file, PNG at 300 dpi, and what its fonts lack."""

from reports.face.files import FaceError, back_of, check_destination, write
from reports.face.printer import FilePrinter
from reports.face.reading import read
from reports.face.render import Side, render

__all__ = ["FaceError", "FilePrinter", "Side", "back_of", "check_destination", "read", "render", "write"]
