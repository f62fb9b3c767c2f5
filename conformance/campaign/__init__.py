"""The failure campaign: flows of issuance and settlement, run with every failure at every place, and judged from the outside."""
