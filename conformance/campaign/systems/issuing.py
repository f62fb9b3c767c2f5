"""Rows ISS: what issued chips, the register and the bank's books show of the system that issued them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from conformance.actors.station import Kind
from conformance.campaign.flows.station import StationFlow, StationWorld
from conformance.campaign.outside.books import CANCELLED, reading
from conformance.campaign.outside.ciphers import card_key, external_authentication
from conformance.campaign.outside.facts import ChipFacts
from conformance.campaign.outside.social import BASIC_SFI, ENVIRONMENT, PERSON_SFI, SocialCard
from conformance.campaign.rules import Case
from conformance.campaign.systems.trace import EXTERNAL_AUTHENTICATE, READ_RECORD, WRITES, Command, done
from conformance.campaign.world import COMPLETED, Chip
from emulator.iso7816 import Atr
from profiles.model import Profile

Breaches = Iterator[tuple[str, str]]
NEW_CHIPS = {"chip 1": ("card", 1), "chip 2": ("other card", 2)}
"""The blank chips of a station's world: the slot in which each lies, and its serial number."""
BASIC_ITEMS, PERSON_ITEMS = (0x05, 0x06, 0x07), (0x08, 0x09, 0x0A, 0x0B, 0x0D)
MASTER_KEY, MASTER_FILE = "MKMF", bytes.fromhex("00A40000023F0000")
YEARS = 10
EMPTY = b"\x00\xff\x20"
SAME_NUMBER = (Kind.UPGRADE, Kind.REPLACEMENT)


@dataclass(frozen=True)
class NewCard:
    """A chip that was blank, and that a station handed out in this trial."""

    name: str
    chip: Chip
    facts: ChipFacts
    blank: Profile
    commands: tuple[Command, ...]

    @cached_property
    def social(self) -> SocialCard:
        """The chip as an outsider reads it."""
        return SocialCard(self.chip.target, self.chip.product)

    def items(self) -> dict[int, bytes]:
        """The data elements of SSSE's basic and personal files by tag."""
        self.social.identification  # noqa: B018 - selects the environment
        self.social.prove_reader()
        held = (*self.social.records(BASIC_SFI), *self.social.records(PERSON_SFI))
        return {each[0]: each[2 : 2 + each[1]] for each in held if len(each) > 2}


def new_cards(case: Case) -> tuple[NewCard, ...]:
    """The chips that were handed out in the trial and are in use."""
    world = case.world
    if not isinstance(world, StationWorld):
        return ()
    found = []
    for name, (slot, serial) in NEW_CHIPS.items():
        chip, facts = world.chips[name], case.after.chips[name]
        if facts.issued and not facts.replaced:
            commands = tuple(done(world.seams.passed, slot))
            found.append(NewCard(name, chip, facts, world.flow.blank(serial), commands))
    return tuple(found)


def unique(case: Case) -> Breaches | None:
    """ISS-001: identification and answer to reset of every card of the world differ, in the chips and in the bank's register."""
    if not new_cards(case):
        return None
    cards = [
        (name, case.after.chips[name].identification or "", SocialCard(chip.target, chip.product).atr.hex())
        for name, chip in case.world.chips.items()
        if "SSSE" in chip.product.directory and case.after.chips[name].identification
    ]
    return _twins(cards)


def _twins(cards: list[tuple[str, str, str]]) -> Breaches:
    for at, (name, identification, atr) in enumerate(cards):
        for other, others_identification, others_atr in cards[at + 1 :]:
            if identification == others_identification:
                yield f"{name} 与 {other} 的识别码相同", f"{name} and {other} have the same identification"
            if atr == others_atr:
                yield f"{name} 与 {other} 的复位应答相同", f"{name} and {other} have the same answer to reset"


def proven_before_written(case: Case) -> Breaches | None:
    """ISS-002: before each record that the personalisation wrote, kid 0A (on 3.00) and then kid 04 were authenticated."""
    cards = [(card, [each for each in card.commands if each.step == "PERSONALISE"]) for card in new_cards(case)]
    cards = [(card, said) for card, said in cards if any(each.ins in WRITES for each in said)]
    return _unproven(cards) if cards else None


def _unproven(cards: list[tuple[NewCard, list[Command]]]) -> Breaches:
    for card, said in cards:
        wanted = [0x0A, 0x04] if card.chip.product.specification == "3.00" else [0x04]
        for write in (each for each in said if each.ins in WRITES and each.application == ENVIRONMENT):
            proven = {each.p2: each.at for each in said if each.ins == EXTERNAL_AUTHENTICATE and each.at < write.at}
            order = [proven.get(kid, -1) for kid in wanted]
            if -1 in order or order != sorted(order):
                yield f"{card.name} 未先认证即写入", f"{card.name} was written before its keys were proven"
                break


def read_back(case: Case) -> Breaches | None:
    """ISS-003: every record that was written is read after the last write, before the card is handed out."""
    cards = [card for card in new_cards(case) if any(each.ins in WRITES for each in card.commands)]
    return _unread(cards) if cards else None


def _unread(cards: list[NewCard]) -> Breaches:
    for card in cards:
        inside = [each for each in card.commands if each.application == ENVIRONMENT]
        writes = {(each.p1, each.p2): each.at for each in inside if each.ins in WRITES and each.step == "PERSONALISE"}
        reads = {(each.p1, each.p2): each.at for each in inside if each.ins == READ_RECORD}
        last = max(writes.values(), default=-1)
        missing = sum(reads.get(place, -1) < last for place in writes)
        if missing:
            yield f"{card.name} 有 {missing} 条记录未回读", f"{missing} records of {card.name} were not read again"


def least_items(case: Case) -> Breaches | None:
    """ISS-004: 05, 06, 07, 08, 09, 0A, 0B and 0D hold something."""
    cards = new_cards(case)
    return _empty_items(cards) if cards else None


def _empty_items(cards: tuple[NewCard, ...]) -> Breaches:
    for card in cards:
        held = card.items()
        for tag in (*BASIC_ITEMS, *PERSON_ITEMS):
            if not held.get(tag, b"").strip(EMPTY):
                yield f"{card.name} 缺少数据元 {tag:02X}", f"{card.name} lacks the data element {tag:02X}"


def data_return(case: Case) -> Breaches | None:
    """ISS-006: what the bank got back of the chip is what the chip shows: identification, answer to reset, version, number."""
    cards = new_cards(case)
    return _other_return(case, cards) if cards else None


def _other_return(case: Case, cards: tuple[NewCard, ...]) -> Breaches:
    with reading(case.world.hosts["bank"].path) as base:
        kept = {(row["pan"], row["sequence"]): row for row in base.execute("SELECT * FROM chip")}
    for card in cards:
        shown = card.facts.financial
        row = kept.get((shown.pan, shown.sequence)) if shown is not None else None
        version = card.items().get(0x03, b"").strip(EMPTY).decode("latin-1")
        here = (card.facts.identification, card.social.atr.hex().upper(), version)
        there = None if row is None else (row["identification"], row["atr"], row["version"])
        if here != there:
            yield f"{card.name} 的回盘数据与卡不符", f"the data return of {card.name} is not what the card shows"


def same_number(case: Case) -> Breaches | None:
    """ISS-008: the new card has the old number with the next sequence number, and an identification that no card had."""
    world = case.world
    if not isinstance(world, StationWorld) or world.flow.kind not in SAME_NUMBER or case.ending != COMPLETED:
        return None
    old, new = case.before.chips.get("old card A"), case.after.chips["chip 1"]
    return None if old is None or old.financial is None or not new.issued else _other_number(case, old, new)


def _other_number(case: Case, old: ChipFacts, new: ChipFacts) -> Breaches:
    was, shown = old.financial, new.financial
    if was is None or shown is None or shown.pan != was.pan:
        yield "新卡的卡号不是旧卡的卡号", "the new card has another number than the old one"
    elif int(shown.sequence) != int(was.sequence) + 1:
        yield (
            f"新卡序列号 {shown.sequence}，旧卡 {was.sequence}",
            f"the new card has sequence number {shown.sequence} after {was.sequence}",
        )
    known = {facts.identification for facts in case.before.chips.values()} - {None}
    if new.identification is None or new.identification in known:
        yield "新卡的识别码不是新的", "the identification of the new card is none, or that of an earlier card"


def old_card_cancelled(case: Case) -> Breaches | None:
    """ISS-009: the identification of the replaced card is cancelled in the register."""
    old, centre = case.before.chips.get("old card A"), case.after.centre
    if old is None or old.identification is None or centre is None or not case.after.chips["old card A"].replaced:
        return None
    return _still_registered(centre.cards.get(old.identification))


def _still_registered(entry: tuple[str, int] | None) -> Breaches:
    if entry is None or entry[1] != CANCELLED:
        yield "旧卡识别码未注销", "the identification of the old card is not cancelled"


def keys_replaced(case: Case) -> Breaches | None:
    """ISS-012: the master key of the production stage is refused with 63Cx; that of the issuer is taken."""
    cards = new_cards(case)
    return _makers_keys(cards) if cards else None


def _makers_keys(cards: tuple[NewCard, ...]) -> Breaches:
    for card in cards:
        makers, issuers = (_master_answer(card, product) for product in (card.blank, card.chip.product))
        if makers[:1] != b"\x63":
            yield f"{card.name} 仍接受生产阶段主控密钥", f"{card.name} does not refuse the maker's master key with 63Cx"
        if issuers != b"\x90\x00":
            yield f"{card.name} 不接受发卡方主控密钥", f"{card.name} does not take the issuer's master key"


def _master_answer(card: NewCard, product: Profile) -> bytes:
    """What the chip answers to a proof of a product's master key."""
    social = SocialCard(card.chip.target, card.chip.product)
    social.send(MASTER_FILE)
    challenge = social.send(bytes.fromhex("0084000008"))[:-2]
    key = card_key(product, MASTER_KEY, 1, Atr.parse(social.atr).historical, "")
    data = external_authentication(product.algorithm, key, challenge)
    return social.send(bytes((0x00, 0x82, 0x00, 0x00, len(data))) + data)


def ten_years(case: Case) -> Breaches | None:
    """ISS-015: from the day of issue 05 to the end 06 there are ten years, as the area of the profiles has it."""
    cards = new_cards(case)
    return _other_term(cards) if cards else None


def _other_term(cards: tuple[NewCard, ...]) -> Breaches:
    for card in cards:
        held = card.items()
        issued, expires = held.get(0x05, b"").hex(), held.get(0x06, b"").hex()
        if not (issued + expires).isdecimal() or int(expires[:4]) - int(issued[:4]) != YEARS:
            yield f"{card.name} 有效期不是 {YEARS} 年", f"{card.name} is not good for {YEARS} years"


CHECKS = {
    "SSC-ISS-001": unique,
    "SSC-ISS-002": proven_before_written,
    "SSC-ISS-003": read_back,
    "SSC-ISS-004": least_items,
    "SSC-ISS-006": data_return,
    "SSC-ISS-008": same_number,
    "SSC-ISS-009": old_card_cancelled,
    "SSC-ISS-012": keys_replaced,
    "SSC-ISS-015": ten_years,
}


def rows_of_station(flow: StationFlow) -> tuple[str, ...]:
    """The rows that a flow at the station can show."""
    if flow.kind not in SAME_NUMBER:
        return tuple(row for row in CHECKS if row not in ("SSC-ISS-008", "SSC-ISS-009"))
    return tuple(row for row in CHECKS if row != "SSC-ISS-009" or flow.kind is not Kind.UPGRADE)
