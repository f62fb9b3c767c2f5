"""Everything that the rules are judged by: looked at from the outside, at one moment of a world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from conformance.actors.bank.messages import AuthorisationRequest
from conformance.actors.medical.messages import PreSettlement
from conformance.campaign.outside import books
from conformance.campaign.outside.certificates import certified_names
from conformance.campaign.outside.payment import PaymentCard, Shown
from conformance.campaign.outside.social import MedicalCard, SocialCard
from conformance.campaign.world import Chip, World

TERMINAL = "500000000099"
PROBE = 100
"""Amount in fen of a bill by which is asked whether the centre would settle with a card."""


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """What a chip shows.

    Attributes:
        identification, person: Of social security; None where the chip shows none. The person is number and name.
        financial: Number, sequence number and expiry.
        content: All that can be read.
        open_commands: Pre-issue commands that it accepts.
        open_transport: Whether it takes its maker's transport code.
        medical: Balance, sums and log of the medical application.
        settles: Whether the centre would settle a bill with it.
        pays: The bank's code to a purchase of nothing on line; empty where the chip gave no ARQC.
        e_cash: Balance in fen that the financial application shows; None where it shows none.
        certified: Names in the certificates that authority and keys of the chip stand behind, of an issued chip that must have them.
        issued, replaced: Whether the chip was issued at that moment, and whether another one had taken its place.
    """

    identification: str | None
    person: tuple[str, str] | None
    financial: Shown | None
    content: bytes = field(repr=False)
    open_commands: tuple[str, ...] = ()
    open_transport: bool = False
    medical: MedicalCard | None = None
    settles: bool = False
    pays: str = ""
    e_cash: int | None = None
    certified: tuple[str, ...] = ()
    issued: bool = False
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """A world at one moment.

    Attributes:
        chips: By name.
        transacting: By number or person, the chips that a host would serve now.
        money: By host.
        agreements: The bank's.
        centre: The centre's books, None where there is no centre.
        texts: What may be read where nothing of a person may stand in clear, by where it stands.
    """

    chips: dict[str, ChipFacts]
    transacting: dict[str, tuple[str, ...]]
    money: dict[str, books.MoneyBooks]
    agreements: tuple[books.Row, ...]
    centre: books.CentreBooks | None
    texts: dict[str, str] = field(repr=False)


def look(world: World) -> Facts:
    """Look at everything; nothing is changed, for chips and hosts are asked on copies."""
    world.update()
    probes = Probes(world)
    try:
        chips = {name: _chip(probes, world, name, chip) for name, chip in world.chips.items()}
    finally:
        probes.close()
    able: dict[str, list[str]] = {}
    for name, facts in chips.items():
        if facts.settles and facts.person:
            able.setdefault(_key(world, facts.person[0]), []).append(name)
        if facts.pays == "00" and facts.financial:
            able.setdefault(facts.financial.pan, []).append(name)
    hosts = world.hosts
    money = {"bank": books.bank_money, "centre": books.centre_money}
    texts = {path.name: books.dump(path) for path in world.journals}
    return Facts(
        chips,
        {number: tuple(names) for number, names in able.items()},
        {name: money[name](host.path) for name, host in hosts.items()},
        books.agreements(hosts["bank"].path) if "bank" in hosts else (),
        books.centre_books(hosts["centre"].path) if "centre" in hosts else None,
        {**texts, "what the programs said": "\n".join(world.said)},
    )


def _key(world: World, identity: str) -> str:
    """How findings call a person."""
    return next((person.key for person in world.persons.values() if person.identity == identity), "a stranger")


class Probes:
    """Hosts over copies of their books, to be asked what they would do."""

    def __init__(self, world: World) -> None:
        self._opened = {}
        for name, host in world.hosts.items():
            path = world.folder / f"probe-{name}.sqlite"
            books.copy(host.path, path)
            self._opened[name] = host.open(path)

    def settles(self, number: str, person: str, card: str) -> bool:
        """Whether the centre would quote a bill for this card and person."""
        centre = self._opened.get("centre")
        if centre is None:
            return False
        request = PreSettlement(f"probe {number}", person, card, TERMINAL, PROBE, PROBE)
        return centre.pre_settle(request).refusal is None

    def pays(self, request: AuthorisationRequest | None) -> str:
        """The bank's code to a purchase of nothing; nothing without a request."""
        bank = self._opened.get("bank")
        return "" if bank is None or request is None else str(bank.authorise(request).code)

    def close(self) -> None:
        """Let the copies go."""
        for host in self._opened.values():
            (host.ledger if hasattr(host, "ledger") else host.books).close()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a chip with a certain memory shows: facts that no host is needed for, and its request for a purchase."""

    memory: Mapping[str, object] = field(repr=False)
    facts: ChipFacts
    request: AuthorisationRequest | None


def _chip(probes: Probes, world: World, name: str, chip: Chip) -> ChipFacts:
    seen = _seen(world, name, chip)
    facts = seen.facts
    person, identification = facts.person, facts.identification
    return replace(
        facts,
        settles=person is not None and identification is not None and probes.settles(name, person[0], identification),
        pays=probes.pays(seen.request),
        replaced=chip.replaced,
    )


def _seen(world: World, name: str, chip: Chip) -> Seen:
    """A chip whose memory is as it was when somebody looked first shows the same again, and is not asked."""
    memory, key = chip.target.snapshot(), (name, chip.issued)
    known = world.seen.get(key)
    if known is not None and known.memory == memory:
        return known
    payment = PaymentCard(chip.target)
    facts = ChipFacts(None, None, payment.shown, payment.content, e_cash=payment.balance, issued=chip.issued)
    if "SSSE" in chip.product.directory:
        social = SocialCard(chip.target, chip.product)
        facts = replace(
            facts,
            identification=social.identification,
            person=social.person(),
            content=social.everything() + payment.content,
            open_commands=tuple(social.accepted_pre_issue()) if chip.issued else (),
            open_transport=bool(chip.transport_code) and social.takes_transport_code(chip.transport_code),
            medical=social.medical(chip.pin) if chip.pin else None,
            certified=certified_names(social) if chip.certified and chip.issued else (),
        )
    seen = Seen(memory, facts, payment.request(f"probe {name}"))
    return world.seen.setdefault(key, seen) if known is None else seen
