"""Everyone a card meets."""
