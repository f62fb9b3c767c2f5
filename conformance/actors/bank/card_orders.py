"""From a card in the books to the order for its data."""

from __future__ import annotations

from datetime import date

from conformance.actors.bank.card_data import CardOrder, product_information
from conformance.actors.bank.ledger import Account
from profiles.applications import has_social_security, payment_directory
from profiles.model import Profile


def card_order(card: Account, product: Profile) -> CardOrder:
    """What a card has of its own; nothing of the product's holder stays."""
    directory = product.directory[payment_directory(product) or ""]
    return CardOrder(
        card.pan,
        card.sequence,
        date.fromisoformat(f"{card.expiry}-01"),
        holder=card.holder,
        identity_number=card.identity,
        product=product_information() if has_social_security(product) else b"",
        pin=card.pin if directory.pin else None,
        balance=0 if "9F79" in directory.data else None,
    )
