"""Requirements on systems (ISS, TERM, CTR) that a flow shows: each row by a check from the outside that can fail."""

from conformance.campaign.systems.rows import Shown, rows_of, show

__all__ = ["Shown", "rows_of", "show"]
