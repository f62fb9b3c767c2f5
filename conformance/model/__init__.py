"""The independent reference model: what a card answers, from its profile alone. It shares no code with any card."""

from conformance.model.card import Card, Challenge, State
from conformance.model.prediction import Outcome, Prediction, refused, succeeds

__all__ = ["Card", "Challenge", "Outcome", "Prediction", "State", "refused", "succeeds"]
