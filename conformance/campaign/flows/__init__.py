"""The flows that a campaign runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from conformance.campaign.world import Flow

MODULES: Mapping[str, tuple[str, str]] = {
    "issue": ("conformance.campaign.flows.issue", "IssueFlow"),
    "upgrade": ("conformance.campaign.flows.upgrade", "UpgradeFlow"),
    "replace": ("conformance.campaign.flows.upgrade", "ReplaceFlow"),
    "medical": ("conformance.campaign.flows.medical", "MedicalFlow"),
    "medical-temporary": ("conformance.campaign.flows.medical", "TemporaryFlow"),
    "medical-offline": ("conformance.campaign.flows.medical", "OfflineFlow"),
    "payment": ("conformance.campaign.flows.payment", "PaymentFlow"),
    "visit": ("conformance.campaign.flows.visit", "VisitFlow"),
    "life": ("conformance.campaign.flows.life", "LifeFlow"),
}
"""Module and class of each flow, in the order in which a campaign runs them; a module is loaded when its flow is wanted."""


def flow_of(name: str) -> Flow:
    """A flow by its name; KeyError where there is none."""
    module, kind = MODULES[name]
    make: Callable[[], Flow] = getattr(import_module(module), kind)
    return make()
