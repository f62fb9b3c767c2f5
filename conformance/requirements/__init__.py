"""The requirement catalogues: every checkable requirement, its source, its level and the cards it applies to."""

from conformance.requirements.conditions import Algorithm, Applicability, CardTraits, Condition, Feature
from conformance.requirements.loader import PAYMENT, SOCIAL_SECURITY, CatalogueError, load_catalogue, load_directory
from conformance.requirements.model import (
    Area,
    Catalogue,
    Check,
    Document,
    OfficialItem,
    Requirement,
    Source,
    UnknownNameError,
)
from conformance.requirements.terms import Confidence, Coverage, Evidence, Level, Text

__all__ = [
    "PAYMENT",
    "SOCIAL_SECURITY",
    "Algorithm",
    "Applicability",
    "Area",
    "CardTraits",
    "Catalogue",
    "CatalogueError",
    "Check",
    "Condition",
    "Confidence",
    "Coverage",
    "Document",
    "Evidence",
    "Feature",
    "Level",
    "OfficialItem",
    "Requirement",
    "Source",
    "Text",
    "UnknownNameError",
    "load_catalogue",
    "load_directory",
]
