"""The faults of all areas, by name."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from conformance.faults import (
    access,
    account_load,
    antenna,
    authentication,
    certificate_keys,
    certificate_secrets,
    contents,
    cyclic_files,
    dispatch,
    firewall,
    firewall_applications,
    keys,
    life,
    pin_unblocking,
    pins,
    protection,
    purchase,
    purchase_booking,
    purchase_codes,
    purchase_traces,
    records,
    resets,
    secure_access_module,
    selection,
    tearing,
)
from conformance.faults.catalogue import Fault, UnknownFault
from conformance.faults.payment import (
    algorithms,
    application_selection,
    card_risk,
    certificates,
    completion,
    contactless,
    counter_end,
    cryptograms,
    data_objects,
    e_cash,
    extended,
    extended_money,
    first_cryptogram,
    initiation,
    invariants,
    issuer_authentication,
    logs,
    offline_pin,
    personalisation,
    personalised_data,
    quick_answers,
    quick_decisions,
    quick_tearing,
    reading,
    script_data,
    scripts,
    second_currency,
    signatures,
    unable_to_go_online,
    velocity,
)
from emulator.cos.card import Card

_AREAS = (
    secure_access_module,
    resets,
    antenna,
    selection,
    records,
    contents,
    dispatch,
    access,
    keys,
    pins,
    pin_unblocking,
    authentication,
    protection,
    firewall,
    firewall_applications,
    tearing,
    purchase,
    purchase_booking,
    purchase_codes,
    purchase_traces,
    account_load,
    cyclic_files,
    life,
    certificate_secrets,
    certificate_keys,
    application_selection,
    initiation,
    counter_end,
    reading,
    data_objects,
    offline_pin,
    contactless,
    first_cryptogram,
    card_risk,
    velocity,
    issuer_authentication,
    completion,
    unable_to_go_online,
    certificates,
    signatures,
    cryptograms,
    algorithms,
    extended,
    extended_money,
    scripts,
    script_data,
    logs,
    e_cash,
    second_currency,
    invariants,
    personalisation,
    personalised_data,
    quick_answers,
    quick_decisions,
    quick_tearing,
)

FAULTS: Mapping[str, Fault] = {fault.name: fault for area in _AREAS for fault in area.FAULTS.faults}
"""Every named fault."""


def with_fault(card: Card, name: str) -> Card:
    """The card with a fault, on the same memory; a card that has faults already keeps them.

    The given card is to be used no more: a fault of the contents changes the memory that both share, for good where
    the card lives in an image file.

    Raises:
        UnknownFault: No fault has this name; the message offers similar ones.
    """
    fault = FAULTS.get(name)
    if fault is None:
        similar = get_close_matches(name, FAULTS, n=3) or sorted(FAULTS)[:3]
        raise UnknownFault(f"no fault is named {name!r}; did you mean {', '.join(similar)}?")
    return fault.apply(card)
