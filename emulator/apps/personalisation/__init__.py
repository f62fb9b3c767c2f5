"""Personalisation of a payment application by data groupings, from an installed application to an issued card (JR/T 0025.10)."""
