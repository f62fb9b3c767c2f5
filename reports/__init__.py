"""From the event log of a run to something that a person signs."""
