"""What the standard itself prescribes, beside which a card is held."""

from conformance.suites.standard.files import (
    ENVIRONMENT,
    Right,
    StandardElement,
    StandardFile,
    all_files,
    generation_of,
    standard_file,
    standard_files,
)

__all__ = [
    "ENVIRONMENT",
    "Right",
    "StandardElement",
    "StandardFile",
    "all_files",
    "generation_of",
    "standard_file",
    "standard_files",
]
