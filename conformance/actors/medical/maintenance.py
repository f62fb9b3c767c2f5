"""Maintenance commands at a reader: a key is proven, a fresh challenge taken, the command comes with its MAC (specification §4.4)."""

from __future__ import annotations

from conformance.actors.medical.keys import KeysRefused
from conformance.actors.medical.reader import CardReader

CLASS = 0x84
MAC_LENGTH = 4


def maintain(
    reader: CardReader, place: str, key: str, header: bytes, blocks: bytes = b"", zh: str = "", en: str = ""
) -> None:
    """One maintenance command in a directory.

    Args:
        reader: The card.
        place: Name of the directory, whose maintenance key makes the MAC.
        key: The key that is proven first.
        header: INS, P1 and P2.
        blocks: Whole blocks that go enciphered.
        zh, en: What the command is called where the card refuses it.

    Raises:
        KeysRefused: PSAM or HSM is missing, or has not the keys.
        CardGone, CardRefused: What the reader raises.
    """
    keys = reader.keys
    if keys is None:
        raise KeysRefused("the reader has neither PSAM nor HSM")
    reader.open(place)
    reader.authenticate(key)
    name = reader.cards.directory[place].maintenance_key
    if name is None:
        raise KeysRefused("the card product has no maintenance key")
    challenge = reader.challenge()
    data = keys.encipher(name, reader.card, challenge, blocks) if blocks else b""
    covered = bytes((CLASS,)) + header + bytes((len(data) + MAC_LENGTH,)) + data
    code = keys.maintenance_mac(name, reader.card, challenge, covered)
    ins, p1, p2 = header
    reader.need(reader.send(CLASS, ins, p1, p2, data + code, ne=0), zh, en)
